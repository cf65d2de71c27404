"""The correlator as a process of its own, so that receiving keeps a core to itself (docs/performance.md).

Its standard input is its lifeline: when the server ends, however it ends, the pipe closes and the correlator stops. It
says `ready` on its standard output once it has taken the partition over, and `waiting` with the reason when it cannot
go on for now.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from alertline.config import Settings
from alertline.errors import AlertlineError
from alertline.incidents.policy import Policy
from alertline.store.port import LogChanged
from alertline.store.writer import StoreWriter
from alertline.wiring.collecting import little_collecting
from alertline.wiring.embedded import DataFolder
from consumers.runner import Runner, run_guarded
from schemas.records import NewerRecord

__all__ = ["READY", "WAITING", "CorrelatorProcess", "correlate", "end_of_input"]

log = structlog.get_logger(__name__)

READY: Final = b"ready\n"
WAITING: Final = b"waiting "
_STOP_S: Final = 10.0
_AGAIN_S: Final = 0.25
_LONGEST_AGAIN_S: Final = 8.0
_DO_NOT_RESTART: Final = 3


async def correlate(settings: Settings, *, recorded_time: bool, lifeline: bool, stop: asyncio.Event) -> None:
    """Run the correlator until `stop` is set, or until the lifeline closes.

    Raises:
        AlertlineError: a record is of a newer Alertline, or the store of another log (exit status 3: starting again
            would not help); or a file cannot be used.
    """
    folder = DataFolder(settings.data, settings.database)
    events = await folder.open_log()
    try:
        engine = await folder.open_store()
    except BaseException:
        await events.close()
        raise
    try:
        # what else holds is in the log: no setting of this process may decide anything
        runner = Runner(events, StoreWriter(engine), Policy(), owner="correlator", ticking=not recorded_time)
        with little_collecting():
            await _run_until(runner, stop, lifeline=lifeline)
    except (NewerRecord, LogChanged) as error:
        refusal = AlertlineError(str(error))
        refusal.exit_status = _DO_NOT_RESTART
        raise refusal from error
    finally:
        await engine.dispose()
        await events.close()


async def _run_until(runner: Runner, stop: asyncio.Event, *, lifeline: bool) -> None:
    watches = (_stop_on_end_of_input(runner), _say_ready(runner)) if lifeline else (_stop_on(stop, runner),)
    tasks = [asyncio.create_task(watch) for watch in watches]
    try:
        await run_guarded(runner)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stop_on(stop: asyncio.Event, runner: Runner) -> None:
    await stop.wait()
    runner.stop()


async def _stop_on_end_of_input(runner: Runner) -> None:
    try:
        await end_of_input()
    finally:
        runner.stop()  # also if the pipe cannot be watched: never outlive the server


async def end_of_input() -> None:
    """With a lifeline nothing else stops it: Ctrl-C and SIGTERM may reach it too, before the server has drained."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass


async def _say_ready(runner: Runner) -> None:
    await runner.started.wait()
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


class CorrelatorProcess:
    """Keeps one correlator process running beside the server, and says whether it is."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}
        self._command = (sys.executable, "-m", "alertline", "correlate", "--lifeline", *arguments)
        self._keeper: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self.problem: str | None = "starting"

    async def start(self) -> None:
        """Start it; it is started again whenever it ends by itself."""
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Let it finish its batch, and wait for that; a process that does not end is killed."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None and process.stdin is not None:
            process.stdin.close()
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        pause = _AGAIN_S
        while True:
            status = await self._run_once()
            if self._stopping:
                return
            log.error("correlator.ended", status=status)
            # one that ran is started again soon, one that never gets that far less and less often
            pause = _AGAIN_S if self.problem is None else min(2 * pause, _LONGEST_AGAIN_S)
            self.problem = f"the correlator ended with status {status}; its reason is in the server's log"
            if status == _DO_NOT_RESTART:
                return
            await asyncio.sleep(pause)

    async def _run_once(self) -> int:
        pipe = asyncio.subprocess.PIPE
        # a session of its own: Ctrl-C in a terminal is for the server, which lets the correlator finish
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, start_new_session=True, env=self._environment
        )
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        while line := await process.stdout.readline():
            if line == READY:
                self.problem = None
            elif line.startswith(WAITING):
                self.problem = line.removeprefix(WAITING).decode().strip()
        return await process.wait()
