"""What the forms of the pages do: the same commands as the API gives, then back to the page (POST, 303).

A form holds the revision that its reader saw. Whoever is second gets the page again, with what they wrote and what
stands there now: nothing that somebody typed is lost.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web

from alertline.web.access import Permission
from alertline.web.problems import Problem, from_exception, unexpected
from alertline.web.routes import Route
from review.answers import page_answer
from review.commanding import Waiting
from review.incident_pages import Render, row_of
from review.lookup import incident_of
from review.signing import remember_name, signed, who
from review.writing.amendments import Amendments, Told
from review.zones import Zone, zone_in
from schemas.vocabulary import MilestoneName

__all__ = ["form_routes"]

Form = Mapping[str, str]
_Write = Callable[[web.Request, Form, Zone], Awaitable[Told]]
_WORDS: Final = ("acknowledge", "resolve", "reopen", "close", "merge", "attach", "detach", "split", "undo")


def form_routes(amendments: Amendments, render: Render) -> list[Route]:
    """Every form of the incident pages."""
    forms, one = _Forms(amendments), "/incidents/{id}"
    writes: dict[str, tuple[_Write, str]] = {
        "/incidents": (forms.declare, ""),
        f"{one}/order/{{word}}": (forms.order, ""),
        f"{one}/fields": (forms.fields, ""),
        f"{one}/slots/{{slot}}": (forms.slot, "draft"),
        f"{one}/milestones/{{name}}": (forms.milestone, "times"),
        f"{one}/entries": (forms.entry, "timeline"),
        f"{one}/entries/{{entry}}": (forms.edit, "timeline"),
    }
    routes = [
        Route("POST", path, Permission.WRITE, _form(amendments, render, write, anchor))
        for path, (write, anchor) in writes.items()
    ]
    return [*routes, Route("POST", "/name", Permission.WRITE, _name)]


class _Forms:
    """One method a form: what it says, as a command."""

    def __init__(self, amendments: Amendments) -> None:
        self._amendments = amendments

    async def declare(self, request: web.Request, form: Form, zone: Zone) -> Told:
        fields = {"title": _needed(form, "title"), "severity": form.get("severity") or "unknown"}
        about = {**_given(form, "service", "scope"), **_times(form, zone, "at")}
        return await self._amendments.declare({**about, "fields": fields}, None, await signed(request))

    async def order(self, request: web.Request, form: Form, zone: Zone) -> Told:
        word = request.match_info["word"]
        if word not in _WORDS:
            raise Problem(404, "No such order")
        said: dict[str, Any] = {"command": word, **_times(form, zone, "at")}
        home = request.match_info["id"]
        if word == "undo":
            said["of"] = _needed(form, "command")
        if word == "merge":
            said["into"] = _needed(form, "into")
        if word in ("attach", "detach", "split"):
            said["alerts"] = form.get("alerts", "").split()
            home = form.get("to", "").strip() or home  # moved elsewhere: that one attaches it
        return await self._amendments.command(home, said, await signed(request))

    async def fields(self, request: web.Request, form: Form, _zone: Zone) -> Told:
        names = [name for name in ("title", "severity", "classification") if name in form]
        values = {name: form[name].strip() or None for name in names}
        return await self._command(request, form, {"command": "update", "fields": values})

    async def slot(self, request: web.Request, form: Form, _zone: Zone) -> Told:
        written = {"text": form.get("text", "").replace("\r\n", "\n"), "status": form.get("status", "draft")}
        slots = {request.match_info["slot"]: written}
        return await self._command(request, form, {"command": "update", "fields": {"slots": slots}})

    async def milestone(self, request: web.Request, form: Form, zone: Zone) -> Told:
        said: dict[str, Any] = {"command": "override_milestone", "milestone": request.match_info["name"]}
        if form.get("do") == "undo":
            said["undo"] = True
        elif form.get("do") != "none":
            said |= {"to": _times(form, zone, "at").get("at") or _needed(form, "at")}
        if form.get("do") != "undo":
            _needed(form, "reason")
        return await self._command(request, form, said)

    async def entry(self, request: web.Request, form: Form, zone: Zone) -> Told:
        said = {**_given(form, "kind", "text"), **_times(form, zone, "at", "ended_at")}
        return await self._amendments.entry(request.match_info["id"], said, None, await signed(request))

    async def edit(self, request: web.Request, form: Form, zone: Zone) -> Told:
        fields: dict[str, Any] = {name: form[name] == "yes" for name in ("pinned", "hidden") if name in form}
        if "note" in form:
            fields["note"] = form["note"].strip() or None
        fields |= {**_given(form, "kind", "text"), **_times(form, zone, "at")}
        entry = request.match_info["entry"]
        return await self._command(request, form, {"command": "edit_entry", "entry": entry, "fields": fields})

    async def _command(self, request: web.Request, form: Form, said: Mapping[str, Any]) -> Told:
        seen = form.get("revision", "")
        revision = {"revision": int(seen)} if seen.isdecimal() and len(seen) < 10 else {}
        return await self._amendments.command(request.match_info["id"], {**said, **revision}, await signed(request))


def _form(
    amendments: Amendments, render: Render, write: _Write, anchor: str
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Do it, and lead back to the incident; what is refused is told on a page."""

    async def handle(request: web.Request) -> web.Response:
        form: Form = {}
        try:
            form = {name: str(value) for name, value in (await request.post()).items()}
            told = await write(request, form, zone_in(request))
        except Waiting as waiting:
            return _back(request.match_info.get("id", ""), anchor, given=waiting.command)
        except Exception as error:  # noqa: BLE001 - whoever pressed a button reads a page, whatever went wrong
            return await _told(amendments, render, request, form, error)
        found = told.incident.id if told.incident is not None else request.match_info.get("id", "")
        return _back(found, form.get("anchor", anchor))

    return handle


