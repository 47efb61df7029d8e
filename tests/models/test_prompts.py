"""One prompt for both modalities, and the question's own tokens in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_models import TEMPLATE, wave

from lsgap_bench.errors import UsageError
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.models.prompts import Prompter

WRAPPERS = {"qwen2_audio": "Audio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\n", "omni": "<|audio_bos|><|AUDIO|><|audio_eos|>"}
QUESTIONS = [
    "which of these is larger , a whale or a mouse ?",
    "Audio 1: Audio 1: is the first word of this question",
    "user user",
    "assistant",
    "x",
    "two lines\nof words\n",
    "was kostet ein Brötchen in Zürich? 明日は何曜日ですか 🐋",
    "<|im_start",
]


def content_words(lm: HFSpeech, question: str) -> str:
    """The content tokens, decoded together."""
    batch = lm.encode([question, "another question of another length , so that one of the two is padded"], [None, None])
    ids = batch.inputs["input_ids"][0][batch.content_index[0][batch.content_mask[0]]]
    return str(lm.tokenizer.decode(ids))


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_content_tokens_are_exactly_the_words_of_the_question(lm: HFSpeech, question: str) -> None:
    assert content_words(lm, question) == question


@pytest.mark.parametrize("question", ["  which of these ?", "which of these ?  ", " \n yes or no \n "])
def test_blanks_around_a_question_stay_part_of_it_where_the_template_keeps_them(lm: HFSpeech, question: str) -> None:
    assert content_words(lm, question).strip() == question.strip()
    assert set(content_words(lm, question).replace(question.strip(), "")) <= {" ", "\n"}


@pytest.mark.parametrize("question", QUESTIONS[:6])
def test_each_content_token_belongs_to_a_word_of_the_question(lm: HFSpeech, question: str) -> None:
    batch = lm.encode([question, "another question of another length , so that one of the two is padded"], [None, None])
    assert batch.content_words is not None
    ids = batch.inputs["input_ids"][0][batch.content_index[0][batch.content_mask[0]]].tolist()
    words = batch.content_words[0][batch.content_mask[0]].tolist()
    for place, word in enumerate(question.split()):
        own = [token for token, belongs in zip(ids, words, strict=True) if belongs == place]
        assert lm.tokenizer.decode(own).strip() == word
    assert set(batch.content_words[0][~batch.content_mask[0]].tolist()) <= {-1}


def test_speech_has_no_words_of_its_own(lm: HFSpeech) -> None:
    assert lm.encode([wave(1.0)], [None]).content_words is None


def with_template(lm: HFSpeech, template: str, folder: Path) -> Prompter:
    (folder / "template.jinja").write_text(template, encoding="utf-8")
    return Prompter(lm.processor, str(folder / "template.jinja"))


@pytest.mark.parametrize(
    "change",
    [("{{ c['text'] }}", "{{ c['text'] | trim }}"), ("{{ c['text'] }}", "Question: {{ c['text'] }} Answer:"), ("assistant\n", "")],
    ids=["trims", "writes words around the question", "ends with the question's turn"],
)
@pytest.mark.parametrize("question", ["  Question: which is larger ?  ", "yes or no", "Answer: yes or no Answer:"])
def test_the_content_is_found_under_other_templates(lm: HFSpeech, change: tuple[str, str], question: str, tmp_path: Path) -> None:
    encoded = with_template(lm, TEMPLATE.replace(*change), tmp_path).encode([question], [None])
    (written,) = encoded.written
    assert written is not None
    assert lm.tokenizer.decode(encoded.features["input_ids"][0][written.start : written.end]).strip() == question.strip()


@pytest.mark.parametrize("system", [None, "answer with yes or no"])
@pytest.mark.parametrize("name", ["qwen2_audio", "omni"])
def test_the_two_prompts_differ_only_in_the_content_and_its_wrapper(name: str, system: str | None, request: pytest.FixtureRequest) -> None:
    lm: HFSpeech = request.getfixturevalue(name)
    question = "which of these is larger , a whale or a mouse ?"
    text, speech = (lm.encode([content], [system]).prompts[0] for content in (question, wave(1.0)))
    assert text.count(question) == 1
    assert text.replace(question, "§") == speech.replace(WRAPPERS[name], "§")
    assert system is None or system in text


def test_the_prompts_of_the_demo_model_differ_only_in_the_content(demo: HFSpeech) -> None:
    text, speech = (demo.encode([content], [None]).prompts[0] for content in ("which is bigger", wave(1.0)))
    assert text == "<|user|>which is bigger<|answer|>"
    assert speech == "<|user|><|audio_bos|><|AUDIO|><|audio_eos|><|answer|>"


def test_the_speech_content_is_every_placeholder_and_nothing_else(lm: HFSpeech) -> None:
    batch = lm.encode([wave(0.5), wave(2.0)], [None, None])
    for row in range(2):
        positions = batch.content_index[row][batch.content_mask[row]]
        placeholder = batch.inputs["input_ids"][row] == lm.audio_token_id
        assert positions.tolist() == placeholder.nonzero()[:, 0].tolist()


def test_content_strings_read_as_the_question(lm: HFSpeech) -> None:
    batch = lm.encode(["bread and milk", "the"], [None, None])
    assert "".join(lm.content_strings(batch, 0)) == "breadandmilk"
    assert lm.content_strings(batch, 1) == ["the"]


def test_a_template_that_drops_the_system_turn_is_refused(lm: HFSpeech, demo: HFSpeech, tmp_path: Path) -> None:
    with_template(lm, TEMPLATE.replace("{{ c['text'] }}", "{{ c['text'] | trim }}"), tmp_path).check_system("  answer briefly  ")
    with pytest.raises(UsageError, match="drops the system turn"):
        demo.check_system("answer briefly")
    refusing = with_template(lm, "{{ raise_exception('no system turn') if messages[0]['role'] == 'system' }}" + TEMPLATE, tmp_path)
    with pytest.raises(UsageError, match="drops the system turn"):
        refusing.check_system("answer briefly")


def test_a_chat_template_that_cannot_be_read_is_named(lm: HFSpeech, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"chat_template=.*missing\.jinja cannot be read"):
        Prompter(lm.processor, str(tmp_path / "missing.jinja"))
