"""Scripts of Nagios and of Icinga."""

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from tests.ingest.dialects import Tell, Told

__all__ = ["DIALECTS"]


def nagios(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Strings; the state change, and the notification a little later."""
    changed = (end or start).timestamp()
    return {
        "notification_type": "PROBLEM" if end is None else "RECOVERY",
        "host_name": "db-1",
        "service_description": "Disk",
        "service_state": "CRITICAL" if end is None else "OK",
        "service_output": f"number {number}",
        "timet": f"{changed + 1:.0f}",
        "last_service_state_change": f"{changed:.0f}",
    }


def icinga(number: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    """Nested, floats; only the check's own times."""
    return {
        "notification_type": "Problem" if end is None else "Recovery",
        "host": {"name": "db-1", "display_name": "DB One"},
        "check_result": {
            "state": "DOWN" if end is None else "UP",
            "output": f"number {number}",
            "execution_end": (end or start).timestamp(),
        },
    }


def environment_as_form(number: int, start: datetime, end: datetime | None) -> Told:
    """What `curl --data-urlencode` makes of the environment."""
    fields = {
        "NAGIOS_NOTIFICATIONTYPE": "PROBLEM" if end is None else "RECOVERY",
        "NAGIOS_HOSTNAME": "db 1",
        "NAGIOS_HOSTSTATE": "DOWN" if end is None else "UP",
        "NAGIOS_HOSTOUTPUT": f"number {number}",
        "NAGIOS_LONGDATETIME": f"{end or start:%a %b %d %H:%M:%S} UTC {end or start:%Y}",
    }
    return Told(
        body=urlencode(fields).encode(),
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
    )


DIALECTS: Final[dict[str, Tell]] = {"nagios": nagios, "icinga": icinga, "environment as form": environment_as_form}
