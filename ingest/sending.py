"""The client behind `alertline send`: a recording is posted to a running server, line by line, as its senders did.

Every line is posted until the server answers for it; a line that was posted twice is known to the server by its id.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Final

import aiohttp
import msgspec
import orjson

from ingest.receivers import DELIVERY, RECEIVED_AT
from ingest.recording import Line

__all__ = ["NoTicks", "NotApplied", "Refused", "SendOptions", "Sender", "SendingFailed", "Sent"]

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 2.0
_PAGE: Final = 200
_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)  # a server promises an answer within 1 s
_TRANSIENT: Final = (502, 503, 504)
# they describe the connection that the recording came over, not this one; a recorded length may be of packed bytes
_NOT_SENT: Final = frozenset(("host", "content-length", "content-encoding", "transfer-encoding", "connection"))


class SendingFailed(Exception):
    """The server could not be reached, or answered 503, for longer than we try."""


class NoTicks(Exception):
    """The server runs on real time: it takes no ticks from a sender."""


class NotApplied(Exception):
    """A delivery was not applied in time."""


class Refused(msgspec.Struct, frozen=True):
    """A line that the server answered with a 4xx or 5xx that trying again does not change."""

    file: str
    number: int
    status: int
    detail: str


class Sent(msgspec.Struct, frozen=True):
    """What became of a recording.

    Attributes:
        lines: posted and answered; refused: those answered with an error.
        last_delivery: id of the last delivery on the server's log; None if there is none.
        last_received_at: receive time of the last line.
    """

    lines: int
    refused: tuple[Refused, ...]
    last_delivery: str | None
    last_received_at: datetime | None


class SendOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to send.

    Attributes:
        url: the server's address, without a path.
        token: sent as `Authorization: Bearer`.
        speed: how many recorded seconds pass in one; None: as fast as the server answers.
        patience_s: how long to try again when the server cannot be reached or answers 503.
    """

    url: str
    token: str | None = None
    speed: float | None = None
    patience_s: float = 30.0


