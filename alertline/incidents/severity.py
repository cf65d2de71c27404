"""The one order of severities."""

from collections.abc import Iterable

from schemas.vocabulary import Severity

__all__ = ["highest", "highest_of", "rank"]

# unknown is lowest: a resolve that names none never lowers or raises what a firing named
_RANK = {Severity.UNKNOWN: 0, Severity.INFO: 1, Severity.WARNING: 2, Severity.ERROR: 3, Severity.CRITICAL: 4}


def rank(severity: Severity) -> int:
    """Where a severity stands: critical highest, unknown lowest."""
    return _RANK[severity]


def highest(severities: Iterable[Severity]) -> Severity:
    """The highest of some severities; unknown where there is none."""
    return max(severities, key=rank, default=Severity.UNKNOWN)


def highest_of(one: Severity, other: Severity) -> Severity:
    """The higher of two severities; mostly they are the same one."""
    return one if one is other else highest((one, other))
