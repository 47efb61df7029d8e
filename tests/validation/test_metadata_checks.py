from __future__ import annotations

from pathlib import Path

from lsgap_bench.resources import resource
from lsgap_bench.validation.metadata_checks import metadata_findings

WHOLE = {"version": 1.0, "licence": "CC0-1.0", "citation": "Doe 2026", "source": "https://example.org"}


def test_whole_metadata_are_passed_over() -> None:
    assert list(metadata_findings(WHOLE, "t.yaml", 4)) == []


def test_what_is_missing_is_a_problem_of_a_shipped_task_and_a_warning_for_ones_own(tmp_path: Path) -> None:
    lacking = {**WHOLE, "citation": " ", "source": None}
    (own,) = metadata_findings(lacking, str(tmp_path / "t.yaml"), 4)
    (shipped,) = metadata_findings(lacking, str(resource("tasks") / "x/t.yaml"), 4)
    assert (own.problem, shipped.problem) == (False, True)
    assert own.line.startswith(f"{tmp_path / 't.yaml'}: metadata: add citation (")
    assert ", source (" in own.line
    assert "licence" not in own.line


def test_the_other_spelling_of_licence_is_told() -> None:
    (found,) = metadata_findings({"version": 1, "license": "MIT", "citation": "x", "source": "y"}, "t.yaml", 4)
    assert "add licence" in found.line
    assert "the key is spelt licence here" in found.line


def test_another_number_of_rows_than_is_declared_is_a_warning() -> None:
    (found,) = metadata_findings({**WHOLE, "items": 455}, "t.yaml", 4)
    assert not found.problem
    assert found.line == "t.yaml: metadata: items: 455 are declared, and the data hold 4; is the copy whole?"
    assert list(metadata_findings({**WHOLE, "items": 4}, "t.yaml", 4)) == []
