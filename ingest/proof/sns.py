"""Amazon SNS: messages signed with the key of a certificate, and subscriptions that want to be confirmed.

Everybody with an account can have SNS sign a message, so the topic must be one that is allowed. Nothing is fetched but
from the SNS host of that topic's own region, and only addresses that are put together here: what a message says of
addresses is compared with them, never asked.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from ingest.proof.scheme import Check, Scheme, Terms
from ingest.proof.shown import Shown, Wrong

__all__ = ["Certificates", "Topic", "certificate_address", "confirmation_address", "signed_text", "sns", "topic_of"]

_TOPIC: Final = re.compile(
    r"arn:(?:aws|aws-us-gov|aws-cn):sns:([a-z]{2}(?:-[a-z]{2,12}){1,2}-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?",
    re.ASCII,
)
_CERTIFICATE: Final = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{8,64}\.pem", re.ASCII)
_TOKEN: Final = re.compile(r"[A-Za-z0-9]{16,1024}", re.ASCII)
_NOTIFICATION: Final = "Notification"
_CONFIRMATION: Final = "SubscriptionConfirmation"
_HASHES: Final[Mapping[str, Callable[[], HashAlgorithm]]] = {"1": SHA1, "2": SHA256}
_SIGNED: Final = {
    _NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    _CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_SIGNED_FIELDS: Final = {**_SIGNED, "UnsubscribeConfirmation": _SIGNED[_CONFIRMATION]}
_MAY_BE_MISSING: Final = "Subject"


class Topic(msgspec.Struct, frozen=True):
    """A topic, and the only host that is ever asked about it."""

    arn: str
    host: str


class Certificates(Protocol):
    """Gives the public key behind a certificate of SNS."""

    async def key(self, address: str, now: datetime) -> rsa.RSAPublicKey:
        """The key of a certificate that holds now.

        Raises:
            Wrong: it is no such certificate; LogUnavailable: it cannot be had now.
        """
        ...


def topic_of(arn: str) -> Topic | None:
    """The topic that an ARN names; None for anything else."""
    found = _TOPIC.fullmatch(arn)
    if found is None:
        return None
    suffix = ".cn" if arn.startswith("arn:aws-cn:") else ""
    return Topic(arn, f"sns.{found[1]}.amazonaws.com{suffix}")


def certificate_address(url: str, topic: Topic) -> str | None:
    """The address of a certificate at the topic's own host; None for any other address."""
    begin = f"https://{topic.host}"
    path = url.removeprefix(begin)
    if path == url or not _CERTIFICATE.fullmatch(path):
        return None
    return begin + path


def confirmation_address(url: str, token: str, topic: Topic) -> str | None:
    """The address that confirms a subscription of the topic; None where the message says another."""
    if not _TOKEN.fullmatch(token):
        return None
    ours = f"https://{topic.host}/?Action=ConfirmSubscription&TopicArn={topic.arn}&Token={token}"
    return ours if url in (ours, ours.replace(":", "%3A").replace("https%3A", "https:", 1)) else None


def signed_text(document: Mapping[str, object]) -> bytes | None:
    """The text that SNS signs; None for what is no message of SNS."""
    kind = document.get("Type")
    lines = []
    for name in _SIGNED_FIELDS.get(kind, ()) if isinstance(kind, str) else ():
        value = document.get(name)
        if isinstance(value, str):
            lines.append(f"{name}\n{value}\n")
        elif value is not None or name != _MAY_BE_MISSING:
            return None
    return "".join(lines).encode(errors="surrogatepass") or None


def sns(certificates: Certificates, confirm: Callable[[str], None]) -> Scheme:
    """The scheme; `confirm` is given the address of each subscription to be confirmed, and returns at once."""
    return Scheme(
        name="sns",
        about="SNS signatures, version 1 or 2, of the `topics` that are listed",
        make=lambda terms: _check(terms, certificates, confirm),
        signs=True,
    )


def _check(terms: Terms, certificates: Certificates, confirm: Callable[[str], None]) -> Check:
    allowed = {arn: topic for arn in terms.topics if (topic := topic_of(arn)) is not None}
    strange = [arn for arn in terms.topics if arn not in allowed]
    if strange:
        raise ValueError(f"{strange[0]!r} is no ARN of an SNS topic")
    if not allowed:
        raise ValueError("topics are needed: anybody can have SNS sign a message")

    async def check(shown: Shown, now: datetime) -> bool:
        document = shown.document
        if not isinstance(document, dict) or "SigningCertURL" not in document:
            return False
        topic = allowed.get(str(document.get("TopicArn")))
        if topic is None:
            raise Wrong("the topic is none of those that are allowed")
        await _verify(document, topic, certificates, now)
        if document.get("Type") == _CONFIRMATION:
            address = confirmation_address(str(document["SubscribeURL"]), str(document["Token"]), topic)
            if address is None:
                raise Wrong("SubscribeURL does not confirm this topic at its own host")
            confirm(address)
        return True

    return check


async def _verify(document: Mapping[str, object], topic: Topic, certificates: Certificates, now: datetime) -> None:
    text, version = signed_text(document), document.get("SignatureVersion")
    algorithm = _HASHES.get(version) if isinstance(version, str) else None
    address = certificate_address(str(document.get("SigningCertURL")), topic)
    if text is None or algorithm is None:
        raise Wrong("it is no signed message of SNS")
    if address is None:
        raise Wrong("SigningCertURL is no certificate at the topic's own host")
    try:
        signature = base64.b64decode(str(document.get("Signature")), validate=True)
        key = await certificates.key(address, now)
        key.verify(signature, text, padding.PKCS1v15(), algorithm())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise Wrong("the signature does not fit the message") from error
