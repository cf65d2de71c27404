"""Standard Webhooks (also as Svix sends it): `webhook-id`, `webhook-timestamp`, `webhook-signature`.

The library knows keys and the signed text; the time is ours to check, because it would read the wall clock itself.
"""

import base64
import binascii
from datetime import UTC, datetime
from typing import Final

from standardwebhooks.webhooks import Webhook

from ingest.proof.scheme import Check, Scheme, Terms, in_time, is_one_of
from ingest.proof.shown import Shown, Wrong

__all__ = ["PREFIX", "STANDARD"]

PREFIX: Final = "whsec_"

_MOST: Final = 8
_NAMES: Final = ("webhook", "svix")
_VERSION: Final = "v1"


def _make(terms: Terms) -> Check:
    if not terms.secrets:
        raise ValueError("a secret is needed")
    # beside keys of this form may live a token that the sender shows in another way
    written = tuple(each for each in terms.secrets if each.startswith(PREFIX))
    keys = tuple(map(_key, written or terms.secrets))

    async def check(shown: Shown, now: datetime) -> bool:
        for name in _NAMES:
            signature = shown.headers.get(f"{name}-signature")
            if signature is not None:
                break
        else:
            return False
        identifier, time = (shown.headers.get(f"{name}-{part}", "") for part in ("id", "timestamp"))
        in_time(time, now, terms.tolerance)
        signed_at = datetime.fromtimestamp(int(time), UTC)
        try:
            text = shown.body.decode()
        except UnicodeDecodeError as error:
            raise Wrong("what is signed is text, and the body is none") from error
        right = tuple(_signature_of(key.sign(identifier, signed_at, text)) for key in keys)
        offered = tuple(map(_signature_of, signature.split(" ")[:_MOST]))
        if not identifier or not any(is_one_of(each, right) for each in offered if each):
            raise Wrong("the signature does not fit the body")
        return True

    return check


def _key(secret: str) -> Webhook:
    text = secret.removeprefix(PREFIX)
    try:
        base64.b64decode(text + "=" * (-len(text) % 4), validate=True)  # the library would skip what is none
        return Webhook(secret)
    except (RuntimeError, binascii.Error, ValueError) as error:
        raise ValueError("the secret of Standard Webhooks is base64, mostly written whsec_…") from error


def _signature_of(versioned: str) -> bytes:
    version, _, text = versioned.partition(",")
    if version != _VERSION:
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


STANDARD: Final = Scheme(
    name="standard",
    about="[Standard Webhooks](https://www.standardwebhooks.com): `webhook-signature`",
    make=_make,
    signs=True,
    dated=True,
    headers=tuple(f"{name}-{part}" for name in _NAMES for part in ("signature",)),
)
