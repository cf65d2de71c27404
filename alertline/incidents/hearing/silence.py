"""Alerts whose sources fell silent (silent recovery, told apart from a stated one).

A source that repeats what still fires and stops doing so has most likely recovered without our hearing of it: after a
*lease* (`leases.py`: granted by the source, else learned) the episode expires. Its end is unknown, so it is estimated
by the last notice and bounded by the lease. Any other source may be silent for days: then the alert is flagged as
stale, and nothing is invented about its end.
"""

from datetime import datetime

import msgspec

from alertline.incidents.decisions import DecisionKind
from alertline.incidents.episodes import expired
from alertline.incidents.work import Work

__all__ = ["fall_silent"]


def fall_silent(work: Work, episode: str, deadline: datetime) -> None:
    """Nothing was heard of a firing alert for too long."""
    row = work.state.episodes[episode]
    if row.repeats or row.leased_until is not None:
        work.decide(DecisionKind.EPISODE_EXPIRED, msgspec.structs.replace(row, spans=expired(row, deadline)))
        work.touch(row.incident, interval=True)
    else:
        work.decide(DecisionKind.EPISODE_STALE, msgspec.structs.replace(row, stale=True))
        work.touch(row.incident)