class Sender:
    """Posts to one server, one request at a time: the order of a recording is part of what it says."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        options: SendOptions,
        *,
        sleep: Callable[[float], Awaitable[None]],
        monotonic: Callable[[], float],
    ) -> None:
        self._session, self._options = session, options
        self._sleep, self._monotonic = sleep, monotonic
        self._base = options.url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {options.token}"} if options.token else {}

    async def send(self, lines: Iterable[Line], on_progress: Callable[[Line], None] | None = None) -> Sent:
        """Post lines in their order; `on_progress` is told each one when it was answered.

        Raises:
            SendingFailed: the server was away for too long; BadRecording: a line cannot be read.
        """
        count, last, refused, delivery = 0, None, list[Refused](), None
        began = self._monotonic()
        first: datetime | None = None
        for line in lines:
            last = line.posted.received_at
            first = first or last
            await self._keep_pace(began, (last - first).total_seconds())
            status, answer = await self._post(line)
            delivery = _text(answer, "delivery") or delivery
            if status >= 400:
                refused.append(Refused(line.file, line.number, status, _text(answer, "detail", "title") or ""))
            count += 1
            if on_progress is not None:
                on_progress(line)
        return Sent(count, tuple(refused), delivery, last)

    async def tick(self, at: datetime) -> str:
        """Let log time run on to `at` (recorded time only); gives the id of a delivery that is applied after the tick.

        Raises:
            NoTicks: the server is not on recorded time; SendingFailed: away for too long.
        """
        moment = at.isoformat()
        headers = {RECEIVED_AT: moment, "Content-Type": "application/json"}
        path = "/v1/webhooks/alertline"
        status, answer = await self._request("POST", path, headers, orjson.dumps({"type": "tick", "at": moment}))
        if status >= 400:
            raise NoTicks(f"{status} {_text(answer, 'detail', 'title') or ''}")
        # a tick has no id to ask for: an empty delivery behind it has one, and says nothing
        marker = {**headers, "Idempotency-Key": f"after-tick-{moment}-{self._monotonic()}"}
        _, answer = await self._request("POST", path, marker, b"")
        return _text(answer, "delivery") or ""

    async def wait(self, delivery: str, limit_s: float = 60.0) -> None:
        """Wait until a delivery is applied.

        Raises:
            NotApplied: not within the limit; SendingFailed: away for too long.
        """
        end, pause = self._monotonic() + limit_s, _FIRST_PAUSE_S
        while (status := (await self._request("GET", f"/v1/deliveries/{delivery}", {}, None))[0]) != 200:
            if status != 404 or self._monotonic() > end:
                raise NotApplied(f"delivery {delivery} is not applied after {limit_s:g} s (answer {status})")
            await self._sleep(pause)
            pause = min(pause * 1.5, 1.0)

    async def incidents(self) -> list[dict[str, object]]:
        """Every incident of the server, as its API shows them.

        Raises:
            SendingFailed: away for too long, or it answers with an error.
        """
        found: list[dict[str, object]] = []
        cursor: str | None = None
        while True:
            path = f"/v1/incidents?limit={_PAGE}" + (f"&cursor={cursor}" if cursor else "")
            status, answer = await self._request("GET", path, {}, None)
            page = answer.get("incidents")
            if status != 200 or not isinstance(page, list):
                raise SendingFailed(f"no incidents: {status} {_text(answer, 'detail', 'title') or ''}")
            found.extend(page)
            cursor = _text(answer, "next_cursor")
            if cursor is None:
                return found

    async def unattached(self) -> list[object]:
        """What the server has of statements that found no incident.

        Raises:
            SendingFailed: away for too long, or it answers with an error.
        """
        status, answer = await self._request("GET", "/v1/unattached", {}, None)
        found = answer.get("unattached")
        if status != 200 or not isinstance(found, list):
            raise SendingFailed(f"no list of unattached statements: {status}")
        return found

    async def _keep_pace(self, began: float, offset_s: float) -> None:
        if self._options.speed is None:
            return
        ahead = began + offset_s / self._options.speed - self._monotonic()
        if ahead > 0:
            await self._sleep(ahead)

    async def _post(self, line: Line) -> tuple[int, dict[str, object]]:
        posted = line.posted
        path = posted.path or f"/v1/webhooks/{posted.integration}"
        if posted.query:
            path += f"?{posted.query}"
        headers = {name: value for name, value in posted.headers if name.lower() not in _NOT_SENT}
        headers[RECEIVED_AT] = posted.received_at.isoformat()
        return await self._request(posted.method, path, headers, posted.body)

    async def _request(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, dict[str, object]]:
        """Ask until there is an answer that will not change by asking again."""
        end, pause = self._monotonic() + self._options.patience_s, _FIRST_PAUSE_S
        while True:
            try:
                async with self._session.request(
                    method,
                    self._base + path,
                    headers=self._headers | headers,
                    data=body,
                    allow_redirects=False,
                    timeout=_TIMEOUT,
                ) as response:
                    status, answer = response.status, _object(await response.read())
                    if (told := response.headers.get(DELIVERY)) is not None:
                        answer["delivery"] = told  # in the words of another protocol
                    reason = f"answer {status}"
            except aiohttp.InvalidURL as error:
                raise SendingFailed(f"{self._base!r} is no address such as http://127.0.0.1:8080") from error
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
                status, answer, reason = 503, {}, str(error) or "no answer"
            if status not in _TRANSIENT:
                return status, answer
            if self._monotonic() >= end:
                raise SendingFailed(f"{self._base}: {reason}; tried for {self._options.patience_s:g} s")
            await self._sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)


def _object(body: bytes) -> dict[str, object]:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _text(answer: dict[str, object], *names: str) -> str | None:
    return next((value for name in names if isinstance(value := answer.get(name), str)), None)
