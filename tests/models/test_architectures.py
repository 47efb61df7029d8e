"""Every architecture that the generic adapter serves, with random weights and its real processor, against transformers alone."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_architectures import BUILDERS, blind
from tiny_models import wave

from lsgap_bench.checks import batch_difference
from lsgap_bench.errors import UsageError
from lsgap_bench.models.catalogue import CATALOGUE
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.models.quirks import QUIRKS
from lsgap_bench.schema import Generation

TEXTS = ["which of these is larger , a whale or a mouse ?", "yes or no", "the capital of france is paris"]
SECONDS = (0.6, 2.6, 1.3)


@pytest.fixture(scope="module", params=list(BUILDERS))
def lm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HFSpeech:
    return loaded(BUILDERS[request.param], tmp_path_factory.mktemp("tiny") / request.param)


def loaded(build: Callable[[Path], Path], folder: Path) -> HFSpeech:
    with blind():
        return HFSpeech(str(build(folder)), device="cpu")


def contents_of(lm: HFSpeech, kind: str) -> list[Any]:
    return list(TEXTS) if kind == "text" else [wave(seconds * lm.sampling_rate / 16_000, k) for k, seconds in enumerate(SECONDS, 1)]


def plain(lm: HFSpeech, content: Any) -> dict[str, Any]:
    """What the processor alone gives for a prompt, and what the architecture's own documentation adds to it."""
    features = dict(lm.prompter.encode([content], [None]).features)
    return features | ({} if isinstance(content, str) else dict(lm.quirk.heard_with))


def divisor(lm: HFSpeech) -> float:
    """Granite's language model divides its logits; the speech model around it does not."""
    return 8.0 if lm.model.config.model_type == "granite_speech" else 1.0


