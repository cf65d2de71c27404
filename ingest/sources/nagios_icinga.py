"""Nagios and Icinga: what notification scripts make of their macros."""

from ingest.adapter import About, Adapted, Adapter, Request
from ingest.reading.batches import read_each
from ingest.reading.fields import items_of
from ingest.reading.forms import document_or_form, first_object
from ingest.reading.host_checks import check_names, read_check
from ingest.reading.json_body import Unreadable

__all__ = ["ADAPTER"]

_STATES = frozenset(("hostname", "hoststate", "servicestate", "servicedesc", "servicedescription", "checkresultstate"))
# Checkmk's own
_ELSEWHERE = frozenset(("what", "microtime", "omdsite"))


def _adapt(request: Request) -> Adapted:
    document = document_or_form(request)
    if not isinstance(document, dict | list):
        raise Unreadable("not a notification of Nagios or Icinga: an object is expected")
    return read_each(items_of(document), read_check)


def _detect(request: Request) -> bool:
    first = first_object(request)
    names = check_names(first) if first else set()
    typed = "notificationtype" in names and not names.isdisjoint(_STATES)
    nested = {"checkresultstate", "checkresultoutput", "hostname"} <= names
    return (typed or nested) and names.isdisjoint(_ELSEWHERE)


ADAPTER = Adapter(
    name="nagios_icinga",
    version=1,
    about=About(
        title="Nagios, Icinga",
        paste="A notification command whose script posts JSON to {url}, made by a JSON library and not in the shell "
        "(outputs have quotes and line ends): notification_type, host_name, host_address, host_state, host_output, "
        "service_description, service_state, service_output, timet, last_host_state_change, "
        "last_service_state_change, notification_number, of the environment's NAGIOS_NOTIFICATIONTYPE and so on, or of "
        "Icinga's $notification.type$, $host.name$, $service.name$, $service.last_hard_state_change$.",
        reads="Type (problem, recovery, acknowledgement), host, service, state, output, state change and notification "
        "time, custom variables (environment, pending_for), attempts; flat, nested or as a form, with or without "
        "NAGIOS_ and ICINGA_.",
        cannot_know="When a problem began, from a repeated notification that has no state change. Flapping, downtimes "
        "and custom notifications are kept, and tell of no alert.",
    ),
    detect=_detect,
    adapt=_adapt,
    secrets=("contact_email", "contact_pager", "NAGIOS_CONTACTEMAIL", "NAGIOS_CONTACTPAGER"),
)
