"""What every source module offers, and what it is given.

A source module (`ingest/sources/<name>.py`) has one public name, `ADAPTER`. Adapters are pure: bytes and headers in,
events out. They never read a clock and never make up a time: what the sender did not state stays None.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property

import msgspec

from ingest.reading.json_body import Unreadable, read_json
from schemas.configuration import Configuration
from schemas.events import Event, Rejected

__all__ = ["About", "Adapted", "Adapter", "Request"]


class Request(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One webhook request as an adapter sees it.

    Attributes:
        body: the raw bytes, never changed.
        headers: names in lower case, without secrets.
        query: the query string as the sender wrote it, secrets redacted.
        received_at: when our edge received it; to compare with, never to stand in for a time that the sender left out.
        ticks: whether a tick may be asked for, and a configuration be set (recorded time, replay).
        commands: whether the sender may give commands.
    """

    body: bytes
    headers: dict[str, str]
    received_at: datetime
    method: str = "POST"
    path: str | None = None
    query: str | None = None
    ticks: bool = False
    commands: bool = True

    @cached_property
    def document(self) -> object:
        """The body as JSON, read once however many adapters ask.

        Raises:
            Unreadable: it is not JSON.
        """
        return read_json(self.body)

    @property
    def sniffed(self) -> object:
        """The body as JSON for `detect`: None where it is not JSON."""
        try:
            return self.document
        except Unreadable:
            return None


class Adapted(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter made of one request.

    Attributes:
        events: in the sender's order; rejected: items that could not be read.
        warnings: what a person who looks at the delivery should know.
        ignored: why nothing in it concerns us (a channel test, an empty list).
        control: what the sender wanted of us instead of telling of an event (a handshake, a tick, a configuration).
        unusable: why the body as a whole could not be read.
        tick: the log time that was asked for; only with `control`.
        configuration: what an export says held from there on; only with `control`.
        key: the sender's own id of what it tells, where it stands in the body: the same key again within a day is the
            same delivery, however its bytes differ. A header that gives an id comes first. What the key is made of
            may never change: recordings would give other ids.
        paths: for each event where its parts stood, by name: a JSON pointer, or how it was made; only where shapes are
            guessed or mapped, and only for people: it never reaches the log.
    """

    events: tuple[Event, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    warnings: tuple[str, ...] = ()
    ignored: str | None = None
    control: str | None = None
    unusable: str | None = None
    tick: datetime | None = None
    configuration: Configuration | None = None
    key: str | None = None
    paths: tuple[dict[str, str], ...] = ()


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What people need to know about a source; the documentation and the sources page are made from it.

    Attributes:
        title: the sender's name as its users write it.
        paste: what to put into the sender's configuration; `{url}` stands for the integration's address.
        reads: what we read from it.
        cannot_know: what its notifications do not tell.
    """

    title: str
    paste: str
    reads: str
    cannot_know: str


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """One source type.

    Attributes:
        name: as used in paths, configuration and recordings; equal to the module's name.
        version: grows whenever the same body would give different events.
        adapt: makes events of a request; it may raise `Unreadable`, which quarantines the body with the reason.
        detect: whether a request that names no integration comes from this kind of sender.
        rank: order of asking `detect`, low first; 50 unless two sources look alike.
        own: Alertline's own format: a body without a valid item is answered 422, because its author can mend it.
        secrets: fields (JSON keys or form names, at any depth) whose values never reach the log, nor `adapt`.
        gets: whether its senders may say all in the query of a GET.
        resolves: whether the source tells when an alert is over; without it its alerts are points.
        success: the text that its senders must hear (with 200), where our usual reply looks like a failure to them.
    """

    name: str
    version: int
    about: About
    adapt: Callable[[Request], Adapted]
    detect: Callable[[Request], bool]
    rank: int = 50
    own: bool = False
    secrets: tuple[str, ...] = ()
    gets: bool = False
    resolves: bool = True
    success: str | None = None
