"""The parts of an alert of an unknown shape besides status and times: each by what the names of values mean."""

from collections.abc import Iterable
from typing import Final

import msgspec

from ingest.reading.labels import string_labels
from ingest.reading.leaves import Leaf
from ingest.reading.severities import severity_of
from ingest.reading.tags import read_tags
from ingest.reading.word_lists import word_list, word_set
from schemas.vocabulary import Severity

__all__ = [
    "SENTENCE",
    "Keys",
    "find_description",
    "find_keys",
    "find_labels",
    "find_severity",
    "find_text",
    "find_thing",
    "find_title",
    "find_url",
    "first_line",
]

SENTENCE: Final = 4  # from this rank on a title is a message rather than a name
_CONDITIONS: Final = word_set(
    "monitor check rule policy condition trigger test sensor detector heartbeat alertrule alertpolicy definition "
    "alertdefinition job alertcondition datasource probe cron alertpolicyid watch search query slo"
)
# one of them watches many hosts
_SHARED: Final = word_set("rule policy condition detector definition alertrule alertpolicy alertdefinition")
_EPISODES: Final = word_set(
    "alert incident problem issue alarm outage occurrence case ticket alertgroup group violation episode alarminstance "
    "anomaly error bug fault"
)
_MESSAGES: Final = word_set("event notification message delivery request webhook record log entry update")
_EXPLICIT: Final = word_list(
    "dedupkey deduplicationkey dedupekey deduplicationid dedup fingerprint alertkey incidentkey "
    "problemkey aggregationkey aggregkey alarmkey correlationkey uniquekey identity alertfingerprint"
)
_KEYS: Final = word_list("id key uuid uid identifier guid number ref slug")
# who a thing is, not what is wrong with it
_PARTIES: Final = word_set(
    "service services application app component project host node server machine instance device agent entity cluster "
    "environment region location resource page site system product tag label repository commit pod container "
    "namespace target business"
)
_TITLES: Final = (
    word_list("title alerttitle incidenttitle eventtitle problemtitle issuetitle alarmtitle headline"),
    word_list("summary shortdescription alertsummary incidentsummary summarymessage subject shortmessage"),
    word_list(
        "alertname rulename alertrulename incidentname problemname alarmname triggername conditionname "
        "alertrule policyname eventdefinitiontitle monitorname checkname testname sensorname jobname "
        "heartbeatname name detector rule monitor check sensor alert alarm problem"
    ),
    word_list("eventname friendlyname label"),
    word_list("message msg alertmessage eventmessage text description alertdescription reason details"),
    word_list("body output content detail cause error longdescription info signature displayname fullname"),
)
_TITLE_RANK: Final = {name: rank for rank, names in enumerate(_TITLES) for name in names}
# of other names the last word counts, as long as the first does not say that somebody else has it
_LAST_RANK: Final = {
    "title": 1,
    "headline": 1,
    "summary": 2,
    "subject": 2,
    "message": 4,
    "description": 4,
    "reason": 5,
    "name": 3,
}
_WHOSE: Final = word_set(
    "user team account org organization page project service host http stream node server file channel client "
    "application app component cluster namespace device entity resource tag label region machine company owner manager"
)
_SAYING: Final = word_list("description details message text body output content reason cause msg error")
_LONGEST_TITLE: Final = 300
_SEVERITY: Final = word_list(
    "severity severityname severitylevel alertseverity alertlevel criticality urgency priority "
    "alertpriority prio level impact importance severitylabel eventseverity incidentseverity"
)
_PARTS: Final = {
    "service": word_list(
        "service servicename applicationname application appname app componentname component microservice "
        "businessservice project projectname system product job servicedisplayname"
    ),
    "host": word_list(
        "host hostname nodename node servername server machine machinename devicename device computername "
        "computer instance agent agentname pod entityname hostdisplayname"
    ),
    "environment": word_list("environment env environmentname deploymentenvironment stage"),
    "runbook": word_list("runbook runbookurl playbook playbookurl"),
}
_URLS: Final = word_list(
    "alerturl incidenturl eventurl problemurl issueurl alarmurl deeplink permalink htmlurl detailsurl "
    "detailurl linktoupstreamdetails sourceurl weburl link alertlink incidentlink externalurl shorturl resultlink "
    "dashboardurl generatorurl monitorurl href url uri"
)
_THINGS: Final = word_list("alias checkname monitorname name label friendlyname target url monitorurl resource metric")
_STANDING: Final = word_list("name displayname hostname value label summary")
_LABELS: Final = ("labels", "tags", "commonlabels", "dimensions", "alertlabels", "customlabels", "attributes")


