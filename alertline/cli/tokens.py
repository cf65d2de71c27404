"""`token`: who may deliver, read and write."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click
import msgspec
import orjson

from alertline.cli.options import config_option, data_option, settings_from
from alertline.errors import AlertlineError, SettingError

if TYPE_CHECKING:
    from alertline.store.tokens import TokenRow, TokenStore

__all__ = ["token"]

# shown beside what they write: no name of ours, and nothing that looks like an integration's principal
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,99}", re.ASCII)
_OURS: Final = frozenset(("local", "operator"))
_FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
_database_option = click.option(
    "--database", metavar="URL", help="The store, where it is not in the data folder: postgresql://…"
)
_Result = TypeVar("_Result")


@click.group()
def token() -> None:
    """Make, list and revoke tokens, also beside a running server.

    \b
    Scopes
      ingest:NAME   may deliver to the integration NAME; ingest:* to all. Never gives commands.
      read          may read everything
      write         may read, and give commands and make entries; the token's name stands beside them
      admin         may do everything
    """


@token.command("create")
@click.argument("name", required=False)
@click.option("--scope", "scopes", multiple=True, help="What it may do; again, or with commas, for several.")
@click.option("--expires", default="365d", show_default=True, help="After how long it ends: 90d, 12h; or never.")
@_database_option
@data_option
@config_option
@_FORMAT
def token_create(
    name: str | None,
    scopes: tuple[str, ...],
    expires: str,
    database: str | None,
    data: str | None,
    config: Path | None,
    form: str,
) -> None:
    """Make a token. It is printed once, on standard output, and kept nowhere: only a hash of it is.

    \b
    alertline token create grafana-eu --scope ingest:grafana-eu
    alertline token create ana --scope write --expires 90d
    """
    from alertline.clock import now
    from alertline.durations import parse_duration
    from alertline.web.tokens import new_token

    wanted = _wanted(scopes)
    made = now()
    ends = None if expires == "never" else made + parse_duration(expires, "--expires")
    called = _checked(name or f"token {made:%Y-%m-%d %H.%M.%S}")
    try:
        text, row = new_token(called, wanted, made, ends)
    except ValueError as error:
        raise SettingError(str(error)) from error

    async def add(store: "TokenStore") -> None:
        if any(each.kind == "token" and each.name == called and each.holds(made) for each in await store.all()):
            raise AlertlineError(f"there is a token {called!r} already: revoke it first, or choose another name")
        await store.add(row)

    _run(database, data, config, add)
    if form == "json":
        click.echo(orjson.dumps({"token": text, **_public(row, made)}, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(text)
    until = f"until {ends:%Y-%m-%d %H:%M} UTC" if ends is not None else "without an end"
    click.echo(f"{row.id} {called!r}: {', '.join(wanted)}, {until}. It is not shown again.", err=True)


def _wanted(scopes: tuple[str, ...]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(each.strip() for scope in scopes for each in scope.split(",") if each.strip()))
    if not wanted:
        raise SettingError("a token needs a scope: --scope ingest:NAME, read, write or admin")
    return wanted


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or name in _OURS:
        raise SettingError(f"a token's name is letters, digits, spaces and . _ @ -, and is not ours: {name!r}")
    return name


@token.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are revoked or expired too, and sessions.")
@_database_option
@data_option
@config_option
@_FORMAT
def token_list(everything: bool, database: str | None, data: str | None, config: Path | None, form: str) -> None:
    """List the tokens: what each may do, until when, and about when it was last used."""
    from alertline.clock import now

    moment = now()
    rows = [
        row
        for row in _run(database, data, config, lambda store: store.all())
        if row.kind != "secret" and (everything or (row.kind == "token" and row.holds(moment)))
    ]
    if form == "json":
        public = [_public(row, moment) for row in rows]
        click.echo(orjson.dumps({"tokens": public}, option=orjson.OPT_INDENT_2).decode())
        return
    for row in rows:
        click.echo(_line(row, moment))
    if not rows:
        click.echo("no tokens: alertline token create NAME --scope SCOPE")


@token.command("revoke")
@click.argument("which", metavar="ID")
@_database_option
@data_option
@config_option
def token_revoke(which: str, database: str | None, data: str | None, config: Path | None) -> None:
    """Let a token hold no longer, named by its id, its name, or itself. A running server knows within seconds.

    \b
    alertline token revoke 1f0c9a2b7e
    """
    from alertline.clock import now
    from alertline.web.tokens import PREFIX

    identifier = which.removeprefix(PREFIX).partition("_")[0] if which.startswith(PREFIX) else which

    async def revoke(store: "TokenStore") -> "TokenRow":
        rows = [row for row in await store.all() if row.kind != "secret" and identifier in (row.id, row.name)]
        holding = [row for row in rows if row.revoked_at is None]
        if not rows:
            raise AlertlineError("there is no such token: alertline token list")
        if not holding:
            raise AlertlineError(f"{rows[-1].id} {rows[-1].name!r} is revoked already")
        if len({row.id for row in holding if row.kind == "token"}) > 1:
            raise AlertlineError(f"several tokens are called {identifier!r}: name one by its id")
        chosen = next((row for row in holding if row.kind == "token"), holding[0])
        await store.revoke(chosen.id, now())
        return chosen

    row = _run(database, data, config, revoke)
    click.echo(f"revoked {row.id} {row.name!r}")


def _run(
    database: str | None, data: str | None, config: Path | None, work: "Callable[[TokenStore], Awaitable[_Result]]"
) -> _Result:
    from alertline.store.tokens import TokenStore
    from alertline.wiring.embedded import folder_of

    settings = settings_from(config, data=data, database=database)
    folder = folder_of(settings)
    if not settings.database:
        folder.create()

    async def run() -> _Result:
        engine = await folder.open_store()
        try:
            with folder.store_errors():
                return await work(TokenStore(engine))
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _public(row: "TokenRow", moment: datetime) -> dict[str, object]:
    """What is told of a token: everything but its hash."""
    public: dict[str, object] = msgspec.to_builtins(row)
    del public["hash"]
    return public | {"prefix": _prefix(row), "state": _state(row, moment)}


def _prefix(row: "TokenRow") -> str:
    from alertline.web.tokens import PREFIX

    return f"{PREFIX}{row.id}_"


def _state(row: "TokenRow", moment: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "valid" if row.holds(moment) else "expired"


def _line(row: "TokenRow", moment: datetime) -> str:
    ends = f"until {row.expires_at:%Y-%m-%d %H:%M}" if row.expires_at is not None else "without an end"
    used = f"last used {row.used_at:%Y-%m-%d %H:%M}" if row.used_at is not None else "never used"
    state = "" if row.holds(moment) else f"  {_state(row, moment)}"
    kind = "  session" if row.kind != "token" else ""
    return f"{_prefix(row)}…  {row.name}  {', '.join(row.scopes)}  {ends}  {used}{kind}{state}"
