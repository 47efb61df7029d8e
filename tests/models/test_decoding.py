"""Options and free answers from the shared prefix, against full forwards and `generate` of transformers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from scipy.stats import chisquare
from tiny_models import wave

from lsgap_bench.errors import UsageError
from lsgap_bench.models import decoding
from lsgap_bench.models.adapter import Batch, Prefill
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.schema import Generation

TEXTS = ["which of these is larger , a whale or a mouse ?", "yes or no", "the capital of france is paris"]
WAVES = [wave(0.5, 1), wave(2.6, 2), wave(1.3, 3)]
KINDS = {"text": TEXTS, "speech": WAVES}


def prefill(lm: HFSpeech, contents: list[Any]) -> Prefill:
    return lm.prefill(lm.encode(contents, [None] * len(contents)))


def full_forward(lm: HFSpeech, content: Any, option: list[int]) -> tuple[float, bool]:
    """The whole prompt with the option appended, alone, through the model's own forward."""
    features = dict(lm.prompter.encode([content], [None]).features)
    ids = torch.tensor([option])
    features["input_ids"] = torch.cat([features["input_ids"], ids], 1)
    features["attention_mask"] = torch.cat([features["attention_mask"], torch.ones_like(ids)], 1)
    with torch.no_grad():
        logits = lm.model(**features).logits[0, -len(option) - 1 : -1]
    return float(logits.log_softmax(-1).gather(1, ids.T).sum()), logits.argmax(-1).tolist() == option


@pytest.mark.parametrize("kind", KINDS)
def test_options_from_the_shared_prefix_score_as_in_full_forwards(any_lm: HFSpeech, kind: str) -> None:
    contents = list(KINDS[kind])
    likeliest = prefill(any_lm, contents).last_logits.argmax(-1).tolist()
    options = [
        [[11], [12, 13], [14, 15, 16, 17]],
        [[likeliest[1]], [18, 19, 20, 21]],
        [[22, 23], [11], [likeliest[2]], [12], [13, 14, 15, 16]],
    ]
    for content, item, scores in zip(contents, options, any_lm.score_options(prefill(any_lm, contents), options), strict=True):
        expected = [full_forward(any_lm, content, option) for option in item]
        assert scores.logprobs == pytest.approx([logprob for logprob, _ in expected], abs=1e-4)
        assert scores.greedy == tuple(greedy for _, greedy in expected)
        assert scores.tokens == tuple(len(option) for option in item)


