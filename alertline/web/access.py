"""Principals and permissions: every handler names the permission it needs and acts for a principal.

Who that is, an `Authenticator` says: `LocalOperator` on a loopback address without sign-in, else
`alertline/web/credentials.py`. Real sign-in and roles will be another one; no handler changes then.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Protocol

import msgspec
from aiohttp import web

__all__ = [
    "EVERY",
    "LOCAL_OPERATOR",
    "PRINCIPAL",
    "Authenticator",
    "LocalOperator",
    "Permission",
    "Principal",
    "principal_of",
]

EVERY: Final = "*"


class Permission(StrEnum):
    """What a handler may need. `ingest` is further narrowed to integrations, by whom it is granted to."""

    PUBLIC = "public"
    INGEST = "ingest"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Principal(msgspec.Struct, frozen=True):
    """For whom a handler acts: recorded with everything it writes.

    Attributes:
        permissions: each by itself: what a wider one includes is listed too.
        integrations: to which it may deliver; `*` for all.
        shared: whether several people may stand behind it, so that a name which they state is believed.
    """

    name: str
    permissions: frozenset[Permission]
    integrations: frozenset[str] = frozenset()
    shared: bool = False

    def may(self, permission: Permission) -> bool:
        """Whether the principal holds the permission."""
        return permission is Permission.PUBLIC or permission in self.permissions

    def may_deliver(self, integration: str) -> bool:
        """Whether it may deliver to an integration."""
        granted = self.integrations
        return Permission.INGEST in self.permissions and (EVERY in granted or integration in granted)


LOCAL_OPERATOR = Principal("local", frozenset(Permission), frozenset((EVERY,)), shared=True)

PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)

_INCLUDED: Final = {
    Permission.READ: (Permission.READ,),
    Permission.WRITE: (Permission.READ, Permission.WRITE),
    Permission.ADMIN: (Permission.READ, Permission.WRITE, Permission.ADMIN, Permission.INGEST),
}


def principal_of(name: str, scopes: tuple[str, ...], *, shared: bool = False) -> Principal:
    """The principal that holds these scopes: `ingest:NAME` or `ingest:*`, `read`, `write`, `admin`.

    Raises:
        ValueError: one of them is no scope.
    """
    permissions: set[Permission] = set()
    integrations: set[str] = set()
    for scope in scopes:
        kind, colon, integration = scope.partition(":")
        if kind == Permission.INGEST and colon and integration:
            permissions.add(Permission.INGEST)
            integrations.add(integration)
        elif not colon and kind in _INCLUDED:
            permissions |= set(_INCLUDED[Permission(kind)])
        else:
            raise ValueError(f"unknown scope {scope!r}; one of: ingest:NAME, ingest:*, read, write, admin")
    if Permission.ADMIN in permissions:
        integrations.add(EVERY)
    return Principal(name, frozenset(permissions), frozenset(integrations), shared=shared)


class Authenticator(Protocol):
    """Says for whom a request acts."""

    async def authenticate(self, headers: Mapping[str, str], token: str | None = None) -> Principal | None:
        """Name the principal of a request; None when it shows no credentials of ours.

        Args:
            headers: found by names in lower case.
            token: the part of the path where a token may stand.

        Raises:
            Problem: 401, it shows credentials of ours that are wrong; 503, that cannot be told now.
        """
        ...


class LocalOperator:
    """Everybody who reaches a loopback-only server is its operator."""

    async def authenticate(self, headers: Mapping[str, str], token: str | None = None) -> Principal | None:
        """Name the local operator."""
        return LOCAL_OPERATOR
