"""Training from nothing to checkpoints, on budgets of seconds: the smoke preset learns nothing, but takes every step of the others."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoProcessor, Qwen2AudioForConditionalGeneration

from lsgap_bench.errors import UsageError
from lsgap_bench.lab import recipe as recipes
from lsgap_bench.lab.loop import Clock, TimeIsUp
from lsgap_bench.lab.train import Lab, Trained, recognizer_of, train_model
from lsgap_bench.resources import DEMO_BASE, DEMO_RECOGNIZER

LAYER = "layers.0.fc1.weight"
SMOKE = recipes.preset("smoke")
LORA = recipes.preset("smoke", strategy="lora")


def silent(line: str) -> None:
    pass


def lab_beside(first: Lab, folder: Path) -> Lab:
    """A lab that has the first one's speech, and nothing else."""
    folder.mkdir()
    for speech in first.folder.glob("speech-*"):
        (folder / speech.name).symlink_to(speech)
    return Lab(folder, threads=1)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"), threads=1)


@pytest.fixture(scope="module")
def trained(lab: Lab) -> Trained:
    return train_model(SMOKE, lab, say=silent)


class Impatient(Clock):
    """A clock that is up at every `patience`-th look."""

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience, self.looks = patience, 0

    @property
    def is_up(self) -> bool:
        self.looks += 1
        return self.looks % self.patience == 0


def test_every_checkpoint_loads_as_a_plain_model_with_its_processor(trained: Trained):
    assert sorted(trained.checkpoints) == [2, 4]
    for folder in trained.checkpoints.values():
        model, loading = Qwen2AudioForConditionalGeneration.from_pretrained(folder, output_loading_info=True)
        assert not loading["missing_keys"]
        assert not loading["unexpected_keys"]
        processor = AutoProcessor.from_pretrained(folder)
        assert model.get_input_embeddings().num_embeddings == len(processor.tokenizer)
    assert len(AutoModelForCausalLM.from_pretrained(trained.base).model.layers) == 4


def test_a_checkpoint_says_what_made_it(trained: Trained):
    told = json.loads((trained.last / "lab.json").read_text())
    assert told["step"] == 4
    whole = json.loads(json.dumps(SMOKE.to_dict()))
    assert told["recipe"] == {name: value for name, value in whole.items() if name != "recognizer"}
    assert len(told["made_from_sha256"]) == 64
    base = json.loads((trained.base / "lab.json").read_text())
    assert base["recipe"] == {name: whole[name] for name in ("size", "shared_seed", "embedded", "text")}
    assert told["threads"] == 1
    assert len(told["data_sha256"]) == 64
    assert told["versions"]["torch"] == version("torch")


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_weights_and_another_seed_others(lab: Lab, trained: Trained, tmp_path: Path):
    again = train_model(SMOKE, lab_beside(lab, tmp_path / "again"), say=silent)
    assert same(again.base, trained.base)
    assert all(same(again.checkpoints[step], trained.checkpoints[step]) for step in (2, 4))
    other = train_model(replace(SMOKE, seed=1), lab, say=silent)
    assert other.base == trained.base
    assert not same(other.last, trained.last)


@pytest.mark.slow
def test_a_training_that_is_interrupted_again_and_again_ends_with_the_same_weights(lab: Lab, trained: Trained, tmp_path: Path):
    cut = lab_beside(lab, tmp_path / "cut")
    interruptions = 0
    while True:
        try:
            finished = train_model(SMOKE, cut, Impatient(3), say=silent)
            break
        except TimeIsUp:
            interruptions += 1
            assert interruptions < 30
    assert interruptions >= 3
    assert all(same(finished.checkpoints[step], trained.checkpoints[step]) for step in (2, 4))


def test_what_is_trained_is_not_trained_again(lab: Lab, trained: Trained):
    before = {file: file.stat().st_mtime_ns for file in lab.folder.rglob("*.safetensors")}
    assert train_model(SMOKE, lab, say=silent) == trained
    assert {file: file.stat().st_mtime_ns for file in before} == before


def test_lora_changes_the_adapted_matrices_of_the_text_model_and_nothing_else_of_it(lab: Lab, trained: Trained):
    adapted = weights(train_model(LORA, lab, say=silent).last)
    base = {name: value.to(torch.bfloat16) for name, value in weights(trained.base).items()}
    changed = {name for name, value in base.items() if not torch.equal(value, _of_speech_model(adapted, name)) and "embed" not in name}
    assert changed
    assert all(name.endswith("_proj.weight") for name in changed)


def _of_speech_model(found: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    """The tensor that the text model calls `name`, inside a speech model's file."""
    inside = name.replace("model.", "language_model.model.", 1) if name.startswith("model.") else f"language_model.{name}"
    return found[inside]


@pytest.mark.slow
def test_an_embedded_start_takes_what_the_package_ships_and_makes_the_rest(lab: Lab, tmp_path: Path):
    begun = lab_beside(lab, tmp_path / "embedded")
    micro = train_model(replace(SMOKE, size="micro", embedded=True), begun, say=silent)
    assert micro.base == DEMO_BASE
    nano = train_model(replace(SMOKE, embedded=True), begun, say=silent)
    assert nano.base.parent == begun.folder  # no text model of this size is shipped
    assert not list(begun.folder.glob("encoder-*"))
    # four steps at most 1e-3 each, in bfloat16: the encoder is still nearly that of the embedded recognizer
    heard, moved = weights(DEMO_RECOGNIZER), weights(nano.last)
    one, other = (found[name].float() for found, name in ((heard, f"model.encoder.{LAYER}"), (moved, f"audio_tower.{LAYER}")))
    assert 0 < float((one - other).abs().max()) < 0.02


def test_the_recognizer_is_kept_with_all_that_reads_for_it(lab: Lab, trained: Trained):
    folder = recognizer_of(SMOKE, lab, say=silent)
    assert {"model.safetensors", "preprocessor_config.json", "tokenizer.json", "lab.json"} <= {file.name for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"name": "demos"}, "demo"), ({"name": "smoke", "size": "nanno"}, "nano"), ({"name": "smoke", "strategy": "lorra"}, "lora")],
)
def test_a_wrong_name_is_refused_with_the_right_one(wrong: dict[str, str], said: str):
    with pytest.raises(UsageError, match=f"did you mean '{said}'"):
        recipes.preset(**wrong)
