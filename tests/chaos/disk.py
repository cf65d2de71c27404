"""A disk that can be full: a small file system in memory, which is made as small as what lies on it.

Only the superuser may mount one; elsewhere what needs it is left out, and the outcome says so.
"""

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Final

__all__ = ["Disk", "possible"]

_SIZE: Final = 8 << 30
_TRIES: Final = 20
_ROOM: Final = 64 << 10  # of what is free when it is full: less than any transaction takes


class Disk:
    """One disk, while the `with` block runs.

    Attributes:
        path: where it is mounted; everybody may look into it.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="alertline-disk-"))

    def __enter__(self) -> "Disk":
        self._mount("-t", "tmpfs", "-o", f"size={_SIZE},mode=0755", "alertline-chaos")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        subprocess.run(("umount", "-l", str(self.path)), check=False, capture_output=True)
        self.path.rmdir()

    def _mount(self, *options: str) -> None:
        done = subprocess.run(("mount", *options, str(self.path)), check=False, capture_output=True, text=True)
        if done.returncode:
            raise OSError(done.stderr.strip())

    def fill(self) -> None:
        """Leave no room."""
        for last in (*[False] * _TRIES, True):
            at = os.statvfs(self.path)
            used = (at.f_blocks - at.f_bfree) * at.f_frsize
            try:
                self._mount("-o", f"remount,size={used + _ROOM}")
            except OSError:  # more than that was written meanwhile
                if last:
                    raise
            else:
                return

    def free(self) -> None:
        """Leave as much room as before."""
        self._mount("-o", f"remount,size={_SIZE}")


@cache
def possible() -> bool:
    """Whether this machine lets us make one."""
    if os.geteuid() != 0:
        return False
    try:
        with Disk():
            return True
    except OSError:
        return False
