"""How the configured senders are known: their secrets, read where the settings say, and the checks made with them."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric import rsa

from alertline.config import Integration, Settings
from alertline.durations import parse_duration
from alertline.errors import SettingError
from alertline.senders import FROM_ENVIRONMENT, FROM_FILE
from ingest.proof.admission import Keys
from ingest.proof.scheme import Scheme, Terms
from ingest.proof.schemes import checks, schemes, ways_of
from ingest.proof.sns import sns

__all__ = ["keys_of"]


def keys_of(settings: Settings, environment: Mapping[str, str], aws: Scheme | None = None) -> dict[str, Keys]:
    """The keys of every integration that has a secret, or topics.

    Args:
        aws: the scheme of SNS, where something is received.

    Raises:
        SettingError: a secret cannot be read, or does not go with what is said about it.
    """
    known = schemes((aws or sns(_Nowhere(), lambda _address: None),))
    found = {}
    for name, each in settings.integrations.items():
        if each.secrets or each.topics:
            found[name] = _keys(name, each, environment, known)
        elif each.auth is not None:
            raise SettingError(f"integrations.{name}: auth goes with a secret, or with topics")
    return found


def _keys(name: str, each: Integration, environment: Mapping[str, str], known: Mapping[str, Scheme]) -> Keys:
    terms = Terms(
        secrets=tuple(_resolved(secret, name, environment) for secret in each.secrets),
        header=each.header,
        timestamp_header=each.timestamp_header,
        tolerance=parse_duration(each.tolerance, f"integrations.{name}.tolerance"),
        topics=each.topics,
    )
    said = (each.auth,) if isinstance(each.auth, str) else each.auth
    ways = said or ways_of(each.source, terms)
    try:
        made = checks(ways, terms, known)
    except ValueError as error:
        raise SettingError(f"integrations.{name}: {error}") from error
    hidden = {header.lower() for header in (each.header,) if header is not None}
    hidden |= {header for way in ways for header in known[way].headers if not known[way].dated}
    return Keys(checks=made, secrets=tuple(map(str.encode, terms.secrets)), hidden=frozenset(hidden), ways=ways)


def _resolved(secret: str, name: str, environment: Mapping[str, str]) -> str:
    """The secret itself.

    Raises:
        SettingError: it is not where the setting says; what is there is never named.
    """
    where = f"integrations.{name}.secret"
    if secret.startswith(FROM_ENVIRONMENT):
        variable = secret.removeprefix(FROM_ENVIRONMENT)
        found = environment.get(variable, "")
        where += f": the environment variable {variable}"
    elif secret.startswith(FROM_FILE):
        path = Path(secret.removeprefix(FROM_FILE))
        where += f": the file {path}"
        try:
            found = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{where} cannot be read") from error
    else:
        found = secret
    if not found:
        raise SettingError(f"{where} is empty")
    return found


class _Nowhere:
    """Certificates where nothing is received."""

    async def key(self, address: str, now: datetime) -> rsa.RSAPublicKey:
        _refuse(address)


def _refuse(address: str) -> NoReturn:
    raise AssertionError(f"nothing is received here: {address}")
