"""Where a page ended, as an opaque text that a client hands back for the next one."""

from base64 import b64decode, b64encode
from typing import Annotated, Final, TypeVar

import msgspec

__all__ = ["Big", "read_cursor", "write_cursor"]

Big = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A number that fits a column: a cursor comes from outside."""

_ALPHABET: Final = b"-_"
T = TypeVar("T")


def write_cursor(key: tuple[int | str, ...]) -> str:
    """Make a cursor of the sort key of the last row on a page."""
    return b64encode(msgspec.json.encode(key), _ALPHABET).decode()


def read_cursor(cursor: str, shape: type[T]) -> T:
    """Read a cursor back.

    Raises:
        ValueError: it is none of ours.
    """
    try:
        return msgspec.json.decode(b64decode(cursor, _ALPHABET, validate=True), type=shape)
    except (ValueError, msgspec.MsgspecError) as error:
        raise ValueError("the cursor is not one that a page gave out") from error
