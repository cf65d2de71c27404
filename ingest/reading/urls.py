"""What the address of a watched thing says."""

from functools import lru_cache
from urllib.parse import urlsplit

__all__ = ["host_of_url"]


@lru_cache(maxsize=4096)  # a check has one address
def host_of_url(text: str | None) -> str | None:
    """The host of an address, with or without a scheme; None where it has none."""
    tidy = (text or "").strip()
    if not tidy or " " in tidy:
        return None
    try:
        return urlsplit(tidy if "//" in tidy else f"//{tidy}").hostname or None
    except ValueError:
        return None
