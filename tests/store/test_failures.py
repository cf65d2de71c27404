"""What an error of PostgreSQL means: wait, or never with these values. The wrong one loses records, or stands still."""

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from alertline.store.failures import StoreUnavailable, Unstorable, meaning

WAIT = (
    asyncpg.DiskFullError,
    asyncpg.InternalServerError,  # "could not write init file", on a full disk, while one connects
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DeadlockDetectedError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresIOError,
)
NEVER = (asyncpg.CharacterNotInRepertoireError, asyncpg.NumericValueOutOfRangeError, asyncpg.UniqueViolationError)


@pytest.mark.parametrize("kind", WAIT, ids=lambda kind: kind.__name__)
def test_the_database_is_waited_for(kind: type[Exception]) -> None:
    """No record is at fault."""
    assert isinstance(meaning(DBAPIError("INSERT", None, kind("it says so"))), StoreUnavailable)


@pytest.mark.parametrize("kind", NEVER, ids=lambda kind: kind.__name__)
def test_a_value_is_refused(kind: type[Exception]) -> None:
    """The same again would be refused again."""
    assert isinstance(meaning(DBAPIError("INSERT", None, kind("it says so"))), Unstorable)
