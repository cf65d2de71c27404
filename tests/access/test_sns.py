"""SNS: real signatures of a real key, and nothing fetched but from the topic's own host."""

import asyncio
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given
from hypothesis import strategies as st

from alertline.eventlog.port import LogUnavailable
from alertline.wiring.fetching import Confirmations
from ingest.proof.certificates import LARGEST, FetchFailed, KeptCertificates
from ingest.proof.scheme import Check, Terms
from ingest.proof.shown import Wrong
from ingest.proof.sns import certificate_address, confirmation_address, sns, topic_of
from tests.support.signing import ADDRESS, KEYS, NOW, TOPIC, message, shows

HOST: Final = "sns.eu-west-1.amazonaws.com"
TOKEN: Final = "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92"  # noqa: S105 - as SNS sends one
CONFIRM: Final = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={TOKEN}"
MINE: Final = topic_of(TOPIC)
assert MINE is not None


class Web:
    """What is fetched, and what comes."""

    def __init__(self, **answers: bytes | Exception) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, bytes | Exception] = {ADDRESS: KEYS["right"].pem, CONFIRM: b"<ok/>", **answers}

    async def __call__(self, address: str) -> bytes:
        """Answer an address."""
        self.asked.append(address)
        answer = self.answers.get(address, FetchFailed("nobody there"))
        if isinstance(answer, Exception):
            raise answer
        return answer


def checking(fetch: Web, *topics: str, confirmed: list[str] | None = None) -> Check:
    """The check of an integration that takes from these topics."""
    found = [] if confirmed is None else confirmed
    return sns(KeptCertificates(fetch), found.append).make(Terms(topics=topics or (TOPIC,)))


def confirmation(**fields: Any) -> bytes:
    """A message that asks to confirm a subscription."""
    asked: dict[str, Any] = {
        "Type": "SubscriptionConfirmation",
        "Token": TOKEN,
        "SubscribeURL": CONFIRM,
        "Subject": None,
    }
    return message(**{**asked, **fields})


@pytest.mark.parametrize("version", ["1", "2"])
async def test_both_versions(version: str) -> None:
    """SHA1 as SNS signed for years, SHA256 as it can; the certificate is fetched once."""
    fetch = Web()
    check = checking(fetch)

    assert await check(shows({}, message(version=version)), NOW)
    assert await check(shows({}, message(version=version, Subject=None)), NOW)
    assert fetch.asked == [ADDRESS]
    with pytest.raises(Wrong):
        await check(shows({}, message("other", version)), NOW)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"TopicArn": TOPIC.replace("alarms", "others")}, "topic is none"),
        ({"TopicArn": None}, "topic is none"),
        ({"TopicArn": [TOPIC]}, "topic is none"),
        ({"SigningCertURL": ADDRESS.replace("eu-west-1", "us-east-1")}, "own host"),
        ({"SigningCertURL": "https://evil.example/SimpleNotificationService-0123456789abcdef.pem"}, "own host"),
        ({"SigningCertURL": 7}, "own host"),
        ({"Type": "Other"}, "no signed message"),
        ({"Message": None}, "no signed message"),
        ({"SignatureVersion": "3"}, "no signed message"),
        ({"Signature": "!!"}, "does not fit"),
        ({"Signature": 7}, "does not fit"),
    ],
)
async def test_refused(fields: dict[str, Any], words: str) -> None:
    """With the word for why; and nothing was fetched from anywhere else."""
    fetch = Web()
    with pytest.raises(Wrong, match=words):
        await checking(fetch)(shows({}, message(**fields)), NOW)

    assert set(fetch.asked) <= {ADDRESS}


