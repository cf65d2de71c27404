"""What the documents point to is there."""

import re
from pathlib import Path

import pytest

from tests.docs.documents import DOCUMENTS, ROOT, anchors, links, prose

_PATH = re.compile(r"`((?:alertline|ingest|consumers|review|schemas|tests|benchmarks|deploy|docs)/[\w./<>-]*)`")
# documents that others are writing: take a name out when it is there
AWAITED: frozenset[str] = frozenset()
NAMED = [ROOT / "docs" / name for name in ("architecture.md", "glossary.md", "incident-lifecycle.md", "recordings.md")]


def _name(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link leads to a file or folder, and its anchor to a heading of it."""
    broken = []
    for target in links(document):
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)

    if broken and {Path(target).name for target in broken} <= AWAITED:
        pytest.skip(f"not written yet: {', '.join(broken)}")
    assert broken == []


@pytest.mark.parametrize("document", [*NAMED, *sorted(ROOT.glob("docs/adr/0*.md"))], ids=_name)
def test_named_files_exist(document: Path) -> None:
    """Every file and folder of the code that a document names is there."""
    named = [path for path in _PATH.findall(prose(document)) if "<" not in path]

    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_way_of_one_alert_names_files() -> None:
    """The page on architecture is about files: the check above has something to look at."""
    assert len(set(_PATH.findall(prose(ROOT / "docs" / "architecture.md")))) > 25


def test_every_decision_is_in_the_index() -> None:
    """A record that nobody finds records nothing."""
    index = ROOT / "docs" / "adr" / "README.md"
    records = {path.name for path in index.parent.glob("0*.md")}

    assert records <= set(links(index))
    assert len(records) == len({name[:4] for name in records})


def test_no_link_leaves_by_a_machine_path() -> None:
    """Documents name no folder of the machine that they were written on."""
    absolute = re.compile(r"(?<![\w.:/])/(?:home|root|work|tmp|Users)/")

    assert [_name(each) for each in DOCUMENTS if absolute.search(each.read_text(encoding="utf-8"))] == []
