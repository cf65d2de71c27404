"""The detector of lines written twice."""

from tests.architecture.duplicates import duplicates

BLOCK = "\n".join(f"step_{n}(thing)" for n in range(6))


def test_a_copied_block_is_found() -> None:
    """In another file or the same, at any indentation, with other blank lines, comments and brackets between."""
    moved = "def f():\n" + "\n\n    # why\n".join(f"    step_{n}(thing)" for n in range(6))

    assert duplicates({"a.py": BLOCK, "b.py": moved}, 6) == ["b.py:2 is a.py:1"]
    assert duplicates({"a.py": f"{BLOCK}\nelsewhere()\n{BLOCK}"}, 6) == ["a.py:8 is a.py:1"]


def test_what_tells_nothing_is_no_copy() -> None:
    """Five lines, imports, word lists and docstrings may be alike."""
    alike = (
        '"""One\ntwo\nthree\nfour\nfive\nsix."""\nfrom a import b\nfrom a import c\n__all__ = [\n"one",\n"two",\n]\n'
    )
    five = BLOCK.rsplit("\n", 1)[0]

    assert duplicates({"a.py": alike + five, "b.py": alike + five}, 6) == []


def test_a_long_copy_is_told_once() -> None:
    """Not once for each of its lines."""
    long = "\n".join(f"step_{n}(thing)" for n in range(11))

    assert duplicates({"a.py": long, "b.py": long}, 6) == ["b.py:1 is a.py:1"]