async def test_the_certificate() -> None:
    """It must hold now, be one, and be an RSA key's; else nothing is believed."""
    late = NOW + timedelta(days=4000)
    with pytest.raises(Wrong, match="does not hold now"):
        await checking(Web())(shows({}, message()), late)
    with pytest.raises(Wrong, match="no certificate"):
        await checking(Web(**{ADDRESS: b"<html>"}))(shows({}, message()), NOW)
    with pytest.raises(Wrong, match="too large"):
        await checking(Web(**{ADDRESS: b"x" * (LARGEST + 1)}))(shows({}, message()), NOW)
    with pytest.raises(Wrong, match="no RSA key"):
        await checking(Web(**{ADDRESS: elliptic()}))(shows({}, message()), NOW)


def elliptic() -> bytes:
    """A certificate of another kind of key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(1).not_valid_before(NOW - timedelta(1)).not_valid_after(NOW + timedelta(1))
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


async def test_a_certificate_that_does_not_come() -> None:
    """Is for later, never a refusal: SNS would not send again. It is not asked for at every message."""
    fetch = Web(**{ADDRESS: FetchFailed("answered 503")})
    check = checking(fetch)
    for _ in range(3):
        with pytest.raises(LogUnavailable):
            await check(shows({}, message()), NOW)
    assert fetch.asked == [ADDRESS]

    fetch.answers[ADDRESS] = KEYS["right"].pem
    assert await check(shows({}, message()), NOW + timedelta(seconds=6))


async def test_a_certificate_that_takes_its_time() -> None:
    """The sender is told to come again; the fetch goes on meanwhile, and is one."""
    come, asked = asyncio.Event(), []

    async def slow(address: str) -> bytes:
        asked.append(address)
        await come.wait()
        return KEYS["right"].pem

    kept = KeptCertificates(slow)
    check = sns(kept, lambda _address: None).make(Terms(topics=(TOPIC,)))
    with pytest.raises(LogUnavailable):
        await check(shows({}, message()), NOW)
    come.set()

    assert await check(shows({}, message()), NOW)
    assert asked == [ADDRESS]
    await kept.close()


async def test_confirmation() -> None:
    """A signed one of an allowed topic is confirmed at the topic's own host, whichever way its ARN is written."""
    confirmed: list[str] = []
    check = checking(Web(), confirmed=confirmed)

    assert await check(shows({}, confirmation()), NOW)
    assert await check(shows({}, confirmation(SubscribeURL=CONFIRM.replace(TOPIC, TOPIC.replace(":", "%3A")))), NOW)
    assert await check(shows({}, confirmation(Type="UnsubscribeConfirmation")), NOW)
    assert confirmed == [CONFIRM, CONFIRM]


WRONG_CONFIRMATIONS: Final = [
    CONFIRM.replace("https:", "http:"),
    CONFIRM.replace(HOST, "169.254.169.254"),
    CONFIRM.replace(HOST, "[::1]"),
    CONFIRM.replace(HOST, f"{HOST}:8443"),
    CONFIRM.replace(HOST, f"user@{HOST}"),
    CONFIRM.replace(HOST, f"{HOST}.evil.example"),
    CONFIRM.replace(HOST, f"evil.example/{HOST}"),
    CONFIRM.replace(HOST, f"evil.example\\@{HOST}"),
    CONFIRM.replace(HOST, HOST.upper()),
    CONFIRM.replace(HOST, "sns.us-east-1.amazonaws.com"),
    CONFIRM.replace("ConfirmSubscription", "DeleteTopic"),
    CONFIRM.replace(TOPIC, TOPIC + "x"),
    CONFIRM.replace(TOKEN, TOKEN + "0"),
    CONFIRM + "&Action=DeleteTopic",
    CONFIRM + "#",
    CONFIRM + "\n",
    " " + CONFIRM,
    CONFIRM.replace("/?", "/../?"),
]


@pytest.mark.parametrize("url", WRONG_CONFIRMATIONS)
async def test_confirmations_that_lead_elsewhere(url: str) -> None:
    """Even signed by SNS itself, another address is never asked."""
    fetch, confirmed = Web(), list[str]()
    with pytest.raises(Wrong, match="SubscribeURL"):
        await checking(fetch, confirmed=confirmed)(shows({}, confirmation(SubscribeURL=url)), NOW)

    assert (fetch.asked, confirmed) == ([ADDRESS], [])


