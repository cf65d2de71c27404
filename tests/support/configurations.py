"""Hypothesis strategies for configurations, and the settings file that says the same."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import msgspec
import orjson
from hypothesis import strategies as st

from alertline.configuring import duration_text
from schemas.configuration import (
    Configuration,
    Extraction,
    MaintenanceWindow,
    PendingRule,
    Thresholds,
    Windows,
)
from tests.support.story import DAY

__all__ = ["as_toml", "configurations"]

_minutes = st.integers(1, 600).map(lambda count: timedelta(minutes=count))
_words = st.sampled_from(["api", "billing", "db", "größe", 'a "quoted" one', "back\\slash", "tab\t", "HighLatency"])
_matches = st.dictionaries(
    st.sampled_from(["service", "title", "scope", "severity", "team"]),
    st.sampled_from(["*", "api", "H*", "", "err*"]),
    max_size=2,
)
_rules = st.one_of(
    st.builds(Extraction, match=_matches, set=_words),
    st.builds(Extraction, match=_matches, label=st.sampled_from(["team", "title"])),
    st.builds(Extraction, match=_matches, label=st.just("title"), regex=st.sampled_from(["^(\\w+)", "x(.)"])),
)


def _several(of: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, max_size=2).map(tuple)


@st.composite
def _maintenance(draw: st.DrawFn) -> MaintenanceWindow:
    start = DAY + timedelta(minutes=draw(st.integers(0, 900)))
    return MaintenanceWindow(start=start, end=start + draw(_minutes), match=draw(_matches), reason=draw(_words))


@st.composite
def _thresholds(draw: st.DrawFn) -> Thresholds:
    suggest, attach, merge = sorted(draw(st.tuples(*[st.integers(1, 40)] * 3)))
    return Thresholds(suggest=suggest, attach=attach, merge=merge, flaps=draw(st.integers(2, 9)))


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """Any configuration that can hold."""
    windows = {name: draw(_minutes) for name in Windows.__struct_fields__}
    windows["lease_most"] += windows["lease_least"]
    calls = draw(st.dictionaries(_words, st.sets(_words, max_size=3), max_size=3))
    return Configuration(
        windows=Windows(**windows),
        thresholds=draw(_thresholds()),
        depends_on={name: tuple(sorted(calls[name] - {name})) for name in sorted(calls)},
        correlate_by=draw(_several(_words)),  # type: ignore[arg-type]
        scope_rules=draw(_several(_rules)),  # type: ignore[arg-type]
        service_rules=draw(_several(_rules)),  # type: ignore[arg-type]
        pending=draw(_several(st.builds(PendingRule, match=_matches, pending_for=_minutes))),  # type: ignore[arg-type]
        maintenance=draw(_several(_maintenance())),  # type: ignore[arg-type]
    )


def as_toml(configuration: Configuration) -> str:
    """The settings file of a configuration."""
    return "\n".join(_lines(configuration)) + "\n"


def _lines(found: Configuration) -> Iterator[str]:
    yield "[windows]"
    for name, span in msgspec.structs.asdict(found.windows).items():
        yield f"{name} = {_text(duration_text(span))}"
    yield "[thresholds]"
    for name, points in msgspec.structs.asdict(found.thresholds).items():
        yield f"{name} = {points}"
    yield "[topology.depends_on]"
    for caller, callees in found.depends_on.items():
        yield f"{_text(caller)} = {_texts(callees)}"
    yield f"[rules]\ncorrelate_by = {_texts(found.correlate_by)}"
    for table, rules in (("scope", found.scope_rules), ("service", found.service_rules)):
        for rule in rules:
            yield f"[[rules.{table}]]\nmatch = {_table(rule.match)}"
            named = {"set": rule.set, "from": rule.label, "regex": rule.regex}
            yield from (f"{name} = {_text(value)}" for name, value in named.items() if value is not None)
    for pending in found.pending:
        yield f"[[pending]]\nmatch = {_table(pending.match)}\nfor = {_text(duration_text(pending.pending_for))}"
    for window in found.maintenance:
        yield f"[[maintenance]]\nmatch = {_table(window.match)}\nreason = {_text(window.reason)}"
        yield f"from = {window.start.isoformat()}\nto = {_text(window.end.isoformat())}"  # with and without quotes


def _text(value: str) -> str:
    return orjson.dumps(value).decode()


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"


def _table(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{_text(name)} = {_text(value)}" for name, value in values.items()) + "}"
