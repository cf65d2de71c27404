"""What an error of a database means to whoever asked: wait and try again, or never with these values."""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

__all__ = ["StoreUnavailable", "Unstorable", "driver_error", "meaning", "one_line"]

# By SQLSTATE. Sign-in and an unknown database may be put right while we wait, as the rest may: connection, resources,
# intervention of the operator (57014: the statement timeout too), system error, internal error (a full disk that is
# noticed where nobody expected it), lock, retry of a transaction, and a server that was made a standby.
_UNAVAILABLE: Final = ("08", "28", "3D", "40", "53", "55", "57", "58", "XX", "25006")
# a value out of its range or alphabet, one that breaks a constraint, one that is larger than an index can take
_UNSTORABLE: Final = ("22", "23", "54")


class StoreUnavailable(Exception):
    """The database cannot be reached, is locked or full: nothing was written; trying again later may work.

    After a commit alone it is not known whether it was written: the read position tells.
    """


class Unstorable(Exception):
    """The database refuses a value: nothing was written, and the same again would be refused again."""


def meaning(error: Exception) -> Exception:
    """The error in our words; the error itself where we have none, such as for a table that is missing."""
    if isinstance(error, NoConnectionFree):
        return StoreUnavailable("the store is not available: all connections are in use")
    cause = driver_error(error)
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(error, cause)
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        if state.startswith(_UNAVAILABLE):
            return StoreUnavailable(f"the store is not available: {one_line(error)}")
        return Unstorable(f"the store refuses a value: {one_line(error)}") if state.startswith(_UNSTORABLE) else error
    # before it is sent: what does not fit the type of its column, or is no text at all
    if isinstance(cause, ValueError | OverflowError) and not isinstance(cause, OSError):
        return Unstorable(f"the store refuses a value: {one_line(error)}")
    if isinstance(cause, OSError) or isinstance(error, InterfaceError) or _is_cut(error, cause):
        return StoreUnavailable(f"the store is not available: {one_line(error)}")
    return error


def one_line(error: Exception) -> str:
    """What the driver says, without the statement around it."""
    cause = driver_error(error)
    return str(cause).partition("\n")[0] or type(cause).__name__


def driver_error(error: Exception) -> BaseException:
    """What the driver raised, without what SQLAlchemy says around it."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return error
    return getattr(error.orig, "driver_exception", error.orig)


def _of_sqlite(error: Exception, cause: sqlite3.Error) -> Exception:
    if isinstance(cause, sqlite3.IntegrityError | sqlite3.DataError):
        return Unstorable(f"the store refuses a value: {cause}")
    if isinstance(error, OperationalError | InterfaceError) or isinstance(cause, sqlite3.OperationalError):
        return StoreUnavailable(f"the store is not available: {cause}")
    return error


def _is_cut(error: Exception, cause: BaseException) -> bool:
    """Whether the connection went away while it was in use; the driver says it in several ways."""
    cut = isinstance(error, DBAPIError) and error.connection_invalidated
    return cut or (type(cause).__module__.startswith("asyncpg") and type(cause).__name__ == "InterfaceError")
