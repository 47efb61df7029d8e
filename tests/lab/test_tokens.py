"""What a lab model reads: one token a word, and the same prompt for both forms of a question but for its content."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from transformers import AutoProcessor, AutoTokenizer

from lsgap_bench.lab import tokens, world

MARKS = ["<|pad|>", "<|unk|>", "<|eos|>", "<|user|>", "<|answer|>", "<|transcribe|>", "<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>"]


def prompt(content: object) -> str:
    chat = [{"role": "user", "content": content}]
    written = tokens.build_tokenizer().apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    assert isinstance(written, str)
    return written


def test_the_marks_come_first_and_then_every_word_in_alphabetic_order():
    listed = list(tokens.word_ids())
    assert listed == [*MARKS, "<|silence|>", *sorted(listed[10:])]
    assert list(tokens.word_ids().values()) == list(range(len(listed)))
    assert listed[tokens.AUDIO] == "<|AUDIO|>"
    assert listed[tokens.SILENCE] == "<|silence|>"


@pytest.mark.parametrize("task", world.TASKS)
def test_the_tokenizer_gives_one_id_a_word_whatever_case_and_punctuation(task: str):
    tokenizer, random = tokens.build_tokenizer(), Random(1)
    for _ in range(50):
        question = world.TASKS[task](random)
        ids = tokenizer(question.text).input_ids
        assert ids == tokens.ids_of(question.words)
        assert ids == tokenizer(question.text.upper().replace("?", " ?!")).input_ids
        assert tokenizer.decode(ids) == " ".join(question.words)


def test_a_word_outside_the_world_becomes_the_unknown_token_and_its_neighbours_stay():
    tokenizer = tokens.build_tokenizer()
    ids = tokenizer("Is a dragon larger than a cow?").input_ids
    assert ids == [*tokens.ids_of(["is", "a"]), tokens.UNKNOWN, *tokens.ids_of(["larger", "than", "a", "cow"])]
    assert tokenizer.unk_token_id == tokens.UNKNOWN
    with pytest.raises(KeyError, match="dragon"):
        tokens.ids_of(["dragon"])


def test_a_mark_is_one_token_and_its_name_in_a_question_stays_a_mark_only_in_its_own_spelling():
    tokenizer = tokens.build_tokenizer()
    for number, mark in enumerate(tokens.SPECIAL):
        assert tokenizer(mark).input_ids == [number]
    assert tokenizer("audio").input_ids == [tokens.UNKNOWN]


def test_the_prompts_of_both_forms_differ_in_their_content_alone():
    written = prompt([{"type": "text", "text": "Is a cow larger than an ant?"}])
    spoken = prompt([{"type": "audio", "audio": "unread"}])
    assert written == prompt("Is a cow larger than an ant?")
    wrapper = "<|audio_bos|><|AUDIO|><|audio_eos|>"
    assert spoken.count(wrapper) == 1
    assert spoken.replace(wrapper, "[content]") == written.replace("Is a cow larger than an ant?", "[content]")
    assert written == "<|user|>Is a cow larger than an ant?<|answer|>"


def test_the_processor_puts_one_audio_token_for_every_sixty_milliseconds(tmp_path: Path):
    processor = tokens.build_processor()
    text = processor.apply_chat_template([{"role": "user", "content": [{"type": "audio", "audio": "unread"}]}], add_generation_prompt=True)
    for seconds, count in ((0.96, 16), (1.02, 17), (9.0, 150)):  # 60 ms a token
        wave = np.zeros(round(seconds * 16_000), np.float32)
        given = processor(text=[text], audio=[wave], sampling_rate=16_000, return_tensors="pt")
        assert given["input_features"].shape == (1, 80, 600)  # nine seconds of 15 ms
        assert int((given["input_ids"] == tokens.AUDIO).sum()) == count
        assert given["input_ids"][0, 0] == tokens.USER
        assert given["input_ids"][0, -1] == tokens.ANSWER


def test_a_saved_processor_is_loaded_with_the_same_tokens_template_and_features(tmp_path: Path):
    tokens.build_processor().save_pretrained(tmp_path)
    again, tokenizer = AutoProcessor.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    wave = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    one, other = (
        extractor(wave, sampling_rate=16_000).input_features for extractor in (tokens.build_feature_extractor(), again.feature_extractor)
    )
    assert np.array_equal(one, other)
    assert tokenizer("Which day comes after Monday?").input_ids == tokens.ids_of(["which", "day", "comes", "after", "monday"])
    assert tokenizer.get_chat_template() == tokens.CHAT_TEMPLATE
    assert again.tokenizer.get_vocab() == tokens.word_ids()
