"""The `alertline` command. Each command's module is imported when it is used, so `--help` answers at once."""

import asyncio
import sys
from collections.abc import Coroutine
from importlib import import_module
from typing import Any, Final

import click

from alertline import __version__
from alertline.cli.house import check_house
from alertline.errors import AlertlineError

__all__ = ["main"]

# command: module that holds it; the order is that of a newcomer's first day
_COMMANDS: Final = {
    "demo": "demo",
    "serve": "serving",
    "send": "sending",
    "replay": "recordings",
    "export": "recordings",
    "show": "showing",
    "explain": "explaining",
    "postmortem": "showing",
    "report": "reporting",
    "quarantine": "quarantining",
    "sources": "sources",
    "token": "tokens",
    "config": "configuring",
    "db": "upkeep",
    "ingest": "serving",
    "correlate": "serving",
    "review": "serving",
}


class _Lazy(click.Group):
    """A group whose commands live in modules of `alertline.cli`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        found = getattr(import_module(f"alertline.cli.{module}"), cmd_name)
        return found if isinstance(found, click.Command) else None


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="alertline")
def _alertline() -> None:
    """Turn monitoring alerts into incident timelines.

    \b
    First steps:
      alertline demo                          a recorded outage through a real server
      alertline serve                         the service, on http://127.0.0.1:8080
      curl -d @alert.json http://127.0.0.1:8080/v1/webhooks/alertmanager
      alertline replay day.ndjson --format text   what a recorded day comes to, without a server

    Settings come from alertline.toml, then ALERTLINE_* in the environment, then flags; `alertline config check`
    explains mistakes.
    """


def main() -> None:
    """Run the command; an expected error is one line on standard error, with its exit status."""
    check_house()
    try:
        _alertline.main(prog_name="alertline", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        click.echo(_line_of(error), err=True)
        sys.exit(error.exit_code)
    except AlertlineError as error:
        click.echo(f"alertline: {error}", err=True)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away (`| head`): nothing to tell
        sys.exit(141)


def _line_of(error: click.ClickException) -> str:
    """One line on what was typed wrong; all the help where nothing was typed."""
    message = error.format_message()
    if "\n" in message:
        return message
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" (see {context.command_path} --help)" if context is not None else ""
    return f"alertline: {message.rstrip('.')}{hint}"


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a command's coroutine on the fast loop where there is one."""
    try:
        import uvloop
    except ImportError:  # a platform without it
        asyncio.run(work)
    else:
        uvloop.run(work)
