"""The training speech: the same bytes after any interruption, voices that no test has, and labels that say which word is spoken when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.lab import build_mini, corpus, tokens, world
from lsgap_bench.lab.corpus import ACCENTS, VARIANTS, Corpus, SpeechRecipe, build_corpus, frame_words
from lsgap_bench.registry import voices
from lsgap_bench.speech.espeak import Line, Timed
from lsgap_bench.speech.voices import Speech

RECIPE = SpeechRecipe(utterances=12, seed=3)


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("espeakng_loader")
    monkeypatch.setattr(corpus, "SHARD", 5)


@pytest.mark.usefixtures("small_shards")
class TestSynthesis:
    """With espeak-ng itself."""

    def test_an_interrupted_synthesis_goes_on_and_ends_with_the_same_hash(self, tmp_path: Path):
        whole = build_corpus(RECIPE, tmp_path / "whole")
        done: list[int] = []

        def stop(made: int) -> None:
            done.append(made)
            if len(done) == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            build_corpus(RECIPE, tmp_path / "parts", progress=stop)
        assert done == [0, 5, 5]
        (home,) = (tmp_path / "parts").iterdir()
        assert sorted(file.name for file in home.iterdir()) == ["000000.npz", "000005.npz"]
        (home / "000000.npz").unlink()
        kept = (home / "000005.npz").stat().st_mtime_ns
        done.clear()
        again = build_corpus(RECIPE, tmp_path / "parts", workers=2, progress=lambda made: done.append(made))
        assert done == [5, 5, 2]  # what was there, then the first and the last shard
        assert (home / "000005.npz").stat().st_mtime_ns == kept
        assert again.sha256 == whole.sha256
        assert len(again) == len(whole) == 12
        assert build_corpus(replace(RECIPE, seed=4), tmp_path / "parts").sha256 != whole.sha256
        assert len(list((tmp_path / "parts").iterdir())) == 2  # another recipe, another folder

    def test_an_utterance_holds_the_words_and_the_answer_of_a_training_question(self, tmp_path: Path):
        said = build_corpus(RECIPE, tmp_path)
        tokenizer = tokens.build_tokenizer()
        for utterance, question in zip(said.utterances, world.train_questions(12, 3, world.in_shares(RECIPE.shares)), strict=True):
            assert not question.held_out
            assert list(utterance.question) == tokenizer(question.text).input_ids
            assert (utterance.task, [utterance.answer]) == (question.task, tokenizer(question.answer).input_ids)
            assert utterance.mel.shape[1] == 80
            assert len(utterance.labels) == math.ceil(len(utterance.mel) / 4)
            seconds = len(utterance.mel) * 0.015
            assert 0.08 < seconds / len(question.words) < 0.8

    def test_the_labels_of_an_utterance_are_its_words_in_their_order(self, tmp_path: Path):
        shown = said = 0
        for utterance in build_corpus(RECIPE, tmp_path).utterances:
            labels = [word for word in utterance.labels.tolist() if word != tokens.SILENCE]
            heard = [word for place, word in enumerate(labels) if place == 0 or word != labels[place - 1]]
            rest = iter(utterance.question)
            assert all(word in rest for word in heard)  # a subsequence: a short word may fall between two tokens
            shown, said = shown + len(heard), said + len(utterance.question)
            assert utterance.labels[-1] == tokens.SILENCE
        assert shown > 0.85 * said

    def test_every_training_voice_is_a_voice_of_its_own(self):
        lines = [Line("Who is in the garden?", f"en-us+{variant}" if variant else "en-us") for variant in VARIANTS]
        lines += [Line("Who is in the garden?", accent) for accent in ACCENTS[1:]]
        waves = {timed.speech.wave.tobytes() for timed in voices["espeak"]().recite(lines)}  # type: ignore[attr-defined]
        assert len(waves) == len(lines)


def test_no_training_voice_is_a_voice_of_the_tasks_by_accent_or_by_variant():
    tested = [name.split("+") for name in build_mini.ESPEAK_VOICES]
    assert all(len(parts) == 2 for parts in tested)
    assert {accent for accent, _ in tested}.isdisjoint(ACCENTS)
    assert {variant for _, variant in tested}.isdisjoint(VARIANTS)
    assert (SpeechRecipe().accents, SpeechRecipe().variants) == (ACCENTS, VARIANTS)


class Stub:
    """Says a tone of one second whatever it is asked, and keeps what it was asked."""

    version = "stub 1"

    def __init__(self) -> None:
        self.asked: list[Line] = []

    def recite(self, lines: Sequence[Line]) -> list[Timed]:
        self.asked += lines
        tone = 0.3 * np.sin(np.arange(16_000) * 0.2).astype(np.float32)
        return [Timed(Speech(tone, 16_000), ((0, 0),)) for _ in lines]


def told(monkeypatch: pytest.MonkeyPatch, folder: Path, recipe: SpeechRecipe) -> tuple[list[Line], list[np.ndarray]]:
    """(what the voice engine was asked, the waves that became features) of a recipe."""
    engine, heard, extractor = Stub(), [], tokens.build_feature_extractor()

    def listen(wave: np.ndarray, **options: object) -> object:
        heard.append(wave)
        return extractor(wave, **options)

    monkeypatch.setattr(corpus, "Espeak", lambda: engine)
    monkeypatch.setattr(tokens, "build_feature_extractor", lambda: listen)
    build_corpus(recipe, folder)
    monkeypatch.undo()
    return engine.asked, heard


def test_noise_is_added_at_the_ratio_asked_for_and_the_gain_is_in_decibels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    plain = SpeechRecipe(utterances=3, gain=(0.0, 0.0))
    _, clean = told(monkeypatch, tmp_path, plain)
    _, noisy = told(monkeypatch, tmp_path, replace(plain, snr=(10.0, 10.0)))
    _, quiet = told(monkeypatch, tmp_path, replace(plain, gain=(-20.0, -20.0)))
    for wave, worse, lower in zip(clean, noisy, quiet, strict=True):
        assert 10 * np.log10(np.mean(wave**2) / np.mean((worse - wave) ** 2)) == pytest.approx(10, abs=0.2)
        np.testing.assert_allclose(lower, wave / 10, atol=1e-6)
    assert not np.array_equal(noisy[0], noisy[1])  # each has a noise of its own
    _, varied = told(monkeypatch, tmp_path, SpeechRecipe(utterances=40))
    decibels = [20 * np.log10(np.abs(wave).max() / 0.3) for wave in varied]
    assert -6.1 < min(decibels) < -4.5
    assert 1.5 < max(decibels) < 3.1


def test_speed_pitch_and_voice_are_drawn_over_the_whole_of_their_ranges_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    recipe = SpeechRecipe(utterances=150, speed=(0.9, 1.2), pitch=(0.8, 1.0), accents=("en-us", "en"), variants=("", "m1"))
    asked, _ = told(monkeypatch, tmp_path, recipe)
    for drawn, low, high in (([line.speed for line in asked], 0.9, 1.2), ([line.pitch for line in asked], 0.8, 1.0)):
        assert low <= min(drawn) < low + 0.02
        assert high - 0.02 < max(drawn) <= high
    assert {line.voice for line in asked} == {"en-us", "en-us+m1", "en", "en+m1"}
    assert len({line.seed for line in asked}) == 150
    assert [line.text for line in asked] == [question.text for question in world.train_questions(150, 0, world.in_shares(recipe.shares))]


def test_without_espeak_the_corpus_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "espeakng_loader", None)
    with pytest.raises(UsageError, match=r"pip install 'lsgap-bench\[speech\]'"):
        build_corpus(RECIPE, tmp_path)


def spoken(text: str, times: tuple[tuple[int, int | None], ...], frames: int, count: int) -> list[str]:
    """The words of `count` audio tokens, `.` for silence; at 1000 Hz the tokens' middles are at 30, 90, 150, 210 ..."""
    labels = frame_words(text, Timed(Speech(np.zeros(frames, np.float32), 1000), times), count)
    assert labels.dtype == np.int16
    names = [*tokens.word_ids()]
    return [names[label].replace("<|silence|>", ".") for label in labels]


