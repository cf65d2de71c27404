"""The slots: what only a person can write into a postmortem, and how much of it is done."""

from collections.abc import Mapping
from typing import Final

from alertline.incidents.telling.blocks import Slotted, render_slot
from alertline.incidents.telling.markdown import escape, safe_human
from schemas.incident import Incident, Slot, Task
from schemas.vocabulary import SlotStatus

__all__ = ["completeness", "is_placeholder", "prompt", "required_slots", "slot_of", "slot_text"]

_PROMPTS: Final = {
    "impact": "impact on users, in % and in what they saw",
    "root_cause": "root cause",
    "resolution": "what resolved it, and how we know that it worked",
    "detection_sooner": "how it could have been detected sooner",
    "improvements": "improvements",
    "tasks": "tasks, each with an owner",
}


def required_slots() -> tuple[str, ...]:
    """The names of the slots that make a postmortem complete, in the order of the draft."""
    return tuple(_PROMPTS)


def completeness(slots: Mapping[str, Slot]) -> float:
    """The share (0..1) of required slots that a person marked done."""
    done = sum(1 for name in _PROMPTS if name in slots and slots[name].status is SlotStatus.DONE)
    return done / len(_PROMPTS)


def prompt(name: str) -> str:
    """What an empty slot asks for."""
    return _PROMPTS.get(name) or name.replace("_", " ")


def slot_of(incident: Incident, name: str) -> Slot:
    """What is written for a slot: its own text, else what the incident's impact or tasks hold."""
    slot = incident.postmortem.slots.get(name, Slot())
    text = slot.text.strip() or _from_fields(incident, name)
    if not text:
        return Slot()
    return Slot(SlotStatus.DRAFT if slot.status is SlotStatus.EMPTY else slot.status, text)


def slot_text(incident: Incident, name: str) -> str:
    """The slot for a new draft: what is written, else the visible request to write it."""
    slot = slot_of(incident, name)
    content = f"{safe_human(slot.text)}\n" if slot.text else _placeholder(name)
    return render_slot(name, slot.status.value, content)


def is_placeholder(slotted: Slotted) -> bool:
    """Whether nobody has written into a slot of a document yet."""
    return slotted.content.strip() in {"", _placeholder(slotted.name).strip()}


def _placeholder(name: str) -> str:
    return f"_To fill: {prompt(name)} (owner: —)_\n"


def _from_fields(incident: Incident, name: str) -> str:
    if name == "impact":
        percent = incident.impact.users_percent
        parts = [f"{percent:g} % of users affected." if percent is not None else "", incident.impact.text or ""]
        return " ".join(part for part in parts if part).strip()
    if name == "tasks":
        return "\n".join(f"- [{'x' if task.done else ' '}] {_task(task)}" for task in incident.tasks)
    return ""


def _task(task: Task) -> str:
    about = ", ".join(escape(word) for word in (task.owner, task.type) if word)
    return escape(task.text) + (f" ({about})" if about else "")
