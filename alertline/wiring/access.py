"""Who may do what on this server: its tokens, its sign-in, its names."""

from contextlib import AsyncExitStack

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from alertline.clock import now
from alertline.config import Settings
from alertline.store.tokens import TokenStore
from alertline.web.access import Authenticator, LocalOperator
from alertline.web.credentials import Credentials
from alertline.web.hosts import Hosts
from alertline.web.sessions import Sessions
from alertline.web.tokens import KnownTokens
from alertline.wiring.closing import named

__all__ = ["Access", "hosts_of", "open_access"]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What every route is behind; without anything else, everybody is the local operator.

    Attributes:
        sessions: None where nobody needs to sign in.
    """

    authenticator: Authenticator = LocalOperator()
    hosts: Hosts = Hosts()
    sessions: Sessions | None = None


def open_access(settings: Settings, engine: AsyncEngine, link: str | None, stack: AsyncExitStack) -> Access:
    """The access that the settings ask for; `link`: the secret of the sign-in link of this start."""
    required = settings.auth == "required"
    shelf = TokenStore(engine)
    known = KnownTokens(shelf, now)
    stack.push_async_callback(named, "tokens", known.close)
    return Access(
        authenticator=Credentials(known, local=not required),
        hosts=hosts_of(settings),
        sessions=Sessions(shelf, known, now, link) if required else None,
    )


def hosts_of(settings: Settings) -> Hosts:
    """The names of the server. Behind a sign-in any name is served, unless some are listed."""
    required = settings.auth == "required"
    only = settings.on_loopback or bool(settings.hosts)
    return Hosts((settings.host, *settings.hosts), only=only, local=not required)