class Keys(msgspec.Struct, frozen=True, gc=False):
    """Which values tell one condition, and one alert of it, from others; None where nothing stable does.

    Attributes:
        identity: what the condition keeps; shared: several hosts may have it.
        dedup: the vendor's own key.
    """

    identity: Leaf | None
    dedup: Leaf | None
    shared: bool = False


def find_title(leaves: Iterable[Leaf]) -> tuple[Leaf, int] | None:
    """The value that is one line for people, and how well its name says so (0 best)."""
    best: tuple[tuple[int, int], Leaf] | None = None
    for leaf in leaves:
        rank = _title_rank(leaf) if isinstance(leaf.value, str) else None
        if rank is not None and leaf.text and (best is None or (rank, leaf.depth) < best[0]):
            best = (rank, leaf.depth), leaf
    return (best[1], best[0][0]) if best is not None else None


def _title_rank(leaf: Leaf) -> int | None:
    name, owner = leaf.name, leaf.owner[-1:]
    rank = _TITLE_RANK.get(name, _LAST_RANK.get(leaf.words[-1]) if leaf.words and leaf.words[0] not in _WHOSE else None)
    if rank is None or (owner and owner[0] in _PARTIES) or leaf.text.startswith(("http://", "https://")):
        return None
    if (
        rank == 2
        and owner
        and owner[0] not in _CONDITIONS | _EPISODES | _MESSAGES
        and name in ("name", "rule", "label")
    ):
        return None  # the name of something else
    return rank


def find_keys(leaves: Iterable[Leaf], title: Leaf | None) -> Keys:
    """The keys: explicit ones, then those of conditions, of alerts, and bare ones beside the title."""
    identity: tuple[tuple[int, int], Leaf] | None = None
    dedup: tuple[tuple[int, int], Leaf] | None = None
    for leaf in leaves:
        ranks = _key_ranks(leaf, title)
        if ranks is None or not leaf.text or isinstance(leaf.value, bool) or len(leaf.text) > 512:
            continue
        if ranks[0] is not None and (identity is None or (ranks[0], leaf.depth) < identity[0]):
            identity = (ranks[0], leaf.depth), leaf
        if dedup is None or (ranks[1], leaf.depth) < dedup[0]:
            dedup = (ranks[1], leaf.depth), leaf
    shared = identity is not None and not _SHARED.isdisjoint(_subject(identity[1]))
    return Keys(identity[1] if identity else None, dedup[1] if dedup else None, shared)


def _subject(leaf: Leaf) -> tuple[str, ...]:
    """Whose key it is: by its own name, else by the name around it."""
    return leaf.words[:-1] or leaf.owner


def _key_ranks(leaf: Leaf, title: Leaf | None) -> tuple[int | None, int] | None:
    """How good a key for the identity (None: none) and for the dedup key; None for what is no key."""
    if leaf.name in _EXPLICIT:
        return 0, 0
    if not leaf.words or leaf.words[-1] not in _KEYS:
        return None
    subject, beside = _subject(leaf), title is not None and _beside(leaf.parent, title.parent)
    nth = _KEYS.index(leaf.words[-1])  # of several in one object
    if not subject:
        return (60 + nth, 45 + nth) if beside else (None, 80 + nth)
    if subject[-1] in _CONDITIONS:
        return 10 + nth, 65 + nth
    if subject[-1] in _EPISODES:
        return 30 + nth, 30 + nth
    if subject[-1] in _MESSAGES:
        return None, 55 + nth
    # an object of another name, with the title in it
    return (70 + nth, 47 + nth) if beside and len(leaf.words) == 1 and subject[-1] not in _PARTIES else None


def _beside(parent: str, other: str) -> bool:
    """The same object, or the one that holds its fields: `{"id": 5, "attributes": {"title": …}}`."""
    return other == parent or other in (f"{parent}/attributes", f"{parent}/fields", f"{parent}/properties")


def find_thing(leaves: Iterable[Leaf]) -> Leaf | None:
    """What is watched, by a name or an address that stays; for titles that are sentences and change each time."""
    best: tuple[tuple[int, int], Leaf] | None = None
    for leaf in leaves:
        ours = not leaf.owner or leaf.owner[-1] in _CONDITIONS | _PARTIES
        if ours and leaf.name in _THINGS and leaf.text:
            cost = (_THINGS.index(leaf.name), leaf.depth)
            if best is None or cost < best[0]:
                best = cost, leaf
    return best[1] if best is not None else None


