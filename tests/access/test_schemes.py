"""Every scheme of the registry, played against its sender: a new one cannot escape."""

import base64
from datetime import datetime, timedelta
from typing import Final

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from alertline.web.access import LOCAL_OPERATOR, Permission, Principal
from alertline.web.problems import Problem
from ingest.catalogue import adapters
from ingest.proof.admission import Keys, admit, owner_of
from ingest.proof.scheme import Check, Scheme, Terms
from ingest.proof.schemes import COMMON, OF_SOURCE, checks, schemes, ways_of
from ingest.proof.shown import Shown, Wrong, in_body
from ingest.proof.sns import sns
from tests.support.signing import ADDRESS, KEYS, NOW, SENDERS, TOPIC, shows

BODY: Final = b'{"title": "Queue \\u00fcber 9000", "n": 1.0}'
FAR: Final = timedelta(minutes=6)


class Certificates:
    """Gives the keys of those who may sign now."""

    def __init__(self, *live: str) -> None:
        self.live = live

    async def key(self, address: str, now: datetime) -> rsa.RSAPublicKey:
        """The key at an address: SNS rotates by another certificate there."""
        assert address == ADDRESS
        found = x509.load_pem_x509_certificate(KEYS[self.live[0]].pem).public_key()
        assert isinstance(found, rsa.RSAPublicKey)
        return found


def registry(*live: str) -> dict[str, Scheme]:
    """All schemes; `live`: who signs for SNS."""
    return schemes((sns(Certificates(*live or ("right",)), lambda _address: None),))


ALL: Final = registry()
SIGNING: Final = [name for name, scheme in ALL.items() if scheme.signs]
DATED: Final = [name for name, scheme in ALL.items() if scheme.dated]


def secret_of(name: str, word: str) -> str:
    """A secret as the scheme writes them."""
    if name == "sns":
        return word
    return "whsec_" + base64.b64encode(word.encode() * 6).decode() if name == "standard" else f"secret-{word}-ü"


def check_of(name: str, *words: str, tolerance: timedelta = timedelta(minutes=5)) -> Check:
    """The check of an integration with these live secrets."""
    secrets = tuple(secret_of(name, word) for word in words)
    terms = Terms(
        secrets=secrets, header="X-Chosen" if name in {"hmac", "header"} else None, topics=(TOPIC,), tolerance=tolerance
    )
    return checks((name,), terms, registry(*words))[0]


def sent(name: str, word: str, at: datetime = NOW) -> Shown:
    """What its sender sends with a secret."""
    return SENDERS[name](secret_of(name, word), BODY, at)


def altered(shown: Shown) -> Shown:
    """The same with one byte of the body changed, where its meaning would change."""
    at = shown.body.index(b"9000") if b"9000" in shown.body else len(shown.body) // 2
    body = shown.body[:at] + bytes((shown.body[at] ^ 1,)) + shown.body[at + 1 :]
    return msgspec.structs.replace(shown, body=body)


def test_every_scheme_has_a_sender_here() -> None:
    """So that what follows is about all of them; and every source's own ways exist."""
    assert set(SENDERS) == set(ALL)
    assert set(OF_SOURCE) <= set(adapters())
    assert {way for ways in OF_SOURCE.values() for way in ways} | set(COMMON) <= set(ALL)


@pytest.mark.parametrize("name", ALL)
async def test_accepted(name: str) -> None:
    """What the sender sends with the right secret is accepted; a request that shows nothing is no proof, nor wrong."""
    check = check_of(name, "right")

    assert await check(sent(name, "right"), NOW)
    assert not await check(shows({"Content-Type": "application/json"}, BODY), NOW)


@pytest.mark.parametrize("name", ALL)
async def test_wrong_key(name: str) -> None:
    """Another secret is refused, with a reason that names no secret."""
    with pytest.raises(Wrong) as refused:
        await check_of(name, "right")(sent(name, "other"), NOW)

    assert "secret-" not in str(refused.value)


