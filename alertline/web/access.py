"""Principals and permissions: every handler names the permission it needs and acts for a principal.

Here the only principal is the local operator (the server listens on loopback only). Sign-in and tokens will come as
another `Authenticator`; no handler changes then.
"""

from enum import StrEnum
from typing import Protocol

import msgspec
from aiohttp import web

__all__ = ["LOCAL_OPERATOR", "PRINCIPAL", "Authenticator", "LocalOperator", "Permission", "Principal"]


class Permission(StrEnum):
    """What a handler may need. `ingest` is further narrowed to an integration by the token, where there is one."""

    PUBLIC = "public"
    INGEST = "ingest"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class Principal(msgspec.Struct, frozen=True):
    """For whom a handler acts: recorded with everything it writes."""

    name: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Whether the principal holds the permission."""
        return permission is Permission.PUBLIC or permission in self.permissions


LOCAL_OPERATOR = Principal("local", frozenset(Permission))

PRINCIPAL: web.RequestKey[Principal] = web.RequestKey("principal", Principal)


class Authenticator(Protocol):
    """Says for whom a request acts."""

    async def authenticate(self, request: web.Request) -> Principal | None:
        """Name the principal of a request; None when it has no valid credentials."""
        ...


class LocalOperator:
    """Everybody who reaches a loopback-only server is its operator."""

    async def authenticate(self, request: web.Request) -> Principal | None:
        """Name the local operator."""
        return LOCAL_OPERATOR