def find_severity(leaves: Iterable[Leaf]) -> tuple[Leaf, str, Severity] | None:
    """The severity: of all values so named the first whose word we know, else the first."""
    found: list[tuple[int, int, int, Leaf, str, Severity]] = []
    for leaf in leaves:
        rank = _severity_rank(leaf)
        if rank is None or isinstance(leaf.value, bool) or len(leaf.text) > 60:
            continue
        severity = _severity(leaf.text)
        found.append((severity is Severity.UNKNOWN, rank, leaf.depth, leaf, leaf.text, severity))
    best = min(found, key=lambda each: each[:3], default=None)
    return best[3:] if best is not None else None


def _severity_rank(leaf: Leaf) -> int | None:
    if leaf.name in _SEVERITY:
        return _SEVERITY.index(leaf.name)
    if leaf.name in ("name", "label", "value", "slug", "text") and leaf.owner[-1:] and leaf.owner[-1] in _SEVERITY:
        return _SEVERITY.index(leaf.owner[-1])
    return None


def _severity(text: str) -> Severity:
    """`critical`, `1 - Critical`, `SEV-1`, `P2: high`."""
    lowered = text.lower()
    words = [lowered, lowered.replace("-", "").replace(" ", ""), *lowered.replace("-", " ").replace(":", " ").split()]
    return next((each for each in map(severity_of, words) if each is not Severity.UNKNOWN), Severity.UNKNOWN)


def find_text(leaves: Iterable[Leaf], part: str) -> Leaf | None:
    """The service, host, environment or runbook; an object stands for its name."""
    names = _PARTS[part]
    best: tuple[tuple[int, int], Leaf] | None = None
    for leaf in leaves:
        owner = leaf.owner[-1] if leaf.owner else ""
        stands = leaf.name in _STANDING and (owner in names or f"{owner}name" in names)
        name = (owner if owner in names else f"{owner}name") if stands else leaf.name
        if name in names and isinstance(leaf.value, str | int) and not isinstance(leaf.value, bool) and leaf.text:
            cost = (names.index(name), leaf.depth + 2 * _STANDING.index(leaf.name) if stands else leaf.depth)
            if len(leaf.text) <= 255 and (best is None or cost < best[0]):
                best = cost, leaf
    return best[1] if best is not None else None


def find_url(leaves: Iterable[Leaf]) -> Leaf | None:
    """The address of the alert in its tool; what a check watches is rather not it."""
    best: tuple[tuple[int, int], Leaf] | None = None
    for leaf in leaves:
        if leaf.name in _URLS and leaf.text.startswith(("http://", "https://")):
            watched = 50 * (leaf.name in ("url", "uri") and not _CONDITIONS.isdisjoint(leaf.owner))
            cost = (_URLS.index(leaf.name) + watched, leaf.depth)
            if best is None or cost < best[0]:
                best = cost, leaf
    return best[1] if best is not None else None


def find_description(leaves: Iterable[Leaf], title: Leaf) -> Leaf | None:
    """What is said beside the title."""
    given = [leaf for leaf in leaves if leaf.name in _SAYING and isinstance(leaf.value, str) and leaf.text]
    other = [leaf for leaf in given if leaf.pointer != title.pointer and leaf.value != title.value]
    return min(other, key=lambda leaf: (_SAYING.index(leaf.name), leaf.depth), default=None)


def first_line(text: str) -> str:
    """The first line of a text, as long as a title may be."""
    line = next((each.strip() for each in text.splitlines() if each.strip()), "")
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1] + "…"


def find_labels(value: object, pointer: str) -> tuple[dict[str, str], str] | None:
    """Labels or tags of the object, or of an object directly inside, with where they stand."""
    if not isinstance(value, dict):
        return None
    places = [("", value)] + [
        (f"/{name}", value[name]) for name in sorted(value, key=str) if isinstance(value[name], dict)
    ]
    for step, place in places[:50]:
        spelled = {
            "".join(each for each in str(name).lower() if each.isalnum()): name for name in sorted(place, key=str)
        }
        for name in _LABELS:
            given = place.get(spelled[name]) if name in spelled else None
            labels = _labels(given)
            if labels:
                return labels, f"{pointer}{step}/{spelled[name]}"
    return None


def _labels(given: object) -> dict[str, str]:
    if isinstance(given, dict):
        return string_labels({name: said for name, said in given.items() if not isinstance(said, dict | list)})
    return read_tags(given[:200] if isinstance(given, list) else given)
