"""The service in parts: receivers, correlators and pages as processes of their own on one Kafka and one database."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tests.support.balancer import Balancer
from tests.support.kafka_jars import free_port
from tests.support.server import Server

__all__ = ["Roles"]


class Roles:
    """So many of each role, behind a balancer, while the `with` block runs.

    Attributes:
        ingest, correlate, review: the processes.
        common: the flags with which any command works on the same log and store.
    """

    def __init__(
        self,
        folder: Path,
        kafka: str,
        prefix: str,
        database: str,
        *arguments: str,
        ingest: int = 1,
        correlate: int = 1,
        review: int = 1,
        config: str = "",
    ) -> None:
        self._folder, self._stack = folder, ExitStack()
        self._config = folder / "alertline.toml"
        self._config.write_text(f'drain = "1s"\n[kafka]\nprefix = "{prefix}"\npartitions = 4\nsession = "3s"\n{config}')
        self.common = ("--kafka", kafka, "--database", database, "--config", str(self._config))
        self._arguments = arguments
        self.ingest = [self._server("ingest", number) for number in range(ingest)]
        self.correlate = [self._server("correlate", number) for number in range(correlate)]
        self.review = [self._server("review", number) for number in range(review)]
        self.balancer: Balancer | None = None

    def _server(self, role: str, number: int) -> Server:
        data = self._folder / "data"
        data.mkdir(exist_ok=True)
        return Server(data, *self.common, *self._arguments, role=role, port=free_port(), name=f"{role}-{number}")

    def __enter__(self) -> "Roles":
        try:
            servers = [*self.correlate, *self.review, *self.ingest]
            for server in servers:
                self._stack.enter_context(server)
            with ThreadPoolExecutor(len(servers)) as starting:  # each takes a second or two to load
                list(starting.map(lambda server: server.start().ready(), servers))
            ports = [[server.port for server in servers] for servers in (self.ingest, self.review)]
            self.balancer = self._stack.enter_context(Balancer(self._folder, ports[0], ports[1])).ready()
        except BaseException as error:
            self._stack.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    @property
    def url(self) -> str:
        """Where all of it is reached."""
        assert self.balancer is not None
        return self.balancer.url
