"""How weights are held: compiled blocks, quantization, and what a record says of both."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch
from tiny_models import wave

from lsgap_bench.checks import batch_difference
from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import Content
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.models.placement import Placement

CONTENTS: tuple[list[Content], ...] = (["which is larger , a whale or a mouse ?", "yes or no"], [wave(0.5, 1), wave(1.3, 2)])


def seen(lm: HFSpeech, contents: Sequence[Content]) -> list[torch.Tensor]:
    """The states of every layer, and the last logits."""
    states: list[torch.Tensor] = []
    filled = lm.prefill(lm.encode(contents, [None] * 2), lambda layer, hidden: states.append(hidden))
    return [*states, filled.last_logits]


@pytest.mark.slow
def test_compiled_blocks_give_the_same_states_and_the_record_says_so(qwen2_audio_folder: Path) -> None:
    plain = HFSpeech(str(qwen2_audio_folder), device="cpu")
    compiled = HFSpeech(str(qwen2_audio_folder), device="cpu", compile="eager")  # a backend that needs no compiler: the graph alone
    calls = torch._dynamo.utils.counters["stats"]["calls_captured"]
    for contents in CONTENTS:
        for one, other in zip(seen(plain, contents), seen(compiled, contents), strict=True):
            assert torch.allclose(one, other, atol=1e-5)
    assert torch._dynamo.utils.counters["stats"]["calls_captured"] > calls
    assert "compiled" not in plain.info
    assert compiled.info["compiled"] == "eager"
    assert compiled.fingerprint != plain.fingerprint


def test_what_is_quantized_while_loading_is_described() -> None:
    arguments = Placement(load_in_4bit=True, device="cpu").arguments("cpu")
    asked = arguments["quantization_config"]
    assert (asked.load_in_4bit, asked.bnb_4bit_quant_type, asked.bnb_4bit_compute_dtype) == (True, "nf4", torch.float32)
    assert arguments["device_map"] == {"": "cpu"}
    assert "quantization_config" not in Placement(device="cpu").arguments("cpu")


def test_a_model_quantized_on_the_way_answers_alike_in_batches_and_alone(qwen2_audio_folder: Path) -> None:
    lm = HFSpeech(str(qwen2_audio_folder), device="cpu", load_in_4bit=True)
    assert "Linear4bit" in {type(part).__name__ for part in lm.model.modules()}
    assert lm.info["dtype"] == "float32, bitsandbytes 4 bit"
    plain = HFSpeech(str(qwen2_audio_folder), device="cpu")
    assert lm.info["parameters"] == plain.info["parameters"]
    assert lm.fingerprint != plain.fingerprint
    for contents in CONTENTS:
        assert batch_difference(lm, contents, [None] * 2) <= 1e-4
        assert not torch.allclose(seen(lm, contents)[-1], seen(plain, contents)[-1], atol=1e-4)


def test_where_bitsandbytes_is_missing_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**given: object) -> None:
        raise PackageNotFoundError("bitsandbytes")

    monkeypatch.setattr("lsgap_bench.models.placement._hub.BitsAndBytesConfig", missing)
    with pytest.raises(UsageError, match=r"load_in_4bit needs the package bitsandbytes; pip install 'lsgap-bench\[quantization\]'"):
        Placement(load_in_4bit=True).arguments("cpu")


@pytest.mark.parametrize(
    ("declared", "fact"), [({"quant_method": "gptq", "bits": 4}, "bfloat16, gptq 4 bit"), ({"quant_method": "fp8"}, "bfloat16, fp8")]
)
def test_a_checkpoint_that_was_quantized_before_says_how(declared: dict[str, object], fact: str) -> None:
    class Model:
        dtype = torch.bfloat16
        config = type("Config", (), {"quantization_config": declared})

    assert Placement().facts(Model()) == {"dtype": fact}


def test_both_quantizations_at_once_are_refused() -> None:
    with pytest.raises(UsageError, match="load_in_8bit and load_in_4bit are given both; choose one"):
        Placement(load_in_8bit=True, load_in_4bit=True).target()
