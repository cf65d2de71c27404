"""A PostgreSQL that is reached encrypted, in libpq's words; whoever it is not, is not talked to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from alertline.store.engine import StoreUnavailable, open_engine, reading
from tests.support.authority import Keys, made_keys
from tests.support.postgres import own_server


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Its certificates."""
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def url(keys: Keys) -> Iterator[str]:
    """A server that takes encrypted connections, and others."""
    with own_server(keys) as server:
        yield server.url


async def encrypted(url: str) -> bool:
    """Whether a connection is."""
    engine = open_engine(url)
    try:
        async with reading(engine) as connection:
            query = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            return bool(await connection.scalar(query))
    finally:
        await engine.dispose()


@pytest.mark.parametrize(
    ("words", "is_encrypted"),
    [
        ("sslmode=disable", False),
        ("sslmode=prefer", True),
        ("sslmode=require", True),
        ("sslmode=verify-ca&sslrootcert={ca}", True),
        ("sslmode=verify-full&sslrootcert={ca}", True),
        ("sslrootcert={ca}", True),
        ("sslmode=verify-full&sslrootcert={ca}&sslcert={crt}&sslkey={key}", True),
    ],
)
async def test_each_mode(url: str, keys: Keys, words: str, is_encrypted: bool) -> None:
    """Encrypted, as far as it was asked for."""
    said = words.format(ca=keys.authority, crt=keys.client_certificate, key=keys.client_key)
    assert await encrypted(f"{url}?{said}") is is_encrypted


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_a_server_of_another_authority_is_refused(url: str, tmp_path: Path, mode: str) -> None:
    """It is said why, in one line."""
    stranger = made_keys(tmp_path).authority
    with pytest.raises(StoreUnavailable, match="CERTIFICATE_VERIFY_FAILED") as refused:
        await encrypted(f"{url}?sslmode={mode}&sslrootcert={stranger}")
    assert "\n" not in str(refused.value)


async def test_a_server_of_another_name_is_refused(url: str, keys: Keys) -> None:
    """With `verify-full`; its authority is enough for `verify-ca`."""
    elsewhere = url.replace("127.0.0.1", "localhost")
    assert await encrypted(f"{elsewhere}?sslmode=verify-ca&sslrootcert={keys.authority}")
    with pytest.raises(StoreUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await encrypted(f"{elsewhere}?sslmode=verify-full&sslrootcert={keys.authority}")


@pytest.mark.parametrize("words", ["sslmode=perhaps", "sslmode=require&sslrootcert=/nowhere.pem"])
def test_a_mistake_is_told_before_anything_is_opened(words: str) -> None:
    """A mode that there is not, a file that is not there."""
    with pytest.raises(ValueError, match=r"sslmode of the database must be|certificates of the database"):
        open_engine(f"postgresql://alertline@127.0.0.1/alertline?{words}")
