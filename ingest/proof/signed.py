"""Schemes in which the sender signs the raw body with HMAC: one check, and what differs from vendor to vendor."""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec

from ingest.proof.scheme import Check, Scheme, Terms, in_time, is_one_of
from ingest.proof.shown import Shown, Wrong

__all__ = ["SIGNED"]

_MOST: Final = 8  # signatures that one request may offer
_ALGORITHMS: Final = ("sha256", "sha384", "sha512", "sha224")


class _Form(msgspec.Struct, frozen=True, kw_only=True):
    """How a vendor writes its signature.

    Attributes:
        header: where it stands; chosen: whether the sender may choose another.
        prefixes: what may stand before it, each with the algorithm that it means.
        several: whether there may be more than one, with commas between (the vendor's own rotation).
        time: the header of the signed time; None: no time is signed.
        untimed: whether the sender may leave that time out.
        message: the signed bytes, of the time and the body.
        base64: written so, not in hexadecimal digits.
    """

    header: str | None
    chosen: bool = False
    prefixes: tuple[tuple[str, str], ...] = (("", "sha256"),)
    several: bool = False
    time: str | None = None
    untimed: bool = False
    message: Callable[[str, bytes], bytes] = lambda _time, body: body
    base64: bool = False


def _check(form: _Form, terms: Terms) -> Check:
    header = ((terms.header if form.chosen else None) or form.header or "").lower()
    if not header:
        raise ValueError("the name of the header is needed, as header = 'X-…'")
    if not terms.secrets:
        raise ValueError("a secret is needed")
    keys = tuple(each.encode() for each in terms.secrets)
    time_header = (terms.timestamp_header or form.time or "").lower()
    needs_time = bool(time_header) and (not form.untimed or terms.timestamp_header is not None)

    async def check(shown: Shown, now: datetime) -> bool:
        value = shown.headers.get(header)
        if value is None:
            return False
        offered = _offered(form, value)
        if not offered:
            raise Wrong("the signature is none")
        time = shown.headers.get(time_header) if time_header else None
        if time is not None:
            in_time(time, now, terms.tolerance)
            message = form.message(time, shown.body)
        elif needs_time:
            raise Wrong("the signed time is missing")
        else:
            message = shown.body
        if not _fits(offered, keys, message):
            raise Wrong("the signature does not fit the body")
        return True

    return check


def _offered(form: _Form, value: str) -> list[tuple[str, bytes]]:
    """The signatures of a header with their algorithms."""
    parts: Iterable[str] = value.split(",")[:_MOST] if form.several else (value,)
    found = []
    for part in parts:
        text = part.strip()
        for prefix, algorithm in form.prefixes:
            if text.startswith(prefix) and (raw := _raw(text[len(prefix) :], as_base64=form.base64)):
                found.append((algorithm, raw))
                break
    return found


def _raw(text: str, *, as_base64: bool) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if as_base64 else binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        return b""


def _fits(offered: list[tuple[str, bytes]], keys: tuple[bytes, ...], message: bytes) -> bool:
    right: dict[str, tuple[bytes, ...]] = {}
    found = False
    for algorithm, signature in offered:
        if algorithm not in right:
            right[algorithm] = tuple(hmac.digest(key, message, algorithm) for key in keys)
        found |= is_one_of(signature, right[algorithm])
    return found


def _scheme(name: str, about: str, form: _Form, *, headers: tuple[str, ...] = ()) -> Scheme:
    own = tuple(each.lower() for each in (form.header, form.time) if each is not None)
    return Scheme(
        name=name,
        about=about,
        make=lambda terms: _check(form, terms),
        signs=True,
        dated=form.time is not None,
        headers=(*own, *headers),
    )


_NAMED: Final = tuple((f"{algorithm}=", algorithm) for algorithm in _ALGORITHMS)
_EITHER: Final = (*_NAMED, ("", "sha256"))

SIGNED: Final = (
    _scheme("hmac", "HMAC-SHA256 of the body in a header of the sender's choice: `header`", _Form(
        header=None, chosen=True, prefixes=_EITHER, message=lambda time, body: time.encode() + b"." + body)),
    _scheme("github", "`X-Hub-Signature-256`", _Form(header="X-Hub-Signature-256", prefixes=(("sha256=", "sha256"),))),
    _scheme("pagerduty", "`X-PagerDuty-Signature`, several `v1=`", _Form(
        header="X-PagerDuty-Signature", prefixes=(("v1=", "sha256"),), several=True)),
    _scheme("sentry", "`Sentry-Hook-Signature`", _Form(header="Sentry-Hook-Signature")),
    _scheme("launchdarkly", "`X-LD-Signature`", _Form(header="X-LD-Signature")),
    _scheme("flux", "`X-Signature` of a `generic-hmac` provider", _Form(header="X-Signature", prefixes=_NAMED)),
    _scheme("grafana", "`X-Grafana-Alerting-Signature`, with the timestamp header if Grafana sends it", _Form(
        header="X-Grafana-Alerting-Signature", chosen=True, time="X-Grafana-Alerting-Timestamp", untimed=True,
        message=lambda time, body: time.encode() + b":" + body)),
    _scheme("slack", "`X-Slack-Signature` with `X-Slack-Request-Timestamp`", _Form(
        header="X-Slack-Signature", prefixes=(("v0=", "sha256"),), time="X-Slack-Request-Timestamp",
        message=lambda time, body: b"v0:" + time.encode() + b":" + body)),
)  # fmt: skip
