"""What the map of calls says of two services."""

from hypothesis import given
from hypothesis import strategies as st

from alertline.incidents.callmap import CallMap, Kinship

_NAMES = [f"s{n}" for n in range(8)]
maps = st.dictionaries(
    st.sampled_from(_NAMES), st.lists(st.sampled_from(_NAMES), unique=True, max_size=4).map(tuple), min_size=1
).map(CallMap)

SHOP = {"shop": ("cart", "search"), "cart": ("cart-db", "prices"), "search": ("prices",)}
BANK = {"bank": ("ledger", "fraud"), "ledger": ("ledger-db", "rates"), "fraud": ("rates",)}
SHARED = {
    "gateway": ("shop", "bank", "login"),
    "shop": (*SHOP["shop"], "login"),
    "bank": (*BANK["bank"], "login"),
}


@given(maps, st.data())
def test_a_relation_has_no_direction(calls: CallMap, data: st.DataObject) -> None:
    """It does not matter which of the two is named first, nor what was asked before."""
    if not calls.services:
        return
    one, other = (data.draw(st.sampled_from(sorted(calls.services))) for _ in range(2))

    assert calls.relation(one, other) == calls.relation(other, one)


@given(maps, st.data())
def test_who_reaches_whom_is_what_the_calls_say(calls: CallMap, data: st.DataObject) -> None:
    """`REACHES` with n hops, if and only if n calls lead from the one to the other, and no fewer."""
    if not calls.services:
        return
    one, other = (data.draw(st.sampled_from(sorted(calls.services))) for _ in range(2))
    relation = calls.relation(one, other)

    ways = [hops for a, b in ((one, other), (other, one)) if (hops := calls.reached(a).get(b)) is not None]
    assert (relation.kinship is Kinship.REACHES) == bool(ways)
    if ways:
        assert relation.hops == min(ways)


def test_services_with_a_common_caller_are_siblings() -> None:
    """One system whose front calls all of it: what it calls is related, although neither reaches the other."""
    calls = CallMap(SHOP)

    assert calls.relation("cart", "search").kinship is Kinship.SIBLINGS
    assert calls.relation("cart-db", "prices").via == "cart"


def test_a_gateway_before_two_systems_relates_nothing() -> None:
    """A hub stands before most of the map, and behind it are systems that have nothing to do with each other."""
    calls = CallMap({**SHOP, **BANK, **SHARED})

    assert calls.relation("cart-db", "ledger-db").kinship is Kinship.HUB_ONLY
    assert calls.relation("cart-db", "prices").kinship is Kinship.SIBLINGS
    assert calls.relation("gateway", "cart-db").kinship is Kinship.REACHES


def test_what_two_services_both_call_says_nothing() -> None:
    """A shared callee would tie everything together that signs people in."""
    calls = CallMap({"shop": ("login",), "bank": ("login",)})

    assert calls.relation("shop", "bank").kinship is Kinship.STRANGERS


def test_calls_in_a_circle_end() -> None:
    """Services that call each other reach each other; nothing runs for ever."""
    calls = CallMap({"a": ("b",), "b": ("c",), "c": ("a",)})

    assert calls.relation("a", "c").hops == 1
    assert calls.neighbours("a") == ("b", "c")
