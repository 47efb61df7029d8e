"""HFASR against plain forwards of transformers, on a tiny Whisper and tiny wav2vec 2.0 models with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models
import tiny_recognizers
import torch
from tiny_models import wave

from lsgap_bench.errors import UsageError
from lsgap_bench.models.hf_asr import HFASR

WAVES = [wave(0.5, 1), wave(1.7, 2), wave(1.2, 3)]
CTC = ["masked", "unmasked"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    at = tmp_path_factory.mktemp("recognizers")
    return {
        "whisper": tiny_recognizers.whisper(at / "whisper"),
        "masked": tiny_recognizers.wav2vec2(at / "masked"),
        "unmasked": tiny_recognizers.wav2vec2(at / "unmasked", masked=False),
    }


@pytest.fixture(scope="module")
def made(folders: dict[str, Path]) -> dict[str, HFASR]:
    return {name: HFASR(str(folder), device="cpu") for name, folder in folders.items()}


def letters(recognizer: HFASR, clip: Any) -> list[int]:
    """The likeliest token of every frame of a clip alone."""
    values = recognizer.extractor(clip, sampling_rate=16_000, return_tensors="pt").input_values
    with torch.no_grad():
        return list(recognizer.model(values).logits[0].argmax(-1).tolist())


@pytest.mark.parametrize("name", CTC)
def test_a_ctc_transcript_is_the_one_its_own_tokenizer_makes_of_the_frames(made: dict[str, HFASR], name: str) -> None:
    expected = [made[name].tokenizer.decode(letters(made[name], clip), skip_special_tokens=True).strip() for clip in WAVES]
    assert made[name].transcribe(WAVES) == expected
    assert len(set(expected)) == 3


def test_a_letter_that_a_blank_divides_is_written_twice(made: dict[str, HFASR]) -> None:
    vocabulary = made["masked"].tokenizer.get_vocab()
    frames = [vocabulary[c] for c in ("h", "h", "e", "l", "<pad>", "l", "l", "o", "|", "a")]
    assert made["masked"]._collapsed(torch.tensor([frames]), None) == ["hello a"]


def test_whisper_writes_what_the_likeliest_token_at_each_step_says(made: dict[str, HFASR]) -> None:
    whisper = made["whisper"]
    for clip, said in zip(WAVES, whisper.transcribe(WAVES), strict=True):
        features = whisper.extractor(clip, sampling_rate=16_000, return_tensors="pt").input_features
        ids = [whisper.model.config.decoder_start_token_id]
        with torch.no_grad():
            while len(ids) < 24 and ids[-1] != whisper.model.config.eos_token_id:
                ids.append(int(whisper.model(input_features=features, decoder_input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
        assert said == whisper.tokenizer.decode(ids, skip_special_tokens=True).strip()


def test_a_transcript_is_as_long_as_the_decoder_has_positions_and_not_20_tokens(made: dict[str, HFASR], folders: dict[str, Path]) -> None:
    assert made["whisper"].info["decoding"] == {"max_length": 24}
    short = HFASR(str(folders["whisper"]), device="cpu", max_new_tokens=2).transcribe(WAVES)
    for whole, cut in zip(made["whisper"].transcribe(WAVES), short, strict=True):
        assert len(cut) < len(whole)
        assert whole.startswith(cut.rstrip("\N{REPLACEMENT CHARACTER}"))


@pytest.mark.parametrize("name", ["whisper", *CTC])
def test_a_batch_is_heard_as_its_clips_are_alone(made: dict[str, HFASR], name: str) -> None:
    clips = [*WAVES, np.zeros(16_000, np.float32), wave(0.02, 4), np.zeros(0, np.float32)]
    assert made[name].transcribe(clips) == [made[name].transcribe([clip])[0] for clip in clips]


def test_the_window_is_the_extractors_own_and_ctc_has_none(made: dict[str, HFASR]) -> None:
    assert made["whisper"].max_seconds == tiny_recognizers.SECONDS
    assert made["masked"].max_seconds is None
    assert {recognizer.sampling_rate for recognizer in made.values()} == {16_000}


def test_the_fingerprint_follows_weights_and_settings(made: dict[str, HFASR], folders: dict[str, Path]) -> None:
    assert len({recognizer.fingerprint for recognizer in made.values()}) == 3
    assert HFASR(str(folders["whisper"]), device="cpu").fingerprint == made["whisper"].fingerprint
    assert HFASR(str(folders["whisper"]), device="cpu", max_new_tokens=2).fingerprint != made["whisper"].fingerprint
    assert made["whisper"].info["kind"] == "recognizer"


def test_bfloat16_transcribes(folders: dict[str, Path]) -> None:
    for name in ("whisper", "masked"):
        coarse = HFASR(str(folders[name]), device="cpu", dtype="bfloat16")
        assert coarse.info["dtype"] == "bfloat16"
        assert len(coarse.transcribe(WAVES)) == 3


def test_what_is_no_recognizer_is_refused_in_one_line(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\(qwen2\) is no speech recognizer; give one such as"):
        HFASR(str(tiny_models.text_only(tmp_path / "text")), device="cpu")
    with pytest.raises(UsageError, match="cannot be loaded as a speech recognizer"):
        HFASR(str(tmp_path / "nowhere"), device="cpu")
    config = json.loads((folders["masked"] / "config.json").read_text())
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="cannot be loaded as a speech recognizer") as caught:
        HFASR(str(tmp_path / "bare"), device="cpu")
    assert "\n" not in str(caught.value)
