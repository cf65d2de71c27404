"""Schemes in which the sender shows a secret that both sides know, at some place of its request."""

from datetime import datetime
from typing import Final

from ingest.proof.scheme import Check, Scheme, Terms, is_one_of
from ingest.proof.shown import Place, Shown, Wrong, as_bearer, as_password, in_body, in_header, in_path

__all__ = ["SHARED", "shared"]


def shared(place: Place, terms: Terms) -> Check:
    """The check of a secret at a place.

    Raises:
        ValueError: there is no secret to compare with.
    """
    if not terms.secrets:
        raise ValueError("a secret is needed")
    right = tuple(each.encode() for each in terms.secrets)

    async def check(shown: Shown, _now: datetime) -> bool:
        given = place(shown)
        if given is None:
            return False
        if not is_one_of(given.encode(errors="surrogateescape"), right):
            raise Wrong("the secret is not the one of this integration")
        return True

    return check


def _at(name: str, about: str, place: Place, *headers: str) -> Scheme:
    return Scheme(name=name, about=about, make=lambda terms: shared(place, terms), headers=headers)


def _own_header(terms: Terms) -> Check:
    if terms.header is None:
        raise ValueError("the name of the header is needed, as header = 'X-…'")
    return shared(in_header(terms.header), terms)


_AUTHORIZATION: Final = "authorization"

SHARED: Final = (
    _at("bearer", "`Authorization: Bearer SECRET`", as_bearer, _AUTHORIZATION),
    _at("basic", "HTTP Basic, the secret as password, any user", as_password, _AUTHORIZATION),
    _at("path", "at the end of the address: `/v1/webhooks/NAME/SECRET`", in_path),
    Scheme(name="header", about="a header of the sender's choice: `header`", make=_own_header),
    _at("gitlab", "`X-Gitlab-Token`", in_header("X-Gitlab-Token"), "x-gitlab-token"),
    _at(
        "honeycomb", "`X-Honeycomb-Webhook-Token`", in_header("X-Honeycomb-Webhook-Token"), "x-honeycomb-webhook-token"
    ),
    _at("genie_key", "`Authorization: GenieKey SECRET`", in_header("Authorization", "GenieKey "), _AUTHORIZATION),
    _at("routing_key", "`routing_key` of the body", in_body("routing_key")),
    _at("statuscake", "`Token` of the body: md5 of user name and API key", in_body("Token")),
)