@pytest.mark.parametrize("name", SIGNING)
async def test_altered_byte(name: str) -> None:
    """A body with one other byte is refused, though the signature is the sender's own."""
    with pytest.raises(Wrong):
        await check_of(name, "right")(altered(sent(name, "right")), NOW)


@pytest.mark.parametrize("away", [-FAR, FAR])
@pytest.mark.parametrize("name", DATED)
async def test_old_timestamp(name: str, away: timedelta) -> None:
    """A signature of some minutes ago, or of some minutes to come, is refused; unless so much is tolerated."""
    with pytest.raises(Wrong, match="time"):
        await check_of(name, "right")(sent(name, "right", NOW + away), NOW)

    assert await check_of(name, "right", tolerance=2 * FAR)(sent(name, "right", NOW + away), NOW)


@pytest.mark.parametrize("name", DATED)
async def test_the_time_is_signed(name: str) -> None:
    """An old request with a new time on it is refused."""
    old = sent(name, "right", NOW - FAR)
    fresh = sent(name, "right", NOW)
    header = next(each for each in old.headers if "timestamp" in each)
    forged = msgspec.structs.replace(old, headers={**old.headers, header: fresh.headers[header]})

    with pytest.raises(Wrong, match="does not fit"):
        await check_of(name, "right")(forged, NOW)
    without = {each: value for each, value in old.headers.items() if each != header}
    with pytest.raises(Wrong):
        await check_of(name, "right")(msgspec.structs.replace(old, headers=without), NOW)


@pytest.mark.parametrize("name", ALL)
async def test_rotated_key(name: str) -> None:
    """While a secret is replaced both hold; afterwards the old one does not."""
    words = ("right", "next") if name != "sns" else ("next",)
    during, after = check_of(name, *words), check_of(name, "next")

    assert await during(sent(name, "next"), NOW)
    if name != "sns":  # its keys are Amazon's to rotate, by another certificate
        assert await during(sent(name, "right"), NOW)
    assert await after(sent(name, "next"), NOW)
    with pytest.raises(Wrong):
        await after(sent(name, "right"), NOW)


@pytest.mark.parametrize("name", SIGNING)
async def test_garbage_instead_of_a_signature(name: str) -> None:
    """Whatever stands where a signature belongs, the answer is no, and never an error."""
    good = sent(name, "right")
    for garbage in ("", "v1=", "sha256=zz", "é", "v1,!!", "0" * 5000, ",,,", "sha256=" + "a" * 63):
        headers = {
            each: garbage if "signature" in each or "chosen" in each else value for each, value in good.headers.items()
        }
        body = (
            good.body
            if name != "sns"
            else good.body.replace(b'"Signature":"', b'"Signature":"' + garbage.encode() + b"!")
        )
        with pytest.raises(Wrong):
            await check_of(name, "right")(Shown(headers, body), NOW)


@pytest.mark.parametrize("source", adapters())
async def test_every_source_takes_its_secret(source: str) -> None:
    """Whatever the source: the secret as bearer, as password and in the path, and the vendor's own way."""
    word = "right"
    terms = Terms(secrets=(secret_of("bearer", word),))
    keys = Keys(checks=checks(ways_of(source, terms), terms, ALL))
    for name in (*COMMON, *(way for way in OF_SOURCE.get(source, ()) if way not in {"sns", "standard"})):
        principal = await admit("it", keys, sent(name, word), None, NOW)
        assert (principal.name, principal.permissions) == ("integration:it", frozenset((Permission.INGEST,)))
        with pytest.raises(Problem) as refused:
            await admit("it", keys, sent(name, "other"), LOCAL_OPERATOR, NOW)
        assert refused.value.status == 401


