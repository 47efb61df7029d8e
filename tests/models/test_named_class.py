"""A user's own classes: loaded by name, run as any other, part of the fingerprint; what cannot be loaded is said in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_architectures import whisper_llm
from tiny_models import wave

from lsgap_bench.errors import UsageError
from lsgap_bench.models.hf_speech import HFSpeech

UNKNOWN = "a_type_that_transformers_does_not_know"
SOURCE = f"""
import torch
from lsgap_bench.models.whisper_llm.config import WhisperLLMConfig
from lsgap_bench.models.whisper_llm.model import WhisperLLMForConditionalGeneration
from lsgap_bench.models.whisper_llm.processor import WhisperLLMProcessor

class MyConfig(WhisperLLMConfig):
    model_type = "{UNKNOWN}"

class MyModel(WhisperLLMForConditionalGeneration):
    config_class = MyConfig

    def get_audio_features(self, *given):
        return 2 * super().get_audio_features(*given)

class MyLargerModel(MyModel):
    def __init__(self, config):
        super().__init__(config)
        self.speech_norm = torch.nn.LayerNorm(config.text_config.hidden_size)
        self.post_init()

class MyProcessor(WhisperLLMProcessor):
    pass

class Headless:
    @classmethod
    def from_pretrained(cls, *given): ...

def not_a_model(): ...
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a module in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "my_module.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    (tmp_path / "greedy.py").write_text("import a_package_that_is_not_there\n", encoding="utf-8")
    yield tmp_path
    for name in ("my_module", "broken", "greedy"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("here")
def test_a_class_in_the_current_folder_is_the_one_that_hears(tmp_path: Path) -> None:
    folder = whisper_llm(tmp_path / "model", seconds=4)
    plain = HFSpeech(str(folder), device="cpu")
    described = folder / "config.json"
    described.write_text(described.read_text(encoding="utf-8").replace("whisper_llm", UNKNOWN), encoding="utf-8")
    own = HFSpeech(str(folder), load="my_module:MyModel", load_processor="my_module:MyProcessor", device="cpu")
    assert (type(own.model).__name__, type(own.processor).__name__) == ("MyModel", "MyProcessor")
    assert (type(own.model.config).__name__, own.model.config.model_type) == ("MyConfig", UNKNOWN)
    states = []
    for lm in (plain, own):
        batch = lm.encode([wave(1.0)], [None])
        lm.prefill(batch, lambda layer, hidden, batch=batch: states.append(batch.content(hidden)) if layer == 0 else None)
    torch.testing.assert_close(states[1], 2 * states[0], atol=1e-5, rtol=1e-5)


def test_the_fingerprint_follows_the_classes_file(here: Path) -> None:
    folder = str(whisper_llm(here / "model", seconds=4))
    found = [HFSpeech(folder, device="cpu").fingerprint, HFSpeech(folder, load="my_module:MyModel", device="cpu").fingerprint]
    (here / "my_module.py").write_text(SOURCE + "# changed\n", encoding="utf-8")
    found.append(HFSpeech(folder, load="my_module:MyModel", device="cpu").fingerprint)
    assert len(set(found)) == 3


@pytest.mark.usefixtures("here")
def test_a_checkpoint_that_lacks_weights_of_the_class_is_refused(tmp_path: Path) -> None:
    folder = whisper_llm(tmp_path / "model", seconds=4)
    with pytest.raises(UsageError, match=r"lacks 'speech_norm.bias' and 1 more weights of this class, which would stay random"):
        HFSpeech(str(folder), load="my_module:MyLargerModel", device="cpu")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("option", "place", "said"),
    [
        ("load", "my_module", "load=my_module names no class; write load=MODULE:CLASS"),
        ("load", "my_modul:MyModel", "there is no module 'my_modul'; put its folder on the PYTHONPATH, or start lsgap in it"),
        ("load", "my_module:MyModle", "my_module.py has no 'MyModle'; did you mean 'MyModel'"),
        ("load", "my_module:not_a_model", "load=my_module:not_a_model has no from_pretrained()"),
        ("load", "my_module:Headless", "load=my_module:Headless has no get_decoder()"),
        ("load", "broken:MyModel", "broken cannot be imported (ZeroDivisionError: division by zero)"),
        ("load", "greedy:MyModel", "greedy needs a package that is not installed (No module named 'a_package_that_is_not_there')"),
        ("load_processor", "my_module:MyModel", "load_processor=my_module:MyModel has no apply_chat_template()"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(option: str, place: str, said: str, qwen2_audio_folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        HFSpeech(str(qwen2_audio_folder), device="cpu", **{option: place})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
