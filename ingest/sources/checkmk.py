"""Checkmk: what notification scripts make of its environment (NOTIFY_*)."""

from typing import Final

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.batches import read_each
from ingest.reading.fields import items_of
from ingest.reading.forms import document_or_form, first_object
from ingest.reading.host_checks import check_names, read_check
from ingest.reading.json_body import Unreadable

__all__ = ["ADAPTER"]

_MARKS: Final = frozenset(("microtime", "omdsite", "what"))


def _adapt(request: Request) -> Adapted:
    document = document_or_form(request)
    if not isinstance(document, dict | list):
        raise Unreadable("not a notification of Checkmk: an object is expected")
    # a bulk notification is a list
    return read_each(items_of(document, "notifications"), read_check)


def _detect(request: Request) -> bool:
    first = first_object(request)
    names = check_names(first) if first else set()
    return "notificationtype" in names and not names.isdisjoint(_MARKS) and not names.isdisjoint(("host", "hostname"))


ADAPTER = Adapter(
    name="checkmk",
    version=1,
    about=About(
        title="Checkmk",
        paste="A script in local/share/check_mk/notifications, chosen as method of a notification rule, that posts "
        "what of its environment begins with NOTIFY_ to {url} as JSON: "
        'requests.post("{url}", json={k: v for k, v in os.environ.items() if k.startswith("NOTIFY_")}). '
        "Bulk notifications: a list of such objects.",
        reads="Type (problem, recovery, acknowledgement), host, service, state, output, MICROTIME and the last state "
        "change, labels and tags, service and host names; with or without NOTIFY_, in any case.",
        cannot_know="When a problem began, from a repeated notification that has no state change; times in short form "
        "have no zone and are left out where there is nothing better.",
    ),
    detect=_detect,
    adapt=_adapt,
    secrets=("contact_email", "contact_pager", "NOTIFY_CONTACTEMAIL", "NOTIFY_CONTACTPAGER"),
)