def relative(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_a_batch_of_mixed_lengths_gives_what_its_items_give_alone(lm: HFSpeech, kind: str) -> None:
    assert batch_difference(lm, contents_of(lm, kind), [None] * 3) <= 1e-4


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_a_mask_that_lets_padding_through_is_caught(lm: HFSpeech, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = HFSpeech.encode

    def broken(self: HFSpeech, contents: Any, systems: Any) -> Any:
        batch = honest(self, contents, systems)
        return dataclasses.replace(batch, inputs={**batch.inputs, "attention_mask": torch.ones_like(batch.inputs["attention_mask"])})

    monkeypatch.setattr(HFSpeech, "encode", broken)
    systems = ["be brief", None, "listen and choose A B C or D ."]  # for some architectures every clip is of one length
    assert batch_difference(lm, contents_of(lm, kind), systems) > 1e-4


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_states_and_logits_are_those_of_transformers(lm: HFSpeech, kind: str) -> None:
    content, seen = contents_of(lm, kind)[1], []
    filled = lm.prefill(lm.encode([content], [None]), lambda layer, hidden: seen.append(hidden.clone()))
    with torch.no_grad():
        expected = lm.model(**plain(lm, content), output_hidden_states=True)
    assert len(seen) == lm.num_layers + 1 == len(expected.hidden_states)
    streams = expected.hidden_states[0].dim() == 4  # of AltUp, the first of which counts; transformers does not give them merged and normed
    for ours, theirs in list(zip(seen, expected.hidden_states, strict=True))[: -1 if streams else None]:
        assert relative(ours, theirs[0] if streams else theirs) <= 1e-5
    assert relative(filled.last_logits, expected.logits[:, -1] / divisor(lm)) <= 1e-5


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_options_from_the_shared_prefix_score_as_in_full_forwards(lm: HFSpeech, kind: str) -> None:
    contents = contents_of(lm, kind)
    options = [[[61], [62, 63], [64, 65, 66]], [[67, 68, 69, 70], [71]], [[72, 73], [74]]]  # no special tokens
    filled = lm.prefill(lm.encode(contents, [None] * 3))
    for content, item, scores in zip(contents, options, lm.score_options(filled, options), strict=True):
        assert scores.logprobs == pytest.approx([full_forward(lm, content, option) for option in item], abs=2e-4)


def full_forward(lm: HFSpeech, content: Any, option: list[int]) -> float:
    features = plain(lm, content)
    ids = torch.tensor([option])
    for name, more in (("input_ids", ids), ("attention_mask", torch.ones_like(ids))):
        features[name] = torch.cat([features[name], more], 1)
    for name in {"token_type_ids", "mm_token_type_ids"} & features.keys():
        features[name] = torch.cat([features[name], torch.zeros_like(ids)], 1)
    with torch.no_grad():
        logits = lm.model(**features).logits[0, -len(option) - 1 : -1] / divisor(lm)
    return float(logits.log_softmax(-1).gather(1, ids.T).sum())


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_greedy_answers_are_those_of_transformers_generate(lm: HFSpeech, kind: str) -> None:
    contents, settings = contents_of(lm, kind), Generation(max_new_tokens=6)
    batched = lm.generate(lm.prefill(lm.encode(contents, [None] * 3)), [settings] * 3, [0] * 3)
    for content, answer in zip(contents, batched, strict=True):
        features = plain(lm, content)
        theirs = lm.model.generate(**features, do_sample=False, max_new_tokens=6)[0, features["input_ids"].shape[1] :]
        assert answer == lm.tokenizer.decode(theirs, skip_special_tokens=True).strip()


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_edits_that_change_nothing_leave_every_logit_bit_equal(lm: HFSpeech, kind: str) -> None:
    batch = lm.encode(contents_of(lm, kind), [None] * 3)
    copied = lm.prefill(batch, lambda layer, hidden: batch.with_content(hidden, batch.content(hidden))).last_logits
    assert torch.equal(copied, lm.prefill(batch).last_logits)


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_an_edit_reaches_the_content_and_no_other_position_of_its_layer(lm: HFSpeech, kind: str) -> None:
    batch, states = lm.encode(contents_of(lm, kind), [None] * 3), []
    inside = torch.zeros_like(batch.valid)
    for row in range(3):
        inside[row, batch.content_index[row][batch.content_mask[row]]] = True

    def watch(layer: int, hidden: torch.Tensor) -> torch.Tensor | None:
        if layer != 1:
            return None
        states.append(hidden)
        return batch.with_content(hidden, torch.zeros_like(batch.content(hidden)))

    def compare(layer: int, hidden: torch.Tensor) -> None:
        if layer == 1:
            states.append(hidden)

    changed, usual = lm.prefill(batch, watch).last_logits, lm.prefill(batch, compare).last_logits
    assert torch.equal(states[0], states[1])
    edited = batch.with_content(states[0], torch.zeros_like(batch.content(states[0])))
    assert torch.equal(edited[~inside], states[0][~inside])
    assert bool((edited[inside] == 0).all())
    assert relative(changed, usual) > 1e-3


def test_silence_and_sound_are_told_apart(lm: HFSpeech) -> None:
    clip = contents_of(lm, "speech")[1]
    one, other = (lm.prefill(lm.encode([sound], [None])).last_logits for sound in (clip, clip * 0))
    assert relative(one, other) > 1e-4


def test_the_number_of_speech_positions_is_the_expected_one_until_the_window_ends(lm: HFSpeech) -> None:
    for seconds in (0.6, 1.0, 2.3, 7.7, 19.0, 29.0):
        actual = int(lm.encode([wave(seconds * lm.sampling_rate / 16_000)], [None]).content_mask.sum())
        assert abs(actual - lm.expected_tokens(seconds)) <= 2 + 0.02 * actual
    if lm.max_seconds is not None and lm.max_seconds < 60:  # of ten minutes and more it would take too long to see
        cut = int(lm.encode([wave(1.5 * lm.max_seconds * lm.sampling_rate / 16_000)], [None]).content_mask.sum())
        assert cut < lm.expected_tokens(1.5 * lm.max_seconds) - 10


def test_the_catalogue_says_how_many_tokens_a_second_takes_and_how_much_is_heard(lm: HFSpeech) -> None:
    published = CATALOGUE[lm.model.config.model_type.removesuffix("_thinker")]
    assert (lm.expected_tokens(20.0) - lm.expected_tokens(10.0)) / 10 == pytest.approx(published.rate, abs=0.15)  # whole tokens
    assert published.longest == (lm.max_seconds or getattr(lm.processor, "max_audio_len", None))


def test_the_two_prompts_differ_in_the_content_and_its_wrapper_alone(lm: HFSpeech) -> None:
    written, spoken = (lm.encode([content], ["be brief"]).prompts[0] for content in (TEXTS[0], contents_of(lm, "speech")[0]))
    before, _, after = written.partition(TEXTS[0])
    assert spoken.startswith(before)
    assert spoken.endswith(after)
    assert lm._placeholder in spoken.removeprefix(before).removesuffix(after)


@pytest.mark.parametrize("name", ["granite_speech", "phi4_multimodal"])
@pytest.mark.parametrize("kind", ["text", "speech"])
def test_a_lora_for_speech_is_on_for_speech_and_off_for_text_in_answers_too(name: str, kind: str, tmp_path: Path) -> None:
    lm = loaded(BUILDERS[name], tmp_path)
    assert lm.model._hf_peft_config_loaded
    content, options = contents_of(lm, kind)[1], [[[11, 12], [13, 14, 15]]]
    batch = lm.encode([content], [None])
    filled = lm.prefill(batch)
    logits, scores = filled.last_logits, lm.score_options(filled, options)[0].logprobs
    by_switch = {}
    for on in (True, False):
        (lm.model.enable_adapters if on else lm.model.disable_adapters)()
        with torch.no_grad():
            expected = lm.model(**plain(lm, content)).logits[:, -1] / divisor(lm)
        by_switch[on] = (relative(logits, expected), [full_forward(lm, content, option) for option in options[0]])
    spoken = kind == "speech"
    assert by_switch[spoken][0] <= 1e-5
    assert by_switch[not spoken][0] > 1e-3
    assert scores == pytest.approx(by_switch[spoken][1], abs=2e-4)


def test_a_checkpoint_without_its_lora_for_speech_is_refused(tmp_path: Path) -> None:
    folder = BUILDERS["phi4_multimodal"](tmp_path)
    shutil.rmtree(folder / "speech-lora")
    with pytest.raises(
        UsageError, match=r"its LoRA for speech cannot be loaded from its folder 'speech-lora' .* give the whole checkpoint"
    ):
        HFSpeech(str(folder), device="cpu")


def test_no_row_of_the_table_is_of_an_architecture_that_is_not_tried() -> None:
    assert {name.removesuffix("_thinker") for name in QUIRKS} <= {*BUILDERS, "qwen2_audio", "qwen2_5_omni"}