async def test_a_wrong_proof_beside_a_right_one() -> None:
    """Of several things that are shown none may be wrong."""
    terms = Terms(secrets=(secret_of("github", "right"),))
    keys = Keys(checks=checks(ways_of("github", terms), terms, ALL))
    signed = sent("github", "right")
    both = msgspec.structs.replace(signed, headers={**signed.headers, "authorization": "Bearer wrong"})

    assert (await admit("it", keys, signed, None, NOW)).may_deliver("it")
    with pytest.raises(Problem):
        await admit("it", keys, both, None, NOW)


async def test_a_key_of_standard_webhooks_beside_a_plain_token() -> None:
    """A sender that moves from a shown token to signatures has both alive."""
    token, key = "plain-token", secret_of("standard", "right")
    terms = Terms(secrets=(token, key))
    keys = Keys(checks=checks(ways_of("gitlab", terms), terms, ALL))

    assert await keys.fit(shows({"X-Gitlab-Token": token}, BODY), NOW)
    assert await keys.fit(SENDERS["standard"](key, BODY, NOW), NOW)
    assert await keys.fit(
        shows({k.replace("webhook", "svix"): v for k, v in SENDERS["standard"](key, BODY, NOW).headers.items()}, BODY),
        NOW,
    )


async def test_who_is_admitted() -> None:
    """A token of ours instead of the secret, for what it is for; nobody without either."""
    keys = Keys(checks=(check_of("bearer", "right"),))
    nothing = shows({}, BODY)
    mine = Principal("t", frozenset((Permission.INGEST,)), frozenset(("it",)))

    assert await admit("it", keys, nothing, mine, NOW) is mine
    assert await admit("it", None, nothing, LOCAL_OPERATOR, NOW) is LOCAL_OPERATOR
    refusals = [
        ("other", keys, mine, 403),
        ("it", keys, LOCAL_OPERATOR, 401),
        ("it", keys, None, 401),
        ("it", None, None, 401),
    ]
    for name, asked, who, status in refusals:
        with pytest.raises(Problem) as refused:
            await admit(name, asked, nothing, who, NOW)
        assert refused.value.status == status


def test_an_integration_is_found_by_its_key() -> None:
    """For protocols whose address names no integration: whose secret stands at the place where theirs does."""
    keys = {each: Keys(checks=(), secrets=(each.encode(), b"shared")) for each in ("first", "second")}
    place = in_body("routing_key")

    assert owner_of(keys.items(), place, shows({}, b'{"routing_key": "second"}')) == "second"
    assert owner_of(keys.items(), place, shows({}, b'{"routing_key": "shared"}')) == "first"
    assert owner_of([*keys.items(), ("open", None)], place, shows({}, b'{"routing_key": "third"}')) is None
    assert owner_of(keys.items(), place, shows({}, b'{"routing_key": 3}')) is None


@pytest.mark.parametrize(
    ("name", "terms", "words"),
    [
        ("github", Terms(), "a secret is needed"),
        ("header", Terms(secrets=("s",)), "name of the header"),
        ("hmac", Terms(secrets=("s",)), "name of the header"),
        ("standard", Terms(secrets=("no base 64!",)), "base64"),
        ("sns", Terms(), "topics are needed"),
        ("sns", Terms(topics=("arn:aws:s3:::bucket",)), "no ARN of an SNS topic"),
        ("hmca", Terms(secrets=("s",)), "unknown auth 'hmca'; one of: basic, bearer"),
    ],
)
def test_what_a_scheme_lacks_is_said(name: str, terms: Terms, words: str) -> None:
    """When the settings are read, not when the first delivery comes."""
    with pytest.raises(ValueError, match=words):
        checks((name,), terms, ALL)


def test_no_secret_is_printed() -> None:
    """Not even where somebody prints the objects that hold one."""
    terms = Terms(secrets=("hunter2",))

    assert "hunter2" not in repr(terms) + repr(Keys(checks=(), secrets=(b"hunter2",), ways=("bearer",)))
