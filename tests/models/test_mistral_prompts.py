"""Prompts by mistral_common: where a text stands in them, what a clip is there, and when a system turn is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_architectures
from tiny_models import wave

from lsgap_bench.errors import UsageError
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.models.mistral_prompts import MistralPrompter


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_architectures.voxtral(tmp_path_factory.mktemp("voxtral"))


@pytest.fixture(scope="module")
def lm(folder: Path) -> HFSpeech:
    return HFSpeech(str(folder), device="cpu")


TEXTS = ("which of these is larger , a café or a 鯨 ?", " two  blanks", "[INST] is no token here")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("system", [None, "be brief"])
def test_the_content_of_a_written_prompt_is_its_words_and_nothing_else(lm: HFSpeech, text: str, system: str | None) -> None:
    batch = lm.encode([text, "yes"], [system, None])
    ids = batch.inputs["input_ids"][0][batch.content_index[0][batch.content_mask[0]]]
    assert lm.tokenizer.decode(ids.tolist(), skip_special_tokens=False) == text
    assert batch.prompts[0].endswith(f"[INST]{text}[/INST]")


def test_each_token_of_a_text_knows_its_word_even_where_a_letter_takes_several_tokens(lm: HFSpeech) -> None:
    words = lm.encode(["a café is 鯨"], [None]).content_words
    assert words is not None
    # "a" | blank, "c", "a", "f", two bytes | " is" | blank, three bytes: the pieces of tests/tiny_architectures.tekken
    assert words[0].tolist() == [0, -1, 1, 1, 1, 1, 1, 2, -1, 3, 3, 3]


def test_a_clip_reaches_the_extractor_as_it_is(lm: HFSpeech) -> None:
    clip = wave(1.7)
    whole = np.pad(clip, (0, 30 * 16_000 - len(clip)))
    expected = lm.extractor([whole], sampling_rate=16_000, return_tensors="pt")["input_features"]
    assert bool((lm.encode([clip], [None]).inputs["input_features"] == expected).all())


def test_the_placeholders_of_a_clip_beyond_its_end_are_no_content(lm: HFSpeech) -> None:
    batch = lm.encode([wave(1.7)], [None])
    assert int((batch.inputs["input_ids"] == lm.audio_token_id).sum()) == 375
    assert int(batch.content_mask.sum()) == 22  # 1.7 s at 12.5 a second, the last one begun


def test_a_prompt_shows_one_placeholder_for_a_clip(lm: HFSpeech) -> None:
    assert lm.encode([wave(1.0)], [None]).prompts == ["<s>[INST][BEGIN_AUDIO][AUDIO][/INST]"]


def test_a_system_turn_that_cannot_stand_before_a_clip_is_refused(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tiny_architectures.tekken(tmp_path, version="v7")
    with pytest.raises(UsageError, match=r"refuses the system turn 'be brief' before a clip .* leave it out"):
        HFSpeech(str(tmp_path), device="cpu").check_system("be brief")


def test_a_system_turn_that_both_prompts_take_is_accepted(lm: HFSpeech) -> None:
    lm.check_system("be brief")


def test_a_chat_template_is_refused_where_mistral_common_makes_the_prompts(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"chat_template=mine\.jinja.*mistral_common; leave it out"):
        HFSpeech(str(folder), device="cpu", chat_template="mine.jinja")


def test_where_mistral_common_is_missing_the_package_is_named(omni: HFSpeech) -> None:
    with pytest.raises(UsageError, match=r"pip install 'lsgap-bench\[voxtral\]'"):
        MistralPrompter(omni.processor, 16_000)
