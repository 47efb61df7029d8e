from __future__ import annotations

import ast
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

import pytest

from lsgap_bench import interventions as interventions_package
from lsgap_bench import metrics as metrics_package
from lsgap_bench.errors import UsageError
from lsgap_bench.registry import NEEDS, Intervention, Metric, Registry, interventions, metric, metrics, models, scorers

DECORATORS = {"metric": metrics_package, "intervention": interventions_package}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[int]:
    """A registry over a package of the test's own."""
    package = tmp_path / "made_plugins"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    registry: Registry[int] = Registry("number", "made_plugins")
    module = type(sys)("made_registry")
    module.registry = registry  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "made_registry", module)
    for name, value in (("one", 1), ("two", 2)):
        (package / f"{name}.py").write_text(f"from made_registry import registry\nregistry.add({name!r}, {value})\n")
    yield registry  # type: ignore[misc]
    for name in [m for m in sys.modules if m.startswith("made_plugins")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def test_a_file_in_the_package_is_all_it_takes(made: Registry[int]) -> None:
    assert list(made) == ["one", "two"]
    assert made["two"] == 2
    assert "one" in made
    assert "three" not in made


def test_an_unknown_name_is_answered_with_the_closest_or_with_all(made: Registry[int]) -> None:
    with pytest.raises(UsageError, match=r"no number is called 'tow'; did you mean 'two'\?"):
        made["tow"]
    with pytest.raises(UsageError, match="known: one, two"):
        made["xyzzy"]


def test_one_name_for_two_plugins_is_refused(made: Registry[int]) -> None:
    made.add("three", 3)
    with pytest.raises(UsageError, match="number 'three' is defined twice"):
        made.add("three", 4)


def test_an_installed_package_adds_plugins_by_entry_point(made: Registry[int], monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        @staticmethod
        def load() -> None:
            made.add("foreign", 9)

    asked: list[str] = []

    def entry_points(group: str) -> list[Any]:
        asked.append(group)
        return [Entry()]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    assert made["foreign"] == 9
    assert asked == ["made_plugins"]


def test_a_decorated_function_stays_a_function_and_is_found_with_its_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    list(metrics)
    monkeypatch.setattr(metrics, "_found", dict(metrics._found))

    @metric("made", needs="states", unit="cosine", higher_is_better=True, source="here")
    def made(layer: object) -> str:
        """What it is.

        More of it.
        """
        return "computed"

    assert made(None) == "computed"
    assert metrics["made"] == Metric("made", made, "states", "cosine", True, "here")
    assert metrics["made"].summary == "What it is."


@pytest.mark.parametrize(("decorator", "package"), DECORATORS.items())
def test_every_shipped_plugin_file_holds_one_registration_and_is_called_like_it(decorator: str, package: Any) -> None:
    tools = {"__init__", "functional", "layer_pair", "logit_pair", "paths", "layer_block", "options", "words", "patching", "controls"}
    files = [p for p in Path(next(iter(package.__path__))).glob("*.py") if p.stem not in tools]
    assert len(files) >= 4
    for file in files:
        calls = [
            node.args[0].value
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == decorator
            and isinstance(node.args[0], ast.Constant)
        ]
        assert calls == [file.stem]


def test_every_shipped_plugin_declares_its_facts() -> None:
    for name in metrics:
        found = metrics[name]
        assert found.needs in NEEDS
        assert found.unit
        assert found.summary
        assert len(inspect.signature(found.compute).parameters) == 1
    for name in interventions:
        assert interventions[name].summary
        assert list(inspect.signature(interventions[name].edit).parameters) == ["speech", "text"]
    assert {"exact", "choice"} <= set(scorers)
    assert "hf-speech" in models


def test_the_code_of_a_plugin_changes_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "edited_plugin.py"
    file.write_text("def edit(speech, text):\n    return speech\n")
    plugin = Intervention("edited", importlib.import_module("edited_plugin").edit)
    before = plugin.code
    assert before == plugin.code
    file.write_text("def edit(speech, text):\n    return 2 * speech\n")
    assert plugin.code != before
    assert len({interventions[name].code for name in interventions}) == len(list(interventions))


def test_a_function_without_a_file_has_a_code_too() -> None:
    space: dict[str, Any] = {}
    exec("def one(a, b): return a\ndef two(a, b): return a + b", space)
    assert Intervention("x", space["one"]).code != Intervention("x", space["two"]).code
