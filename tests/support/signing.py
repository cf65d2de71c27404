"""The senders' half of every scheme: how a vendor shows a secret, or signs a body. Written from the vendors' words."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ingest.proof.shown import Shown

__all__ = ["ADDRESS", "KEYS", "NOW", "SENDERS", "TOPIC", "certificate", "message", "shows"]

NOW: Final = datetime(2025, 5, 6, 7, 8, 9, tzinfo=UTC)
TOPIC: Final = "arn:aws:sns:eu-west-1:123456789012:alarms"
ADDRESS: Final = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"

Signs = Callable[[str, bytes, datetime], Shown]
"""Makes a request of a secret, a body and the sender's time."""


def shows(headers: dict[str, str], body: bytes, token: str | None = None) -> Shown:
    """A request, header names as a server finds them."""
    return Shown({name.lower(): value for name, value in headers.items()}, body, token)


def _hex(secret: str, message: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), message, algorithm).hexdigest()


def _time(at: datetime) -> str:
    return str(int(at.timestamp()))


def _standard(secret: str, body: bytes, at: datetime) -> Shown:
    key, said = base64.b64decode(secret.removeprefix("whsec_")), f"msg_1.{_time(at)}.".encode() + body
    signature = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": _time(at), "webhook-signature": f"v1,AAAA v1,{signature}"}
    return shows(headers, body)


def _slack(secret: str, body: bytes, at: datetime) -> Shown:
    signature = "v0=" + _hex(secret, f"v0:{_time(at)}:".encode() + body)
    return shows({"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": _time(at)}, body)


def _grafana(secret: str, body: bytes, at: datetime) -> Shown:
    signature = _hex(secret, f"{_time(at)}:".encode() + body)
    return shows({"X-Grafana-Alerting-Signature": signature, "X-Grafana-Alerting-Timestamp": _time(at)}, body)


def _header(name: str, before: str = "") -> Signs:
    return lambda secret, body, _at: shows({name: before + secret}, body)


def _signature(name: str, before: str = "", algorithm: str = "sha256") -> Signs:
    return lambda secret, body, _at: shows({name: before + _hex(secret, body, algorithm)}, body)


def _basic(secret: str, body: bytes, _at: datetime) -> Shown:
    return shows({"Authorization": "Basic " + base64.b64encode(f"any:{secret}".encode()).decode()}, body)


class _Authority(msgspec.Struct):
    key: rsa.RSAPrivateKey
    pem: bytes


def certificate(days: int = 3650, before: datetime = NOW) -> _Authority:
    """A key with a certificate of its own that holds around `NOW`."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(before - timedelta(days=1))
        .not_valid_after(before + timedelta(days=days))
        .sign(key, SHA256())
    )
    return _Authority(key, made.public_bytes(Encoding.PEM))


KEYS: Final = {"right": certificate(), "other": certificate(), "next": certificate()}
"""By the word that stands for a secret: SNS has no shared one."""


def message(who: str = "right", version: str = "2", **fields: object) -> bytes:
    """A message of SNS, signed; a field that is None is left out."""
    document: dict[str, object] = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Subject": 'ALARM: "cpu"',
        "Message": '{"AlarmName": "cpu",\n "NewStateValue": "ALARM"}',
        "Timestamp": "2025-05-06T07:08:09.000Z",
        "SignatureVersion": version,
        "SigningCertURL": ADDRESS,
        **fields,
    }
    document = {name: value for name, value in document.items() if value is not None}
    unsigned = {"SignatureVersion", "SigningCertURL", "UnsubscribeURL", "Signature"}
    text = "".join(f"{name}\n{document[name]}\n" for name in sorted(document) if name not in unsigned)
    algorithm = SHA256() if version == "2" else SHA1()  # noqa: S303 - what SNS signs with
    signature = KEYS[who].key.sign(text.encode(), padding.PKCS1v15(), algorithm)
    return orjson.dumps({"Signature": base64.b64encode(signature).decode(), **document})


SENDERS: Final[dict[str, Signs]] = {
    "bearer": _header("Authorization", "Bearer "),
    "basic": _basic,
    "path": lambda secret, body, _at: shows({}, body, secret),
    "header": _header("X-Chosen"),
    "gitlab": _header("X-Gitlab-Token"),
    "honeycomb": _header("X-Honeycomb-Webhook-Token"),
    "genie_key": _header("Authorization", "GenieKey "),
    "routing_key": lambda secret, _body, _at: shows({}, orjson.dumps({"routing_key": secret})),
    "statuscake": lambda secret, _body, _at: shows({}, b"Status=Down&Token=" + secret.encode()),
    "hmac": _signature("X-Chosen"),
    "github": _signature("X-Hub-Signature-256", "sha256="),
    "pagerduty": _signature("X-PagerDuty-Signature", "v1=" + "0" * 64 + ",v1="),
    "sentry": _signature("Sentry-Hook-Signature"),
    "launchdarkly": _signature("X-LD-Signature"),
    "flux": _signature("X-Signature", "sha512=", "sha512"),
    "grafana": _grafana,
    "slack": _slack,
    "standard": _standard,
    "sns": lambda secret, body, _at: shows({}, message(secret, Message=body.decode())),
}
"""What each scheme's sender does; a scheme without one fails the suite."""
