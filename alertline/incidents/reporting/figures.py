"""What a report is made of, what it is asked, and what it says (contract §6, docs/reports.md)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import compress
from math import inf
from typing import Final

import msgspec

from schemas.vocabulary import Assumed, Basis, Excluded, GroupBy, MetricName, Severity

__all__ = [
    "BASIS_LETTERS",
    "METRICS",
    "NOT_MEASURED",
    "QUANTILE",
    "UNKNOWN_ZONE",
    "UNMEASURED",
    "Group",
    "Measured",
    "Question",
    "Report",
    "Statistics",
]

METRICS: Final = tuple(MetricName)
NOT_MEASURED: Final = "-"
UNMEASURED: Final = inf  # never 0: whoever counts one by mistake sees it
# many incidents are read at once: one short text each is much quicker than a column of words for every metric
BASIS_LETTERS: Final = {basis.value[0]: basis for basis in Basis}
QUANTILE: Final = "linear interpolation between the two values beside rank q * (n - 1), counted from 0"
UNKNOWN_ZONE: Final = "no time zone of that name is known: one of the IANA database is needed, such as Europe/Berlin"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents as a report takes them: a column for each thing, one value of each incident in it.

    Columns, because there may be very many: to make an object of each would take longer than all figures of them.
    An incident is known by its number, its place in the columns.

    Attributes:
        cohort_us: when it was detected, else when it started, in microseconds since 1970: the day that it belongs to.
        excluded: why it does not count; None: it does.
        seconds: a column for each metric, in the order of the vocabulary; `UNMEASURED` where it was not measured.
        bases: how its metrics are known, a letter of `BASIS_LETTERS` each; `-` where one was not measured.
        keys: severity, or scope, of each; only where the question groups by it.
        members: numbers of the incidents of each service, or source; only where the question groups by it.
    """

    incidents: Sequence[str]
    cohort_us: Sequence[int]
    excluded: Sequence[Excluded | None]
    seconds: Sequence[Sequence[float]]
    bases: Sequence[str]
    keys: Sequence[str] = ()
    members: Mapping[str, Sequence[int]] = {}

    def since(self, at_us: int) -> "Measured":
        """Those of this time or later, without what groups them."""
        own = [at >= at_us for at in self.cohort_us]
        return Measured(
            incidents=list(compress(self.incidents, own)),
            cohort_us=list(compress(self.cohort_us, own)),
            excluded=list(compress(self.excluded, own)),
            seconds=[list(compress(column, own)) for column in self.seconds],
            bases=list(compress(self.bases, own)),
        )


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked.

    Attributes:
        since, until: bounds of the time of detection; `since` counts as within, `until` as beyond; None: none.
        zone: IANA name of the zone in which days, weeks and months begin.
        service, severity: only incidents of these.
    """

    since: datetime | None = None
    until: datetime | None = None
    zone: str = "UTC"
    group_by: GroupBy | None = None
    assumed: Assumed = Assumed.ENDS
    service: str | None = None
    severity: Severity | None = None


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """What one metric comes to over the incidents that count. Seconds; None, never 0, where nothing was measured.

    Attributes:
        n: values counted, of so many incidents.
        basis: how many of the values are known how; assumed_left_out: assumed values that are not counted.
    """

    n: int
    of: int
    mean: float | None
    median: float | None
    p90: float | None
    min: float | None
    max: float | None
    basis: dict[str, int]
    assumed_left_out: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The incidents of one key; None: those that have none, or all, where nothing divides them.

    Attributes:
        incidents: how many count; excluded: how many do not, by reason.
        metrics: by name; with `_bh` behind the name, measured in working hours.
    """

    key: str | None
    incidents: int
    excluded: dict[str, int]
    metrics: dict[str, Statistics]


class Report(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """The answer, with everything that one must know to read it.

    Attributes:
        as_of: log time of the newest record that was read.
        calendar: whose working hours the `_bh` metrics are measured in.
    """

    since: datetime | None
    until: datetime | None
    zone: str
    definition: str
    quantile: str = QUANTILE
    as_of: datetime | None
    assumed: Assumed
    calendar: str | None
    service: str | None
    severity: Severity | None
    group_by: GroupBy | None
    total: Group
    groups: tuple[Group, ...]
