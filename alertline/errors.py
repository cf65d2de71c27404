"""The errors that a person sees as one line. Everything else is a bug and crashes loudly."""

__all__ = ["AlertlineError", "SettingError"]


class AlertlineError(Exception):
    """What went wrong, in one line that says what to do; `exit_status` is the command's."""

    exit_status = 1


class SettingError(AlertlineError):
    """A setting is wrong: names the setting, where it was read, and what would be right."""

    exit_status = 2
