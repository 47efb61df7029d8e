"""HFSpeech against plain forwards of transformers: what a batch, a hook and an edit may change, and what they may not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import tiny_models
import torch
from lm_eval.api.instance import Instance
from tiny_models import wave

from lsgap_bench.checks import batch_difference
from lsgap_bench.errors import UsageError
from lsgap_bench.harness import PairedLM
from lsgap_bench.models.catalogue import CATALOGUE
from lsgap_bench.models.hf_speech import HFSpeech

TEXTS = ["which of these is larger , a whale or a mouse ?", "yes or no", "the capital of france is paris and bread and milk"]
WAVES = [wave(0.5, 1), wave(2.6, 2), wave(1.3, 3)]


def contents_of(kind: str) -> list[Any]:
    return list(TEXTS) if kind == "text" else list(WAVES)


def plain(lm: HFSpeech, contents: list[Any]) -> Any:
    """What the processor alone gives for the same prompts: no cut window, no position ids."""
    return lm.prompter.encode(contents, [None] * len(contents)).features


def relative(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


def states(lm: HFSpeech, contents: list[Any]) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Every layer's states and the last logits, as the adapter sees them."""
    seen: list[torch.Tensor] = []
    prefill = lm.prefill(lm.encode(contents, [None] * len(contents)), lambda layer, hidden: seen.append(hidden.clone()))
    return seen, prefill.last_logits


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_a_batch_of_mixed_lengths_gives_what_its_items_give_alone(any_lm: HFSpeech, kind: str) -> None:
    assert batch_difference(any_lm, contents_of(kind), [None] * 3) <= 1e-4


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_the_invariance_check_catches_an_attention_mask_that_lets_padding_through(
    lm: HFSpeech, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = HFSpeech.encode

    def leaky(self: HFSpeech, contents: Any, systems: Any) -> Any:
        batch = honest(self, contents, systems)
        inputs = {**batch.inputs, "attention_mask": torch.ones_like(batch.inputs["attention_mask"])}
        return dataclasses.replace(batch, inputs=inputs)

    monkeypatch.setattr(HFSpeech, "encode", leaky)
    assert batch_difference(lm, contents_of(kind), [None] * 3) > 1e-4


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_the_hook_sees_the_hidden_states_of_transformers(lm: HFSpeech, kind: str) -> None:
    content = contents_of(kind)[:1]
    seen, logits = states(lm, content)
    with torch.no_grad():
        expected = lm.model(**plain(lm, content), output_hidden_states=True)
    assert len(seen) == lm.num_layers + 1 == len(expected.hidden_states)
    for ours, theirs in zip(seen, expected.hidden_states, strict=True):
        assert relative(ours, theirs) <= 1e-5
        assert kind == "speech" or torch.equal(ours, theirs)
    assert relative(logits, expected.logits[:, -1]) <= 1e-5


def test_the_demo_model_needs_no_more_than_its_own_forward(demo: HFSpeech) -> None:
    words = ["which is bigger", "what day comes after monday"]
    seen, logits = states(demo, words)
    batch = demo.encode(words, [None, None])
    with torch.no_grad():
        expected = demo.model(**{k: batch.inputs[k] for k in ("input_ids", "attention_mask")}, output_hidden_states=True)
    valid = batch.valid
    assert all(relative(ours[valid], theirs[valid]) <= 1e-5 for ours, theirs in zip(seen, expected.hidden_states, strict=True))
    assert relative(logits, expected.logits[:, -1]) <= 1e-5


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_edits_that_change_nothing_leave_every_logit_bit_equal(any_lm: HFSpeech, kind: str) -> None:
    batch = any_lm.encode(contents_of(kind), [None] * 3)
    untouched = any_lm.prefill(batch).last_logits
    copied = any_lm.prefill(batch, lambda layer, hidden: batch.with_content(hidden, batch.content(hidden))).last_logits
    assert torch.equal(copied, untouched)


@pytest.mark.parametrize("kind", ["text", "speech"])
def test_an_edit_of_the_content_reaches_no_other_position_of_its_layer(lm: HFSpeech, kind: str) -> None:
    batch = lm.encode(contents_of(kind), [None] * 3)
    before, after = [], []
    lm.prefill(batch, lambda layer, hidden: before.append(hidden.clone()) if layer == 1 else None)

    def zero(layer: int, hidden: torch.Tensor) -> torch.Tensor | None:
        if layer != 1:
            return None
        after.append(batch.with_content(hidden, torch.zeros_like(batch.content(hidden))))
        return after[0]

    changed = lm.prefill(batch, zero).last_logits
    inside = torch.zeros_like(batch.valid)
    for row in range(3):
        inside[row, batch.content_index[row][batch.content_mask[row]]] = True
    assert torch.equal(after[0][~inside], before[0][~inside])
    assert bool((after[0][inside] == 0).all())
    assert relative(changed, lm.prefill(batch).last_logits) > 1e-3


@pytest.mark.parametrize("layer", [0, 2, 3])
def test_what_the_hook_returns_is_what_the_model_goes_on_with(lm: HFSpeech, layer: int) -> None:
    batch = lm.encode(TEXTS, [None] * 3)
    marked = torch.randn(1, 1, 32, generator=torch.Generator().manual_seed(0))
    received: dict[int, torch.Tensor] = {}

    def replace(at: int, hidden: torch.Tensor) -> torch.Tensor | None:
        received[at] = hidden
        return marked.expand_as(hidden) if at == layer else None

    logits = lm.prefill(batch, replace).last_logits
    assert relative(logits[0], logits[1]) <= 1e-5  # with the same states everywhere, the questions cannot be told apart
    assert sorted(received) == [0, 1, 2, 3]


def test_a_content_of_silence_and_one_of_sound_are_told_apart(lm: HFSpeech) -> None:
    one, other = (lm.prefill(lm.encode([clip], [None])).last_logits for clip in (WAVES[1], WAVES[1] * 0))
    assert relative(one, other) > 1e-3


def test_expected_tokens_are_those_of_the_processor_until_the_window_ends(any_lm: HFSpeech) -> None:
    longest = any_lm.max_seconds
    assert longest is not None
    for tenths in (1, 2, 3, 5, 8, 13, 21, 27, 34, 39, int(10 * longest)):
        actual = int(any_lm.encode([wave(tenths / 10)], [None]).content_mask.sum())
        expected = any_lm.expected_tokens(tenths / 10)
        assert abs(actual - expected) <= 2 + 0.02 * expected
    cut = int(any_lm.encode([wave(1.5 * longest)], [None]).content_mask.sum())
    expected = any_lm.expected_tokens(1.5 * longest)
    assert abs(cut - expected) > 2 + 0.02 * expected


def test_a_question_that_contains_the_audio_placeholder_is_refused(lm: HFSpeech) -> None:
    with pytest.raises(UsageError, match="placeholder"):
        lm.encode(["what is <|AUDIO|> ?"], [None])
    with pytest.raises(UsageError, match="placeholder"):
        lm.encode([WAVES[0]], ["say <|AUDIO|>"])


def test_bfloat16_answers_are_finite_and_near_those_of_float32(lm: HFSpeech, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue("omni_folder" if "Omni" in lm.info["architecture"] else "qwen2_audio_folder")
    coarse = HFSpeech(str(folder), dtype="bfloat16", device="cpu")
    assert coarse.info["dtype"] == "bfloat16"
    assert coarse.encode([WAVES[0]], [None]).inputs["input_features"].dtype == torch.bfloat16
    for contents in (list(TEXTS), list(WAVES)):
        ours, fine = (m.prefill(m.encode(contents, [None] * 3)).last_logits for m in (coarse, lm))
        assert bool(ours.isfinite().all())
        assert torch.nn.functional.cosine_similarity(ours, fine).min() > 0.98


def test_the_thinker_inside_an_omni_checkpoint_answers_like_the_thinker_alone(omni: HFSpeech, tmp_path: Path) -> None:
    whole = HFSpeech(str(tiny_models.qwen2_5_omni(tmp_path, whole=True)), device="cpu")
    assert whole.info["architecture"] == "Qwen2_5OmniThinkerForConditionalGeneration"
    for contents in (list(TEXTS), list(WAVES)):
        ours, theirs = (m.prefill(m.encode(contents, [None] * 3)).last_logits for m in (whole, omni))
        assert torch.equal(ours, theirs)


CONTEXTS = [("the capital of france is", " paris"), ("the capital of france is", " bread and milk"), ("yes or", " no"), ("", "yes")]


def test_loglikelihoods_of_plain_text_are_the_summed_log_softmax(lm: HFSpeech) -> None:
    face = PairedLM(lm, lambda items: {}, batch_size=3)
    requests = [Instance(request_type="loglikelihood", doc={}, arguments=pair, idx=0) for pair in CONTEXTS]
    for (context, continuation), (logprob, greedy) in zip(CONTEXTS, face.loglikelihood(requests), strict=True):
        start = lm.tokenizer(context)["input_ids"] or [lm.tokenizer.eos_token_id]
        ids = lm.tokenizer(continuation)["input_ids"]
        with torch.no_grad():
            logits = lm.model(input_ids=torch.tensor([start + ids])).logits[0, len(start) - 1 : -1]
        assert logprob == pytest.approx(float(logits.log_softmax(-1)[range(len(ids)), ids].sum()), abs=1e-4)
        assert greedy == (logits.argmax(-1).tolist() == ids)


def test_the_catalogue_says_how_many_tokens_a_second_takes(lm: HFSpeech) -> None:
    rate = CATALOGUE[lm.model.config.model_type.removesuffix("_thinker")].rate
    assert (lm.expected_tokens(20.0) - lm.expected_tokens(10.0)) / 10 == pytest.approx(rate, abs=0.15)  # whole tokens