def _back(incident: str, anchor: str, **query: str) -> web.Response:
    asked = f"?{urlencode(query)}" if query else ""
    where = f"/incidents/{quote(incident, safe='')}" if incident else "/"
    return web.Response(status=303, headers={"Location": f"{where}{asked}{f'#{quote(anchor)}' if anchor else ''}"})


async def _told(
    amendments: Amendments, render: Render, request: web.Request, form: Form, error: Exception
) -> web.Response:
    """What went wrong; for a lost race what stands there now, and what was typed, to be sent again."""
    problem = from_exception(error) or unexpected(error, request.method, "/incidents/…")
    told = {"title": problem.title, "detail": str(problem), "status": problem.status}
    if problem.status != 412:
        return page_answer(render("problem.html", problem=told, who=who(request)), status=problem.status)
    incident = await incident_of(amendments.reader, request)
    slot, entry, name = (request.match_info.get(each) for each in ("slot", "entry", "name"))
    page = render(
        "lost.html",
        problem=told,
        incident=incident,
        zone=zone_in(request),
        who=who(request),
        form={name: value for name, value in form.items() if name not in ("revision", "anchor")},
        path=request.path,
        slot=incident.postmortem.slots.get(slot) if slot else None,
        row=row_of(incident, entry) if entry else None,
        stamp=incident.milestones.get(MilestoneName(name)) if name else None,
        revisions=incident.revisions,
        milestone=name,
    )
    return page_answer(page, status=412)


async def _name(request: web.Request) -> web.Response:
    """Remember the name under which this reader writes."""
    form = await request.post()
    back = str(form.get("back", "/"))
    safe = back if back.startswith("/") and not back.startswith("//") and "\\" not in back else "/"
    response = web.Response(status=303, headers={"Location": quote(safe, safe="/?&=#%:")})
    remember_name(response, str(form.get("name", "")))
    return response


def _given(form: Form, *names: str) -> dict[str, str]:
    return {name: form[name].strip() for name in names if form.get(name, "").strip()}


def _times(form: Form, zone: Zone, *names: str) -> dict[str, str]:
    """The times of a form, in the zone in which its page was read."""
    found = {}
    for name in names:
        words = form.get(name, "").strip()
        if words:
            try:
                found[name] = zone.read(words).isoformat()
            except (ValueError, OverflowError) as error:
                raise Problem(422, "A field is wrong", f"{name}: a time such as 2024-08-20T14:05:00") from error
    return found


def _needed(form: Form, name: str) -> str:
    value = form.get(name, "").strip()
    if not value:
        raise Problem(422, "A field is missing", name)
    return value
