"""By which names this server is reached: what a browser was led here by, and from whose pages it may be given orders.

A page of a stranger can give its own name our address, and then read what we answer, as if we were that stranger's
server. The header `Host` still holds that name: on loopback, where nobody signs in, only our own names are served.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from alertline.web.problems import Problem

__all__ = ["LOOPBACK", "Hosts"]

LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))
_HOST: Final = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{0,5})?", re.ASCII)
_MOST: Final = 256


class Hosts:
    """The names of this server, besides those of loopback.

    Args:
        only: no other is served.
        local: nobody signs in: pages of other servers on this machine may post, as every program on it may.
    """

    def __init__(self, names: Iterable[str] = (), *, only: bool = False, local: bool = True) -> None:
        given = frozenset(name.lower().rstrip(".") for name in names)
        self._names, self._origins = given | LOOPBACK, given | LOOPBACK if local else given
        self._only = only
        self._known: dict[str, bool] = {}

    def serves(self, host: str | None) -> bool:
        """Whether requests under this name are answered. Without one it is no browser that asks."""
        if not self._only or host is None:
            return True
        known = self._known.get(host)
        if known is None:
            known = _name_of(host) in self._names
            if len(self._known) < _MOST:
                self._known[host] = known
        return known

    def check(self, host: str | None) -> None:
        """Refuse a name that is none of ours.

        Raises:
            Problem: 421.
        """
        if not self.serves(host):
            raise Problem(421, "Not a name of this server", f"{host!r}: name it under `hosts` if it is one")

    def check_origin(self, origin: str | None, host: str | None) -> None:
        """Refuse orders from pages of other sites: a browser says where its page is from.

        Monitoring systems and `curl` send no `Origin`.

        Raises:
            Problem: 403.
        """
        if origin is None:
            return
        try:
            parts = urlsplit(origin)
            ours = parts.hostname in self._origins or (host is not None and parts.netloc.lower() == host.lower() != "")
        except ValueError:
            ours = False
        if not ours:
            raise Problem(403, "Not from a page of another site", f"its origin is {origin}")


def _name_of(host: str) -> str | None:
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower().rstrip(".") if found is not None else None
