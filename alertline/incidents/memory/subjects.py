"""Which incidents are about what: those that something which starts may join, by scope, service and configured key.

Only a cache: what an incident is about, its members say.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

from alertline.incidents.memory.whereabouts import Listing
from alertline.incidents.model import Order

__all__ = ["Subject", "Subjects"]

Subject = tuple[str, ...]


class Subjects:
    """The incidents of one stream under everything that they are, or were, about.

    Those that are over leave the lists as they are met there, or the lists would grow for ever; one that changes
    afterwards is listed again.
    """

    def __init__(self, over: Callable[[str], bool]) -> None:
        self._over = over
        self._listed: defaultdict[Subject, Listing] = defaultdict(Listing)
        self._of: dict[str, dict[Subject, None]] = {}
        self._left_out: set[str] = set()

    def add(self, incident: str, opened: Order, subjects: Iterable[Subject]) -> None:
        """List an incident under something that it is about."""
        own = self._of.setdefault(incident, {})
        for subject in subjects:
            own[subject] = None
            self._listed[subject].add(incident, opened)

    def changed(self, incident: str, opened: Order) -> None:
        """An incident may not be over after all."""
        if incident in self._left_out:
            self._left_out.remove(incident)
            self.add(incident, opened, tuple(self._of[incident]))

    def forget(self, incident: str) -> None:
        """List an incident no more."""
        self._left_out.discard(incident)
        for subject in self._of.pop(incident, ()):
            self._listed[subject].remove(incident)
            if not self._listed[subject]:
                del self._listed[subject]

    def clear(self) -> None:
        """List nothing."""
        self._listed.clear()
        self._of.clear()
        self._left_out.clear()

    def has(self, incident: str, subject: Subject) -> bool:
        """Whether an incident is, or was, about something."""
        return subject in self._of.get(incident, ())

    def newest(self, subject: Subject, count: int, wanted: Callable[[str], bool] | None = None) -> list[str]:
        """Of the incidents about something that are not over, so many that are wanted: the newest first."""
        listed = self._listed.get(subject)
        if listed is None:
            return []
        found, over = [], []
        for incident in listed.newest_first():
            if self._over(incident):
                over.append(incident)
            elif wanted is None or wanted(incident):
                found.append(incident)
                if len(found) == count:
                    break
        for incident in over:
            listed.remove(incident)
        self._left_out.update(over)
        return found
