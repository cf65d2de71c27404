"""How long after its POST a delivery is visible on the API of the service in parts, at up to a thousand a second.

One receiver, two correlators, one review process, a real Kafka and a real PostgreSQL, four streams; the senders and
those who look share the machine. One delivery of a hundred is asked for, every 10 ms, until the API shows it.
"""

import asyncio
from collections.abc import Iterable
from contextlib import ExitStack
from statistics import quantiles
from time import perf_counter
from typing import Final

import aiohttp
import orjson
import uvloop

from alertline.store.migrate import upgrade
from benchmarks.bodies import requests_of
from benchmarks.kafka import stream_in
from benchmarks.real import kafka_and_postgresql
from benchmarks.reporting import Figure, Options, tell
from tests.support.postgres import database
from tests.support.roles import Roles

__all__ = ["measure"]

_RATES: Final = (100, 1_000)
_SECONDS: Final = 24.0
_WARM_S: Final = 4.0
_SAMPLED: Final = 100
_LOOK_S: Final = 0.01
_BOUND_S: Final = 10.0
_CONFIG: Final = '[integrations.bench{0}]\nsource = "alertmanager"\nstream = "{1}"\n'


def measure(options: Options) -> Iterable[Figure]:
    """Each rate once; nothing where Java or Maven is missing."""
    with kafka_and_postgresql("visible") as real, ExitStack() as stack:
        if real is None:
            return
        folder, broker, server = real
        made = stack.enter_context(database(server.url))
        uvloop.run(upgrade(made.url))
        config = "".join(_CONFIG.format(number, stream_in(number)) for number in range(4))
        parts = stack.enter_context(Roles(folder, broker.address, "bench", made.url, correlate=2, config=config))
        for rate in _RATES:
            took = uvloop.run(_at(rate, parts.ingest[0].port, parts.review[0].port))
            cuts = quantiles(took, n=100)
            tell(f"visible at {rate}/s: median {cuts[49] * 1e3:.0f} ms, p99 {cuts[98] * 1e3:.0f} ms of {len(took)}")
            yield Figure(f"visible at {rate}/s, median", cuts[49] * 1e3, "ms")
            yield Figure(f"visible at {rate}/s, p99", cuts[98] * 1e3, "ms")


async def _at(rate: int, ingest: int, review: int) -> list[float]:
    """Seconds from the beginning of a POST until the API shows what became of it, for those that were looked at."""
    request, took = requests_of("refreshes"), list[float]()
    connector = aiohttp.TCPConnector(limit=256)
    async with aiohttp.ClientSession(connector=connector) as client, asyncio.TaskGroup() as tasks:
        began = perf_counter()
        for number in range(int(rate * (_WARM_S + _SECONDS))):
            await asyncio.sleep(max(0.0, began + number / rate - perf_counter()))
            body = request().partition(b"\r\n\r\n")[2]
            looked = number % _SAMPLED == 0 and number > rate * _WARM_S
            address = f"http://127.0.0.1:{ingest}/v1/webhooks/bench{number % 4}"
            tasks.create_task(_post(client, address, body, review if looked else None, took))
    return took


async def _post(
    client: aiohttp.ClientSession, address: str, body: bytes, review: int | None, took: list[float]
) -> None:
    began = perf_counter()
    async with client.post(address, data=body, headers={"Content-Type": "application/json"}) as answer:
        delivery = orjson.loads(await answer.read())["delivery"]
    if review is None:
        return
    async with asyncio.timeout(_BOUND_S):
        while True:
            async with client.get(f"http://127.0.0.1:{review}/v1/deliveries/{delivery}") as shown:
                if shown.status == 200:
                    break
            await asyncio.sleep(_LOOK_S)
    took.append(perf_counter() - began)