@pytest.mark.parametrize(
    "token", ["x" * 15, "a b" * 9, TOKEN + "&Action=DeleteTopic", TOKEN + "\r\nHost: evil", "ü" * 20]
)
async def test_tokens_that_say_more(token: str) -> None:
    """A token is letters and digits: nothing else gets into the address."""
    confirmed: list[str] = []
    body = confirmation(Token=token, SubscribeURL=CONFIRM.replace(TOKEN, token))
    with pytest.raises(Wrong):
        await checking(Web(), confirmed=confirmed)(shows({}, body), NOW)

    assert confirmed == []


PIECES: Final = (
    *(
        "https://",
        "http://",
        "//",
        "sns.",
        "eu-west-1",
        "us-east-1",
        ".amazonaws.com",
        ".cn",
        "amazonaws.com.evil.example",
    ),
    *(
        "@",
        ":",
        "443",
        "8080",
        "/",
        "\\",
        "?",
        "#",
        "%2F",
        "%00",
        "127.0.0.1",
        "[::1]",
        "0x7f000001",
        "localhost",
        "\t",
    ),
    *("SimpleNotificationService-", "0123456789abcdef", ".pem", "/../", "Action=ConfirmSubscription", "&", "TopicArn="),
    *(TOPIC, "Token=", TOKEN, "ß", "\u202e", "。", " ", "\n"),
)
urls = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.sampled_from((ADDRESS, CONFIRM)).flatmap(
        lambda url: st.tuples(st.integers(0, len(url)), st.integers(0, len(url)), st.sampled_from(PIECES)).map(
            lambda cut: url[: min(cut[:2])] + cut[2] + url[max(cut[:2]) :]
        )
    ),
)


@given(url=urls)
@example(url=ADDRESS)
@example(url=CONFIRM)
@example(url=ADDRESS.replace(".com/", ".com.evil.example/"))
def test_no_url_leads_elsewhere(url: str) -> None:
    """Whatever a message says: an address that is asked is one of two forms at the topic's own host, by any reading."""
    assert MINE is not None
    for address in (certificate_address(url, MINE), confirmation_address(url, TOKEN, MINE)):
        if address is None:
            continue
        parts = urlsplit(address)
        assert (parts.scheme, parts.netloc, parts.fragment) == ("https", HOST, "")
        assert address.isascii()
        assert address.isprintable()
        assert " " not in address
        assert address == CONFIRM or parts.path.startswith("/SimpleNotificationService-")


WORDS: Final = (
    "arn",
    "aws",
    "aws-cn",
    "sns",
    "eu-west-1",
    "123456789012",
    "t",
    ":",
    ".",
    "/",
    "@evil.example",
    "#",
    "\n",
)
arns = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=14).map("".join))


@given(arn=arns)
@example(arn="arn:aws-cn:sns:cn-north-1:123456789012:t")
@example(arn="arn:aws:sns:evil.example/:123456789012:t")
def test_no_arn_makes_another_host(arn: str) -> None:
    """The host is of Amazon's, whatever stands where the region does."""
    topic = topic_of(arn)
    if topic is None:
        return
    labels = topic.host.removesuffix(".cn").split(".")
    assert [labels[0], *labels[2:]] == ["sns", "amazonaws", "com"]
    assert labels[1].replace("-", "").isalnum()
    assert topic.host.endswith(".cn") == arn.startswith("arn:aws-cn:")


async def test_confirmation_is_tried_again() -> None:
    """A few times, and once at a time; then it is given up, and nobody waited for it."""
    fetch = Web(**{CONFIRM: FetchFailed("answered 500")})
    confirm = Confirmations(fetch, pauses_s=(0, 0))
    confirm(CONFIRM)
    confirm(CONFIRM)
    await asyncio.gather(*confirm.under_way())

    assert fetch.asked == [CONFIRM] * 3
    await confirm.close()
