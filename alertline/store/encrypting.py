"""How a PostgreSQL is reached encrypted, in libpq's words: `?sslmode=verify-full&sslrootcert=ca.pem` in its URL.

asyncpg knows these words in a DSN alone, and a URL here is taken apart before.
"""

import ssl
from collections.abc import Mapping
from typing import Final

from sqlalchemy import URL

__all__ = ["encrypted"]

_WORDS: Final = ("sslmode", "sslrootcert", "sslcert", "sslkey")
_AT_WILL: Final = ("disable", "allow", "prefer")
_MODES: Final = (*_AT_WILL, "require", "verify-ca", "verify-full")


def encrypted(url: URL) -> tuple[URL, ssl.SSLContext | str | None]:
    """The URL without those words, and what the driver is given for them; None: nothing, it does as libpq would.

    Raises:
        ValueError: a mode that there is not, or a file that cannot be used.
    """
    said = {name: str(value) for name, value in url.query.items() if name in _WORDS}
    if not said:
        return url, None
    rest = url.difference_update_query(_WORDS)
    mode = said.get("sslmode", "verify-full" if "sslrootcert" in said else "prefer")
    if mode not in _MODES:
        raise ValueError(f"sslmode of the database must be one of {', '.join(_MODES)}")
    if mode in _AT_WILL:
        return rest, mode
    return rest, _context(mode, said)


def _context(mode: str, said: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=said.get("sslrootcert"))
        if "sslcert" in said:
            context.load_cert_chain(said["sslcert"], said.get("sslkey"))
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"the certificates of the database cannot be used: {error}") from error
    context.check_hostname = mode == "verify-full"
    if mode == "require" and "sslrootcert" not in said:  # as libpq has it: encrypted, whoever it is
        context.verify_mode = ssl.CERT_NONE
    return context
