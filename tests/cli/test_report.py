"""`lsgap report series` as a person meets it; and once with the embedded model, its weights growing noisier from step to step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from made_series import falling, write_series

from lsgap_bench.cli import main

Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    made = falling(("a", "b", "c"), (500, 1000, 2000), tags={"strategy": "full"}, items=8, layers=3)
    return [str(path) for path in write_series(tmp_path_factory.mktemp("runs"), made)]


def test_a_series_prints_answers_and_writes_every_file(folders: list[str], tmp_path: Path, capsys: Out) -> None:
    assert main(["report", "series", *folders, "--out", str(tmp_path / "out"), "--by", "strategy"]) == 0
    shown = capsys.readouterr().out
    assert "9 checkpoints of 3 training runs" in shown
    assert "No figure interventions: no grid" in shown
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"series.json", "series.md", "checkpoints.csv", "gap_by_metric.png", "layers_by_step.svg"} <= written
    assert "![gap_by_metric](gap_by_metric.png)" in (tmp_path / "out" / "series.md").read_text(encoding="utf-8")


def test_json_on_standard_output_is_json_alone(folders: list[str], tmp_path: Path, capsys: Out) -> None:
    assert main(["report", "series", *folders, "--out", str(tmp_path), "--json", "--no-items"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain == json.loads((tmp_path / "series.json").read_text(encoding="utf-8"))
    assert plain["missing"]["items"] == "samples were not read (--no-items)"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--by", "strateg"], "did you mean 'strategy'"),
        (["nowhere"], "nowhere"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_bad_input_ends_with_one_line_and_writes_nothing(
    folders: list[str], tmp_path: Path, capsys: Out, arguments: list[str], said: str
) -> None:
    assert main(["report", "series", *folders, "--out", str(tmp_path / "out"), *arguments]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("lsgap: ")]
    assert len(lines) == 1
    assert said in lines[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_embedded_model_with_growing_noise_is_a_series(tmp_path: Path, capsys: Out) -> None:
    """Runs through `lsgap run --tag`, three checkpoints; weights that are noisier make speech states that fit the text's less."""
    import torch
    from safetensors.torch import load_file, save_file

    from lsgap_bench.resources import DEMO_MODEL

    folders = []
    for step, noise in ((3000, 0.0), (2000, 0.05), (1000, 0.5)):
        checkpoint = shutil.copytree(DEMO_MODEL, tmp_path / f"model{step}")
        weights = load_file(checkpoint / "model.safetensors")
        torch.manual_seed(0)
        noisy = {name: w + noise * w.float().std().nan_to_num().to(w.dtype) * torch.randn_like(w) for name, w in weights.items()}
        save_file(noisy, checkpoint / "model.safetensors", metadata={"format": "pt"})
        folders.append(str(tmp_path / f"run{step}"))
        asked = "--tasks lsgap_mini_days --limit 6 --conditions text,speech --metrics alignment_path_score,pooled_cosine --device cpu"
        asked += f" --tag run=demo,step={step}"
        assert main(["run", "--model_args", f"pretrained={checkpoint}", "--output_path", folders[-1], *asked.split()]) == 0
    capsys.readouterr()
    assert main(["report", "series", *folders, "--out", str(tmp_path / "out"), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert [(c["run"], c["step"]) for c in plain["checkpoints"]] == [("demo", 1000), ("demo", 2000), ("demo", 3000)]
    scores = [c["representation"]["alignment_path_score"]["above_null"]["same_task"]["value"] for c in plain["checkpoints"]]
    assert scores[0] < scores[2]
    assert len(plain["associations"]) == 1 + 3 * len(plain["checkpoints"][0]["representation"])
