"""Conditions on the command line: what is refused, in one line, and what is listed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from made_tasks import spoken_rows, wav, write_task

from lsgap_bench.cli import main

Refused = Callable[..., str]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--conditions", "speech=nois10"], "task lsgap_mini_sizes has no variant 'nois10'; did you mean 'noise10'"),
        (["--conditions", "speech=own"], "condition 'speech=own' is not understood; write text, speech, text=spoken_form, text=transcript"),
        (["--conditions", "text=transcipt"], "condition 'text=transcipt' is not understood"),
        (["--conditions", "text=transcript", "--recognizer", "hf-as"], "no recognizer is called 'hf-as'; did you mean 'hf-asr'"),
        (["--conditions", "text=transcript", "--model_args", "pretrained=x"], "condition 'text=transcript' needs a recognizer; add --rec"),
        (["--conditions", "speech=fast", "--recognizer_args", "a=b"], "no cascade is asked for; add --systems base,cascade,lslm or --cond"),
    ],
)
def test_a_condition_that_cannot_be_run_is_refused_before_a_model_is_loaded(refused: Refused, arguments: list[str], said: str) -> None:
    assert said in refused("--tasks", "lsgap_mini_sizes", "--limit", "2", *arguments)


def test_a_wrong_variant_in_a_task_file_is_named_with_file_and_name(refused: Refused, tmp_path: Path) -> None:
    path = write_task(tmp_path, variants={"hall": {"noise": "brown", "snr": 3}})
    line = refused("--tasks", "made", "--include_path", tmp_path)
    assert line == f"{path}: variants: hall: noise: 'brown' is not known; write white or babble"


def test_a_slowed_clip_that_is_too_long_is_refused_with_its_length(refused: Refused, tmp_path: Path) -> None:
    rows = spoken_rows(2)
    rows[1]["audio"] = {"bytes": wav(25.0), "path": None}
    write_task(tmp_path, rows)
    line = refused("--tasks", "made", "--include_path", tmp_path, "--conditions", "speech=slow")
    assert "made/1 with 33.3 s in its longest variant; add --long_clips skip" in line


def test_effects_and_variants_are_listed_a_tasks_own_beside_the_shipped_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_task(tmp_path, variants={"hall": {"noise": "babble", "snr": 3}})
    assert main(["ls", "variants", "--include_path", str(tmp_path), "--json"]) == 0
    rows = {row["condition"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["speech=hall"] == {"condition": "speech=hall", "task": "made", "what is done to the clip": "noise: babble, snr: 3"}
    assert rows["speech=telephone"]["task"] == "every one"
    assert main(["ls", "effects", "--json"]) == 0
    effects = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert effects["noise"]["keys (default)"] == "noise, snr, talkers (6)"
