"""What is loaded is what was asked for; what cannot be loaded is said in one line; the fingerprint follows the answers."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny_models
import torch
import transformers
from safetensors.torch import load_file, save_file

from lsgap_bench.errors import UsageError
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.models.processors import load_processor
from lsgap_bench.models.prompts import Prompter


def refusal(pretrained: Path, **arguments: Any) -> str:
    with pytest.raises(UsageError) as caught:
        HFSpeech(str(pretrained), **{"device": "cpu", **arguments})
    line = str(caught.value)
    assert "\n" not in line
    return line


def copy(folder: Path, target: Path, *without: str) -> Path:
    return Path(shutil.copytree(folder, target, ignore=shutil.ignore_patterns(*without)))


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    line = refusal(tmp_path / "nowhere")
    assert f"pretrained={tmp_path / 'nowhere'}" in line
    assert "hub id or a folder" in line


def test_a_model_without_ears_is_named(tmp_path: Path) -> None:
    line = refusal(tiny_models.text_only(tmp_path))
    assert f"pretrained={tmp_path}" in line
    assert "qwen2" in line
    assert "no speech language model" in line


def test_a_folder_without_a_processor_is_named(qwen2_audio_folder: Path, tmp_path: Path) -> None:
    bare = copy(qwen2_audio_folder, tmp_path / "bare", "processor_config.json", "tokenizer*", "*.jinja")
    assert f"pretrained={bare}" in refusal(bare)


def test_a_processor_without_a_chat_template_is_named(omni_folder: Path, tmp_path: Path) -> None:
    silent = copy(omni_folder, tmp_path / "silent", "*.jinja")
    line = refusal(silent)
    assert f"pretrained={silent} has no chat template" in line
    assert "chat_template=FILE.jinja" in line


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A checkpoint that brings code of its own, which leaves a trace where it runs."""
    described = {"model_type": "of_its_own", "auto_map": {"AutoConfig": "of_its_own.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(described), encoding="utf-8")
    code = f"open({str(tmp_path / 'ran')!r}, 'w').close()\nfrom transformers import PretrainedConfig\nclass Config(PretrainedConfig): ...\n"
    (tmp_path / "of_its_own.py").write_text(code, encoding="utf-8")
    return tmp_path


def test_code_of_a_checkpoint_does_not_run_unasked_whatever_is_typed_at_the_terminal(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda *question: "y")
    assert "brings code of its own, which is not run unasked; read it, then say trust_remote_code=true" in refusal(remote)
    assert not (remote / "ran").exists()


def test_code_of_a_checkpoint_runs_where_it_is_asked_for(remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr("sys.path", [*sys.path])
    assert "brings code" not in refusal(remote, trust_remote_code=True)  # it is no whole checkpoint
    assert (remote / "ran").exists()


def test_a_truncated_weight_file_is_named(qwen2_audio_folder: Path, tmp_path: Path) -> None:
    broken = copy(qwen2_audio_folder, tmp_path / "broken")
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    assert f"pretrained={broken}" in refusal(broken)


def test_a_checkpoint_without_some_of_its_weights_is_refused(qwen2_audio_folder: Path, tmp_path: Path) -> None:
    partial = copy(qwen2_audio_folder, tmp_path / "partial")
    weights = load_file(partial / "model.safetensors")
    gone = sorted(name for name in weights if "norm.weight" in name)[0]
    del weights[gone]
    save_file(weights, partial / "model.safetensors", metadata={"format": "pt"})
    assert "and 0 more weights of Qwen2AudioForConditionalGeneration, which would stay random" in refusal(partial)


def test_an_unknown_dtype_is_named(qwen2_audio_folder: Path) -> None:
    assert "dtype=float8 is not known; write auto, float32, bfloat16, float16" in refusal(qwen2_audio_folder, dtype="float8")


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_an_unusable_device_is_named(qwen2_audio_folder: Path, device: str) -> None:
    line = refusal(qwen2_audio_folder, device=device)
    assert f"device={device} cannot be used" in line
    assert "--device" in line


def test_a_device_without_room_is_named(qwen2_audio_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate 20 GiB")

    monkeypatch.setattr(transformers.PreTrainedModel, "to", full)
    assert "device=cpu has no room for the model" in refusal(qwen2_audio_folder)


def test_the_fingerprint_is_that_of_the_content_not_of_the_path(qwen2_audio: HFSpeech, qwen2_audio_folder: Path, tmp_path: Path) -> None:
    elsewhere = HFSpeech(str(copy(qwen2_audio_folder, tmp_path / "elsewhere")), device="cpu")
    assert elsewhere.fingerprint == qwen2_audio.fingerprint
    assert elsewhere.name == "elsewhere"


def test_the_fingerprint_changes_with_dtype_weights_and_chat_template(
    qwen2_audio: HFSpeech, qwen2_audio_folder: Path, tmp_path: Path
) -> None:
    changed = copy(qwen2_audio_folder, tmp_path / "changed")
    weights = load_file(changed / "model.safetensors")
    name = next(iter(weights))
    weights[name].view(-1)[0] += 1e-3
    save_file(weights, changed / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "other.jinja").write_text(tiny_models.TEMPLATE.replace("WRAPPER", "<|AUDIO|>"), encoding="utf-8")
    others = [
        HFSpeech(str(changed), device="cpu"),
        HFSpeech(str(qwen2_audio_folder), dtype="bfloat16", device="cpu"),
        HFSpeech(str(qwen2_audio_folder), chat_template=str(tmp_path / "other.jinja"), device="cpu"),
        HFSpeech(str(qwen2_audio_folder), attn_implementation="eager", device="cpu"),
    ]
    assert len({qwen2_audio.fingerprint, *(model.fingerprint for model in others)}) == 5


def without_torchvision(*args: Any, **kwargs: Any) -> None:
    raise ImportError("\nQwen2VLVideoProcessor requires the Torchvision library but it was not found in your environment.\nInstall it.")


def test_an_omni_processor_does_without_torchvision(omni: HFSpeech, omni_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", without_torchvision)
    half = load_processor(str(omni_folder), {})
    assert type(half).__name__ == "Qwen2_5OmniProcessor"
    assert half.chat_template == omni.prompter.template
    for content in ("yes or no", tiny_models.wave(1.0)):
        ours, theirs = (Prompter(processor).encode([content], [None]).features for processor in (half, omni.processor))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_processor_that_cannot_do_without_a_package_says_which(omni_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for loader in (transformers.AutoProcessor, transformers.AutoFeatureExtractor):
        monkeypatch.setattr(loader, "from_pretrained", without_torchvision)
    line = refusal(omni_folder)
    assert "requires the Torchvision library" in line
    assert f"pretrained={omni_folder}" in line


def test_the_description_of_the_system_is_complete(lm: HFSpeech) -> None:
    info = lm.info
    assert {"name", "kind", "pretrained", "revision", "backbone", "dtype", "parameters"} <= info.keys()
    assert info["kind"] == "lslm"
    assert info["parameters"] == sum(p.numel() for p in lm.model.parameters())
    assert lm.model.dtype == torch.float32


def test_a_checkpoints_own_sampling_is_recorded_though_no_run_uses_it(qwen2_audio_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sampling"
    shutil.copytree(qwen2_audio_folder, folder)
    own = json.loads((folder / "generation_config.json").read_text()) | {"do_sample": True, "temperature": 0.6, "repetition_penalty": 1.1}
    (folder / "generation_config.json").write_text(json.dumps(own))
    assert HFSpeech(str(folder), device="cpu").info["own_generation"] == {"do_sample": True, "repetition_penalty": 1.1, "temperature": 0.6}
    assert HFSpeech(str(qwen2_audio_folder), device="cpu").info["own_generation"] == {}
