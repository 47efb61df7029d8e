"""The recipe's classes against their parts: counts by hand, forwards by hand, folders that give back what went in, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import tiny_whisper_llm
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny_architectures import whisper_llm
from tiny_models import wave

from lsgap_bench.errors import UsageError
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.models.hf_text import HFText
from lsgap_bench.models.loading import Placement
from lsgap_bench.models.whisper_llm.adapter import WhisperLLM
from lsgap_bench.models.whisper_llm.parts import Parts
from lsgap_bench.schema import Generation

_hub: Any = transformers  # largely untyped
QUESTION = "which of these is larger , a whale or a mouse ?"
CLIP = wave(2.0, 1)
FOUR_SECONDS, TWO_SECONDS = 40, 20  # tokens: 50 frames of the encoder a second, five to a token


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return tiny_whisper_llm.parts(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def lm(parts: dict[str, str]) -> WhisperLLM:
    return WhisperLLM(**parts, device="cpu")


def refusal(**arguments: Any) -> str:
    with pytest.raises(UsageError) as caught:
        WhisperLLM(**arguments, device="cpu")
    line = str(caught.value)
    assert "\n" not in line
    return line


def logits(lm: HFSpeech, content: Any = CLIP) -> torch.Tensor:
    return lm.prefill(lm.encode([content], [None])).last_logits


def settled(lm: HFSpeech) -> HFSpeech:
    """With weights at places of its own: a mapped file lies anywhere in memory, and some kernels round differently there."""
    for parameter in lm.model.parameters():
        parameter.data = parameter.data.clone()
    return lm


def by_hand(lm: WhisperLLM, arguments: dict[str, str]) -> torch.Tensor:
    """The last logits of the spoken prompt from the three parts alone: frame by frame, product by product, embedding by embedding."""
    ears = _hub.WhisperModel.from_pretrained(arguments["encoder"]).eval().encoder
    reader = _hub.AutoModelForCausalLM.from_pretrained(arguments["language_model"]).eval()
    words = _hub.PreTrainedTokenizerFast.from_pretrained(arguments["language_model"])
    weights = load_file(arguments["projector"])
    sound = _hub.WhisperFeatureExtractor.from_pretrained(arguments["encoder"])(CLIP, sampling_rate=16_000, return_tensors="pt")
    before, after = (words(part, return_tensors="pt").input_ids for part in lm.encode([CLIP], [None]).prompts[0].split("<|audio|>"))
    with torch.no_grad():
        frames = ears(sound.input_features).last_hidden_state[0]
        spoken = []
        for first in range(0, 100, 5):
            wide = torch.cat([frames[first + k] for k in range(5)])
            inner = torch.clamp(weights["linear_1.weight"] @ wide + weights["linear_1.bias"], min=0)
            spoken.append(weights["linear_2.weight"] @ inner + weights["linear_2.bias"])
        table = reader.get_input_embeddings()
        read = torch.cat([table(before)[0], torch.stack(spoken), table(after)[0]])
        result: torch.Tensor = reader(inputs_embeds=read[None]).logits[:, -1]
    return result


def test_the_whole_gives_what_its_parts_give_by_hand(lm: WhisperLLM, parts: dict[str, str]) -> None:
    torch.testing.assert_close(logits(lm), by_hand(lm, parts), atol=1e-4, rtol=1e-4)


def test_written_prompts_are_answered_as_by_the_language_model_alone(lm: WhisperLLM, parts: dict[str, str]) -> None:
    reader = HFText(parts["language_model"], device="cpu")
    ours, theirs = (one.encode([QUESTION], ["be brief"]) for one in (lm, reader))
    assert ours.prompts == theirs.prompts
    assert torch.equal(ours.inputs["input_ids"], theirs.inputs["input_ids"])
    assert torch.equal(ours.content_index, theirs.content_index)
    torch.testing.assert_close(lm.prefill(ours).last_logits, reader.prefill(theirs).last_logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("samples", "tokens"),
    [
        (32_000, 20),  # 200 mel frames, 100 frames of the encoder
        (31_999, 20),  # begins the 200th mel frame
        (32_001, 21),  # and the 201st, which begins the 101st frame
        (1_600, 1),
        (160, 1),
        (64_000, 40),  # the whole window
    ],
)
def test_a_clip_becomes_as_many_tokens_as_its_frames_begin(lm: WhisperLLM, samples: int, tokens: int) -> None:
    batch = lm.encode([np.zeros(samples, dtype=np.float32)], [None])
    assert int(batch.content_mask.sum()) == tokens
    assert int((batch.inputs["input_ids"] == lm.audio_token_id).sum()) == tokens


def test_the_stack_is_read_off_the_projector(tmp_path: Path) -> None:
    lm = WhisperLLM(**tiny_whisper_llm.parts(tmp_path, stack=4), device="cpu")
    assert int(lm.encode([CLIP], [None]).content_mask.sum()) == 25
    assert torch.isfinite(logits(lm)).all()


def test_where_the_whole_window_is_heard_the_content_is_the_clips_part_of_it(parts: dict[str, str]) -> None:
    lm = WhisperLLM(**parts, cut_to_clip=False, device="cpu")
    batch = lm.encode([CLIP, wave(0.31)], [None, None])
    assert (batch.inputs["input_ids"] == lm.audio_token_id).sum(1).tolist() == [FOUR_SECONDS] * 2
    assert batch.content_mask.sum(1).tolist() == [TWO_SECONDS, 4]
    first = batch.content_index[0][batch.content_mask[0]]
    assert first.tolist() == list(range(int(first[0]), int(first[0]) + TWO_SECONDS))
    assert lm.expected_tokens(2.0) == pytest.approx(TWO_SECONDS, abs=1)


@pytest.mark.parametrize("kind", ["qwen2", "llama"])
def test_a_saved_folder_gives_bit_equal_logits_in_either_adapter_though_one_ties_its_embeddings(kind: str, tmp_path: Path) -> None:
    given = tiny_whisper_llm.parts(tmp_path, kind)
    Parts(**given, wrapper="<speech>{audio}</speech>").save(tmp_path / "whole")
    before = settled(WhisperLLM(**given, wrapper="<speech>{audio}</speech>", device="cpu"))
    for after in (HFSpeech(str(tmp_path / "whole"), device="cpu"), WhisperLLM(str(tmp_path / "whole"), device="cpu")):
        settled(after)
        assert after.encode([CLIP], [None]).prompts == before.encode([CLIP], [None]).prompts
        for content in (CLIP, QUESTION):
            assert torch.equal(logits(after, content), logits(before, content))
    tied = [model.get_input_embeddings().weight is model.get_output_embeddings().weight for model in (before.model, after.model)]
    assert tied == [kind == "llama"] * 2


def test_a_second_round_trip_through_transformers_own_classes_changes_nothing(tmp_path: Path) -> None:
    folder = whisper_llm(tmp_path / "one", seconds=4)
    lm = settled(HFSpeech(str(folder), device="cpu"))
    model = _hub.AutoModelForMultimodalLM.from_pretrained(folder)
    model.save_pretrained(tmp_path / "two")
    _hub.AutoProcessor.from_pretrained(folder).save_pretrained(tmp_path / "two")
    assert torch.equal(logits(settled(HFSpeech(str(tmp_path / "two"), device="cpu"))), logits(lm))


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox"])
def test_language_models_that_call_their_parts_otherwise_show_the_same_states_as_in_transformers(kind: str, tmp_path: Path) -> None:
    lm, seen = WhisperLLM(**tiny_whisper_llm.parts(tmp_path, kind), device="cpu"), []
    batch = lm.encode([CLIP], [None])
    filled = lm.prefill(batch, lambda layer, hidden: seen.append(hidden.clone()))
    with torch.no_grad():
        expected = lm.model(**lm.prompter.encode([CLIP], [None]).features, output_hidden_states=True)
    for ours, theirs in zip(seen, expected.hidden_states, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    (scores,) = lm.score_options(filled, [[[11, 12], [13]]])
    assert scores.logprobs[1] == pytest.approx(float(expected.logits[0, -1].log_softmax(-1)[13]), abs=1e-4)


def test_a_language_model_whose_blocks_are_not_found_is_refused(parts: dict[str, str], tmp_path: Path) -> None:
    words = _hub.PreTrainedTokenizerFast.from_pretrained(parts["language_model"])
    words.save_pretrained(tmp_path)
    config = _hub.MptConfig(d_model=32, n_heads=4, n_layers=2, vocab_size=len(words))
    _hub.MptForCausalLM(config).save_pretrained(tmp_path)
    assert "its decoder, MptModel, has no blocks (called layers or h)" in refusal(**{**parts, "language_model": str(tmp_path)})


def test_every_part_is_held_in_one_dtype_and_hears(parts: dict[str, str]) -> None:
    lm = WhisperLLM(**parts, dtype="bfloat16", device="cpu")
    assert {p.dtype for p in lm.model.parameters()} == {torch.bfloat16}
    assert lm.info["dtype"] == "bfloat16"
    assert not torch.equal(logits(lm), logits(lm, CLIP * 0))
    assert lm.generate(lm.prefill(lm.encode([CLIP], [None])), [Generation(max_new_tokens=3)], [0])


def test_a_folder_is_saved_in_the_language_models_dtype_and_read_in_the_one_that_is_asked_for(tmp_path: Path) -> None:
    given = tiny_whisper_llm.parts(tmp_path)
    _hub.AutoModelForCausalLM.from_pretrained(given["language_model"], dtype=torch.bfloat16).save_pretrained(given["language_model"])
    Parts(**given).save(tmp_path / "whole")
    assert {value.dtype for value in load_file(tmp_path / "whole" / "model.safetensors").values()} == {torch.bfloat16}
    assert {p.dtype for p in HFSpeech(str(tmp_path / "whole"), device="cpu").model.parameters()} == {torch.float32}


def test_the_attention_kernel_is_that_of_every_part(parts: dict[str, str], lm: WhisperLLM) -> None:
    eager = WhisperLLM(**parts, attn_implementation="eager", device="cpu")
    configs = (eager.model.config, eager.model.audio_tower.config, eager.model.language_model.config)
    assert [config._attn_implementation for config in configs] == ["eager"] * 3
    assert eager.fingerprint != lm.fingerprint
    torch.testing.assert_close(logits(eager), logits(lm), atol=1e-4, rtol=1e-4)


def test_placeholders_and_clips_must_be_as_many(lm: WhisperLLM) -> None:
    features = dict(lm.prompter.encode([CLIP], [None]).features)
    features["input_features_mask"][0, 100:] = 0
    with pytest.raises(ValueError, match="20 audio placeholders for 10 speech tokens"):
        lm.model(**features)
    with pytest.raises(ValueError, match="2 audio placeholders for 1 clips"):
        lm.processor(text="<|audio|> and <|audio|>", audio=[CLIP])


def test_two_clips_of_one_prompt_are_heard_in_their_order(lm: WhisperLLM) -> None:
    one, other = CLIP, wave(1.0, 2)
    both = lm.processor(text="<|audio|> and <|audio|>", audio=[one, other])
    assert int((both["input_ids"] == lm.audio_token_id).sum()) == 20 + 10
    with torch.no_grad():
        together = lm.model.get_audio_features(both["input_features"], both["input_features_mask"])
        alone = [
            lm.model.get_audio_features(heard["input_features"], heard["input_features_mask"])
            for heard in (lm.processor(text="<|audio|>", audio=[clip]) for clip in (one, other))
        ]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)


# ---------------------------------------------------------------------------------------------------- projectors


@pytest.mark.parametrize(("names", "ending"), [(("0", "2"), "pt"), (("projector.up", "projector.down"), "safetensors")])
def test_the_projectors_layers_are_found_by_their_shapes_whatever_their_names(
    names: tuple[str, str], ending: str, parts: dict[str, str], lm: WhisperLLM, tmp_path: Path
) -> None:
    own = load_file(parts["projector"])
    renamed = {name.replace("linear_1", names[0]).replace("linear_2", names[1]): value for name, value in own.items()}
    path = tmp_path / f"weights.{ending}"
    save_file(renamed, path) if ending == "safetensors" else torch.save(renamed, path)
    assert torch.equal(logits(WhisperLLM(**{**parts, "projector": str(path)}, device="cpu")), logits(lm))


def test_layers_that_would_fit_either_way_are_taken_in_the_order_of_their_names(parts: dict[str, str], tmp_path: Path) -> None:
    square = {f"linear_{k}.weight": torch.full((32, 32), float(k)) for k in (2, 1)}
    save_file(square, tmp_path / "square.safetensors")
    lm = WhisperLLM(**{**parts, "projector": str(tmp_path / "square.safetensors")}, device="cpu")
    assert bool((lm.model.multi_modal_projector.linear_1.weight == 1).all())
    assert lm.model.config.stack == 1


def test_a_projector_that_does_not_fit_is_refused_with_what_it_holds(parts: dict[str, str], tmp_path: Path) -> None:
    own = tiny_whisper_llm.projector_weights()
    wrong = {
        "third": (own | {"linear_3.weight": torch.zeros(32, 32)}, "two linear layers"),
        "normed": (own | {"norm.weight": torch.zeros(32)}, "norm.weight (32,)"),
        "half": ({k: v for k, v in own.items() if k != "linear_2.bias"}, "unless neither has one"),
        "wide": (tiny_whisper_llm.projector_weights(read=40), "an encoder of width 32 and a language model of width 32"),
        "deaf": (tiny_whisper_llm.projector_weights(heard=33), "does not fit between"),
    }
    for name, (weights, said) in wrong.items():
        save_file(weights, tmp_path / f"{name}.safetensors")
        line = refusal(**{**parts, "projector": str(tmp_path / f"{name}.safetensors")})
        assert said in line
        assert f"{name}.safetensors" in line


def test_what_is_no_projector_file_is_refused(parts: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    (tmp_path / "broken.pt").write_bytes(b"nothing")
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    said = {"broken.safetensors": "cannot be read", "broken.pt": "cannot be read", "list.pt": "is no state dict", "gone.pt": "is no file"}
    for name, words in said.items():
        assert words in refusal(**{**parts, "projector": str(tmp_path / name)})


def test_a_random_projector_is_refused_unless_it_is_asked_for(parts: dict[str, str]) -> None:
    two = {name: parts[name] for name in ("encoder", "language_model")}
    assert "random_projector=true" in refusal(**two)
    tried = [WhisperLLM(**two, random_projector=True, device="cpu") for _ in range(2)]
    assert torch.equal(*(logits(lm) for lm in tried))
    assert tried[0].fingerprint == tried[1].fingerprint


# ---------------------------------------------------------------------------------------------------- language models with a LoRA


def lora_of(language_model: str, folder: Path) -> Any:
    """Write a LoRA with random weights; the language model with it, unmerged."""
    torch.manual_seed(4)
    reader = _hub.AutoModelForCausalLM.from_pretrained(language_model).eval()
    adapted = peft.get_peft_model(reader, peft.LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False, r=4, lora_alpha=16))
    adapted.save_pretrained(folder)
    return adapted.eval()


def test_a_lora_is_in_force_for_both_modalities(parts: dict[str, str], lm: WhisperLLM, tmp_path: Path) -> None:
    adapted = lora_of(parts["language_model"], tmp_path)
    with_lora = WhisperLLM(**parts, lora=str(tmp_path), device="cpu")
    batch = with_lora.encode([QUESTION], [None])
    with torch.no_grad():
        expected = adapted(input_ids=batch.inputs["input_ids"]).logits[:, -1]
    torch.testing.assert_close(with_lora.prefill(batch).last_logits, expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(logits(with_lora), logits(lm), atol=1e-3)
    assert with_lora.fingerprint != lm.fingerprint


def test_a_lora_that_finds_no_place_is_refused_instead_of_left_out(parts: dict[str, str], tmp_path: Path) -> None:
    lora_of(parts["language_model"], tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    save_file({name.replace("model.model.", "model.language_model.model."): value for name, value in load_file(file).items()}, file)
    assert "do not match the language model's layers" in refusal(**parts, lora=str(tmp_path))
    assert "cannot be loaded" in refusal(**parts, lora=str(tmp_path / "gone"))


# ---------------------------------------------------------------------------------------------------- what is said of it


def test_the_record_names_the_parts_and_the_fingerprint_follows_each_of_them(parts: dict[str, str], lm: WhisperLLM, tmp_path: Path) -> None:
    assert lm.info["name"] == "encoder + qwen2"
    assert lm.info["pretrained"] == "encoder + qwen2 + projector.safetensors"
    assert lm.info["parts"]["projector"] == "projector.safetensors"
    assert str(Path(parts["encoder"]).parent) not in str(lm.info)
    save_file({k: v + 1e-3 for k, v in load_file(parts["projector"]).items()}, tmp_path / "other.safetensors")
    others: list[dict[str, Any]] = [
        {"projector": str(tmp_path / "other.safetensors")},
        {"activation": "gelu"},
        {"wrapper": "<s>{audio}</s>"},
        {"cut_to_clip": False},
        {"language_model": str(tiny_whisper_llm.language_model(tmp_path / "llama", "llama"))},
    ]
    found = [WhisperLLM(**{**parts, **other}, device="cpu").fingerprint for other in others]
    assert len({*found, lm.fingerprint}) == 6


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"activation": "rellu"}, "activation=rellu is not known; did you mean 'relu'"),
        ({"wrapper": "<speech>"}, "wrapper=<speech> does not say once where the clip goes"),
        ({"device_map": "auto"}, "unexpected keyword argument 'device_map'"),
    ],
)
def test_a_wrong_choice_is_named(parts: dict[str, str], changed: dict[str, str], said: str) -> None:
    with pytest.raises((UsageError, TypeError)) as caught:
        WhisperLLM(**{**parts, **changed}, device="cpu")
    assert said in str(caught.value)


def test_wrong_parts_are_named(parts: dict[str, str]) -> None:
    assert "pretrained=FOLDER, or encoder=" in refusal(encoder=parts["encoder"])
    assert "(qwen2) is no Whisper" in refusal(**{**parts, "encoder": parts["language_model"]})
    assert "cannot be loaded as a causal language model" in refusal(**{**parts, "language_model": "nowhere/at-all"})


def test_a_device_map_is_for_folders() -> None:
    with pytest.raises(UsageError, match="save the parts as one folder first"):
        Parts("a", "b", random_projector=True).load(Placement(device_map="auto"))