def test_options_that_do_not_fit_at_once_are_scored_in_parts(lm: HFSpeech, monkeypatch: pytest.MonkeyPatch) -> None:
    options = [[[11, 12], [12, 13, 14]], [[14, 15]], [[16, 17], [18, 19], [20, 21]]]
    whole = lm.score_options(prefill(lm, list(TEXTS)), options)
    rows: list[int] = []

    def step(ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        rows.append(len(ids))
        return lm._continue(ids, *rest)

    monkeypatch.setattr(decoding, "_rows_that_fit", lambda filled: 4)
    parts = decoding.score_options(step, prefill(lm, list(TEXTS)), options)
    assert rows == [4, 2]
    for one, other in zip(parts, whole, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)
        assert one.greedy == other.greedy


def test_single_token_options_need_no_further_forward(lm: HFSpeech) -> None:
    def refuse(*args: Any) -> torch.Tensor:
        raise AssertionError("a forward was run")

    options = [[[11], [12]], [[13]], [[14], [15], [16]]]
    scores = decoding.score_options(refuse, prefill(lm, list(TEXTS)), options)
    assert [len(s.logprobs) for s in scores] == [2, 1, 3]


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_answers_are_those_of_transformers_generate(any_lm: HFSpeech, kind: str) -> None:
    contents, settings = list(KINDS[kind]), Generation(max_new_tokens=9)
    batched = any_lm.generate(prefill(any_lm, contents), [settings] * 3, [0] * 3)
    for content, answer in zip(contents, batched, strict=True):
        features = any_lm.prompter.encode([content], [None]).features
        theirs = any_lm.model.generate(**features, do_sample=False, max_new_tokens=9)[0, features["input_ids"].shape[1] :]
        expected = any_lm.tokenizer.decode(theirs, skip_special_tokens=True).strip()
        assert answer == expected
        assert any_lm.generate(prefill(any_lm, [content]), [settings], [0]) == [expected]


def ids_text(ids: list[int]) -> str:
    return "".join(f"<{i}>" for i in ids)


def run(lm: HFSpeech, contents: list[Any], settings: list[Generation], end: frozenset[int] = frozenset()) -> tuple[list[str], list[int]]:
    """Greedy answers spelt as token ids, and how many rows each step carried."""
    rows: list[int] = []

    def step(ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        rows.append(len(ids))
        return lm._continue(ids, *rest)

    return decoding.generate(step, prefill(lm, contents), settings, [0] * len(contents), end, ids_text), rows


@pytest.mark.parametrize("kind", KINDS)
def test_answers_that_end_early_leave_the_batch_and_disturb_no_other(lm: HFSpeech, kind: str) -> None:
    contents = list(KINDS[kind])
    free = [run(lm, [content], [Generation(8)])[0][0] for content in contents]
    lengths = [2, 8, 5]
    answers, rows = run(lm, contents, [Generation(n) for n in lengths])
    assert answers == ["".join(f"<{i}>" for i in text[1:-1].split("><")[:n]) for text, n in zip(free, lengths, strict=True)]
    assert rows == [3, 2, 2, 2, 1, 1, 1]


def test_an_end_token_closes_its_answer_and_is_not_part_of_it(lm: HFSpeech) -> None:
    contents = list(TEXTS)
    free = [text[1:-1].split("><") for text in run(lm, contents, [Generation(8)] * 3)[0]]
    end = free[0][3]
    expected = ["".join(f"<{i}>" for i in (ids[: ids.index(end)] if end in ids else ids)) for ids in free]
    assert run(lm, contents, [Generation(8)] * 3, frozenset({int(end)}))[0] == expected


def test_a_stop_string_cuts_the_answer_before_it(lm: HFSpeech) -> None:
    (free,), _ = run(lm, [TEXTS[0]], [Generation(8)])
    third = free[1:-1].split("><")[2]
    (cut,), rows = run(lm, [TEXTS[0]], [Generation(8, until=("never", f"<{third}>"))])
    assert cut == free[: free.index(f"<{third}>")]
    assert len(rows) == free[1:-1].split("><").index(third)


def test_a_stop_string_of_blanks_is_seen_before_blanks_are_stripped(lm: HFSpeech) -> None:
    def spell(ids: list[int]) -> str:
        return "\n\n" + "word " * len(ids)

    def answer(until: tuple[str, ...]) -> str:
        return decoding.generate(lm._continue, prefill(lm, [TEXTS[0]]), [Generation(3, until=until)], [0], frozenset(), spell)[0]

    assert answer(()) == "word word word"
    assert answer(("\n\n",)) == ""


def test_sampled_answers_depend_on_the_seed_and_not_on_the_batch(lm: HFSpeech) -> None:
    settings = Generation(max_new_tokens=6, do_sample=True, temperature=0.8, top_p=0.95)
    together = lm.generate(prefill(lm, list(WAVES)), [settings] * 3, [1, 2, 3])
    alone = [lm.generate(prefill(lm, [clip]), [settings], [seed])[0] for clip, seed in zip(WAVES, (1, 2, 3), strict=True)]
    assert together == alone
    assert len({lm.generate(prefill(lm, [WAVES[0]]), [settings], [seed])[0] for seed in range(8)}) > 1


def drawn(logits: torch.Tensor, settings: Generation, draws: int) -> torch.Tensor:
    """How often each token is drawn first, over as many seeds as `draws`."""
    nothing = torch.zeros((draws, 0), dtype=torch.long)
    batch = Batch({}, torch.ones((draws, 1), dtype=torch.bool), nothing, nothing.bool(), [""] * draws)

    def never(*args: Any) -> torch.Tensor:
        raise AssertionError("one token needs no further forward")

    answers = decoding.generate(
        never, Prefill(batch, logits.expand(draws, -1), None), [settings] * draws, range(draws), frozenset(), lambda ids: str(ids[0])
    )
    return torch.bincount(torch.tensor([int(a) for a in answers]), minlength=len(logits))


def test_sampling_follows_the_softmax_at_the_temperature() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0, 0.5])
    counts = drawn(logits, Generation(1, do_sample=True, temperature=2.0), 4000)
    expected = (logits.double() / 2).softmax(-1) * 4000
    assert chisquare(counts.numpy(), expected.numpy()).pvalue > 1e-3


def test_sampling_stays_inside_the_nucleus() -> None:
    probabilities = torch.tensor([0.5, 0.05, 0.3, 0.15])
    counts = drawn(probabilities.log(), Generation(1, do_sample=True, top_p=0.75), 2000)
    assert counts[[1, 3]].tolist() == [0, 0]
    assert float(counts[0] / 2000) == pytest.approx(0.5 / 0.8, abs=0.05)


def test_an_option_without_tokens_is_refused(lm: HFSpeech) -> None:
    with pytest.raises(UsageError, match="has no token"):
        lm.token_ids("")
