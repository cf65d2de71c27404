"""The short way of a webhook through the server: for POSTs as senders usually write them, and for nothing else.

A request takes it when it is HTTP/1.1, plain (no compression, no chunks, nothing about the connection), for a path that
has a lane, and complete in what came at once. Everything else, and every doubt, goes to aiohttp: with the first such
request the whole connection is handed over, for good. So this reads a small and strict part of HTTP, and never guesses.

Heads repeat, so one that was found good is remembered with what it says; only its body is new.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, cast

import msgspec

from alertline.web.problems import answer_bytes
from alertline.web.receipt import receipt_bytes

__all__ = ["Lane", "Lanes"]

Lane = Callable[[Mapping[str, str], bytes], Awaitable[bytes]]
"""Takes the headers (names in lower case) and the body; gives the JSON of the 202, or raises what the problem is."""

_END: Final = b"\r\n\r\n"
_LONGEST_HEAD: Final = 4096
_MOST_HEADS: Final = 512  # bounds what a hostile sender can fill
_MOST_WAITING: Final = 256 * 1024  # bytes that came before the last answer was given
_LINE: Final = re.compile(rb"([A-Za-z][A-Za-z0-9-]*): ([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)")
_LENGTH: Final = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)
# what changes how the rest is to be read, or what is to be answered; aiohttp knows
_NOT_PLAIN: Final = frozenset(("content-encoding", "expect", "origin", "te", "trailer", "transfer-encoding", "upgrade"))


class _Head(msgspec.Struct, frozen=True):
    """What a head says."""

    lane: Lane
    headers: dict[str, str]
    length: int


class Lanes:
    """The lanes of a server, by path; makes the protocol of each connection.

    `fallback` makes the protocol that a connection is handed over to; `serves` says under which names we answer.
    """

    def __init__(
        self,
        lanes: Mapping[str, Lane],
        fallback: Callable[[], asyncio.Protocol],
        serves: Callable[[str], bool] = lambda _host: True,
    ) -> None:
        self._lanes = {f"POST {path} HTTP/1.1".encode(): lane for path, lane in lanes.items()}
        self._heads: dict[bytes, _Head] = {}
        self.fallback, self._serves = fallback, serves
        self.tasks: set[asyncio.Task[None]] = set()
        self.connections: set[_Connection] = set()
        self.closing = False

    def __call__(self) -> asyncio.Protocol:
        """Make the protocol of a new connection."""
        return _Connection(self)

    async def close(self, timeout_s: float) -> None:
        """Answer what was taken, at most for so long, and close every connection; call it when none can be new."""
        self.closing = True
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=timeout_s)
        for connection in tuple(self.connections):
            connection.close()

    def head(self, raw: bytes) -> _Head | None:
        """What a head says; None if it is not for a lane."""
        head = self._heads.get(raw)
        if head is None:
            head = self._read(raw)
            if head is not None and len(self._heads) < _MOST_HEADS:
                self._heads[raw] = head
        return head

    def _read(self, raw: bytes) -> _Head | None:
        first, *lines = raw.split(b"\r\n")
        lane = self._lanes.get(first)
        if lane is None or len(raw) > _LONGEST_HEAD:
            return None
        headers: dict[str, str] = {}
        for line in lines:
            match = _LINE.fullmatch(line)
            name = match[1].decode().lower() if match is not None else ""
            value = match[2].decode() if match is not None else ""
            if match is None or name in headers or name in _NOT_PLAIN:
                return None
            if name == "connection" and value.lower() != "keep-alive":
                return None
            headers[name] = value
        length = headers.get("content-length", "")
        if "host" not in headers or not self._serves(headers["host"]) or not _LENGTH.fullmatch(length):
            return None
        return _Head(lane, headers, int(length))


class _Connection(asyncio.Protocol):
    """One connection, until it is handed over."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._lanes.connections.add(self)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lanes.connections.discard(self)
        self._transport = None  # what is being taken is taken all the same: it may be durable already

    def data_received(self, data: bytes) -> None:
        if self._task is not None:
            self._waiting += data
            if len(self._waiting) > _MOST_WAITING and self._transport is not None:
                self._transport.pause_reading()
            return
        end = data.find(_END)
        head = self._lanes.head(data[:end]) if end > 0 else None
        if head is None or len(data) != end + len(_END) + head.length:
            self._hand_over(data)
            return
        self._task = asyncio.get_running_loop().create_task(self._answer(head, data[end + len(_END) :]))
        self._lanes.tasks.add(self._task)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    async def _answer(self, head: _Head, body: bytes) -> None:
        lanes = self._lanes
        try:
            receipt = await head.lane(head.headers, body)
            answer = receipt_bytes(receipt, last=lanes.closing)
        except Exception as error:  # noqa: BLE001 - the last line of defence: logged, answered 500, never a lost connection
            answer = answer_bytes(error)
        finally:
            if self._task is not None:
                lanes.tasks.discard(self._task)
            self._task = None
        if self._transport is None:
            return
        self._transport.write(answer)
        if lanes.closing:
            self._transport.close()
        elif self._waiting:
            self._transport.resume_reading()
            data, self._waiting = self._waiting, b""
            self.data_received(data)

    def _hand_over(self, data: bytes) -> None:
        transport, self._transport = self._transport, None
        if transport is None:
            return
        self._lanes.connections.discard(self)
        protocol = self._lanes.fallback()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(data)
