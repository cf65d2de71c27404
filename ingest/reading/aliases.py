"""Other keys under which a pager's record may be known to a monitor."""

import re
from typing import Final

__all__ = ["aliases_of"]

# integrations write their name before the monitor's own key: datadog/98431207
_PREFIXED: Final = re.compile(r"[A-Za-z][\w.-]*/(.+)", re.DOTALL)


def aliases_of(key: str | None) -> tuple[str, ...]:
    """The key itself, and what it holds after a `source/` prefix; nothing for none."""
    if not key:
        return ()
    inside = _PREFIXED.fullmatch(key)
    return (key, inside.group(1)) if inside else (key,)