def test_a_word_lasts_to_the_next_word_or_to_a_pause():
    times = ((60, 0), (130, 4), (250, None), (320, 7), (500, None))
    assert spoken("Who is in?", times, 600, 10) == [".", "who", "is", "is", ".", "in", "in", "in", ".", "."]


def test_words_run_together_share_their_time_by_their_letters():
    # `is a` has 180 ms: 120 for two letters, 60 for one
    assert spoken("Is a cow?", ((0, 0), (180, 5), (400, None)), 420, 7) == ["is", "is", "a", "cow", "cow", "cow", "cow"]


def test_what_is_said_before_the_first_mark_belongs_to_it_and_the_last_word_ends_with_the_clip():
    assert spoken("Is cow?", ((0, 3),), 500, 8) == ["is", "is", "is", "cow", "cow", "cow", "cow", "cow"]  # 200 ms and 300 ms


def test_a_mark_at_punctuation_alone_is_silence():
    assert spoken("Cow. A: who", ((0, 0), (120, 3), (240, 5), (360, 8)), 480, 8) == ["cow", "cow", ".", ".", "a", "a", "who", "who"]


def test_tokens_behind_the_end_of_the_wave_are_silent():
    assert spoken("Cow", ((0, 0),), 120, 4) == ["cow", "cow", ".", "."]


def test_the_hash_covers_features_and_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told(monkeypatch, tmp_path, SpeechRecipe(utterances=2))
    (file,) = tmp_path.rglob("*.npz")
    parts = dict(np.load(file))
    before = Corpus([file]).sha256
    for name in ("mel", "label", "answer", "question"):
        changed = {**parts, name: parts[name].copy()}
        changed[name].flat[0] += 1
        np.savez(file, **changed)
        assert Corpus([file]).sha256 != before
    np.savez(file, **parts)
    assert Corpus([file]).sha256 == before
