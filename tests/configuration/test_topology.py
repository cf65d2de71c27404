"""Topology from files: Backstage catalogs and tables become plain calls, or one line says what is wrong."""

from pathlib import Path

import pytest

from alertline.errors import SettingError
from alertline.topology import cycles, joined, read_backstage, read_csv

CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: web
spec:
  type: website
  dependsOn: [component:api, "resource:infra/Cache"]
  consumesApis: [ledger, nobody-provides-this]
---
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: Billing}
spec:
  providesApis: ["api:default/ledger"]
  dependencyOf: ["component:api"]
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: Cache, namespace: infra}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: ledger}
spec: {dependsOn: [component:nothing]}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team}
spec: {dependsOn: 5}
"""


def test_backstage(tmp_path: Path) -> None:
    """Dependencies, and consumers of an API call those who provide it; other kinds are left alone."""
    file = tmp_path / "catalog-info.yaml"
    file.write_text(CATALOG)

    assert read_backstage([file]) == {"api": ("Billing",), "web": ("Billing", "Cache", "api")}


def test_backstage_across_files(tmp_path: Path) -> None:
    """Who provides and who consumes mostly lie in two files; names without a namespace are of the entity's own."""
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text("kind: Component\nmetadata: {name: a, namespace: x}\nspec: {consumesApis: [p, default/p]}\n")
    other.write_text(
        "kind: component\nmetadata: {name: b, namespace: x}\nspec: {providesApis: [p]}\n---\n"
        "kind: component\nmetadata: {name: c}\nspec: {providesApis: [p]}\n"
    )

    assert read_backstage([one, other]) == {"a": ("b", "c")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: [", "is not valid YAML"),
        ("- a\n- b\n", "document 1 is no entity: it has no kind"),
        ("kind: Component\n", "a Component has no metadata.name"),
        ("kind: Component\nmetadata: {name: 5}\n", "a Component has no metadata.name"),
        ("kind: Component\nmetadata: {name: a}\nspec: {dependsOn: b}\n", "dependsOn of a must be a list"),
        ("kind: Component\nmetadata: {name: a}\nspec: {dependsOn: [{x: 1}]}\n", "dependsOn of a must be a list"),
        ("kind: !!python/object:os.system {}\n", "is not valid YAML"),
        (None, "No such file"),
    ],
)
def test_backstage_mistakes(tmp_path: Path, text: str | None, words: str) -> None:
    """The setting, the file, and what is wrong with it; nothing in a file is ever executed."""
    file = tmp_path / "catalog-info.yaml"
    if text is not None:
        file.write_text(text)

    with pytest.raises(SettingError, match=words) as refusal:
        read_backstage([file])
    assert str(refusal.value).startswith("topology.backstage: ")
    assert "catalog-info.yaml" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "web,api\nweb,cache\n",
        "caller,callee\nweb,api\nweb,cache\n",
        "\ufeffCallee, since ,CALLER\napi,2020,web\n\n# a remark\ncache,,web\nweb,,web\n",
    ],
)
def test_csv(tmp_path: Path, text: str) -> None:
    """With or without a header, columns in any order; a service that calls itself says nothing."""
    file = tmp_path / "calls.csv"
    file.write_text(text, encoding="utf-8")

    assert read_csv(file) == {"web": ("api", "cache")}


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"web,api\nweb\n", "calls.csv:2: a caller and a callee are needed, not 'web'"), (b"\xff,a\n", "cannot read")],
)
def test_csv_mistakes(tmp_path: Path, data: bytes, words: str) -> None:
    """The file, the line, and what is needed."""
    file = tmp_path / "calls.csv"
    file.write_bytes(data)

    with pytest.raises(SettingError, match=words):
        read_csv(file)


def test_joined() -> None:
    """Each call once, by name, from wherever it came; who calls nobody is known all the same."""
    assert list(joined({"b": ("z", "a"), "a": ()}, {"b": ("a",)}).items()) == [("a", ()), ("b", ("a", "z"))]


def test_cycles() -> None:
    """One example of each circle, the shortest, from the first name on."""
    calls = {"a": ("b", "x"), "b": ("c",), "c": ("a", "b"), "p": ("q",), "q": ("p",), "x": ()}

    assert cycles(calls) == [("a", "b", "c", "a"), ("p", "q", "p")]
