"""A task of one YAML line more, `scorer: evaluate:./my_metric`: run, validated and refused as any other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from made_metrics import NUMBERS, write_metric
from made_tasks import spoken_rows, write_task

import lsgap_bench
from lsgap_bench.cli import main
from lsgap_bench.errors import UsageError
from lsgap_bench.harness import load_tasks
from lsgap_bench.validation import validate

pytestmark = pytest.mark.usefixtures("evaluate_cache")
SHORTER = "{'score': min(len(said), len(right)) / max(len(said), len(right))}"  # 1 for the target itself


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")


def test_a_run_scores_both_forms_by_the_metric_beside_the_yaml(tmp_path: Path) -> None:
    write_metric(tmp_path, "my_metric", SHORTER)
    rows = spoken_rows(6)
    write_task(tmp_path, rows, scorer="evaluate:./my_metric")
    done = lsgap_bench.evaluate(
        tasks=["made"], include_path=[tmp_path], conditions=["text", "speech"], metrics=[], output_path=tmp_path / "run", device="cpu"
    )
    for form in ("text", "speech"):
        answers = [pair.observations[form].answer for pair in done.pairs["made"]]
        lengths = [(len(answer), len(row["answer"])) for answer, row in zip(answers, rows, strict=True)]
        expected = np.mean([min(pair) / max(pair) for pair in lengths])
        assert expected > 0
        assert done.record.tasks["made"].scores[form].value == pytest.approx(100 * expected)
        assert {pair.verdicts[form].correct for pair in done.pairs["made"]} == {None}


def test_such_a_task_is_valid(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_metric(tmp_path, "my_metric", SHORTER)
    write_task(tmp_path, scorer="evaluate:my_metric/my_metric.py[score]")
    assert main(["validate", "made", "--include_path", str(tmp_path)]) == 0
    assert "1 task, 0 problems" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("scorer", "features", "said"),
    [
        ("evaluate:./gone", {}, "made.yaml: scorer: 'evaluate:./gone' is not there (looked for "),
        ("evaluate:./my_metric", {"features": NUMBERS}, "takes predictions (int32) and references (int32)"),
        ("exakt", {}, "made.yaml: scorer: no scorer is called 'exakt'; did you mean 'exact'?"),
    ],
)
def test_a_scorer_that_cannot_be_had_is_told_with_the_file(tmp_path: Path, scorer: str, features: dict[str, Any], said: str) -> None:
    write_metric(tmp_path, "my_metric", SHORTER, **features)
    write_task(tmp_path, scorer=scorer)
    with pytest.raises(UsageError) as error:
        load_tasks(["made"], [str(tmp_path)])
    assert said in str(error.value)
    assert str(tmp_path / "made.yaml") in str(error.value)


def test_a_metric_that_gives_no_score_is_told_once_and_not_at_every_item(tmp_path: Path) -> None:
    write_metric(tmp_path, "my_metric", "{'points': 100.0}")
    write_task(tmp_path, scorer="evaluate:./my_metric")
    (problem,) = validate(["made"], [str(tmp_path)]).problems
    assert "gives 100 as points" in problem


def test_the_scorers_are_there_without_evaluate_being_imported() -> None:
    code = "import sys, lsgap_bench.scorers as s; s.get('exact'); assert 'evaluate' not in sys.modules and 'datasets' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
