"""FasterWhisper against plain forwards of transformers, on a tiny Whisper with random weights that CTranslate2 converted."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_recognizers
import torch
import transformers
from tiny_models import wave

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import recognizers

pytest.importorskip("faster_whisper")
WAVES = [wave(0.5, 1), wave(1.7, 2)]
LONGEST = 224  # tokens that Whisper writes of one window: half of its decoder's positions


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whisper")


@pytest.fixture(scope="module")
def folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_recognizers.faster_whisper(tmp_path_factory.mktemp("converted") / "tiny", source)


def load(folder: Path, **arguments: Any) -> Any:
    return recognizers["faster-whisper"](str(folder), device="cpu", cpu_threads=1, **arguments)


@pytest.fixture(scope="module")
def made(folder: Path) -> Any:
    return load(folder)


def never_written(tokenizer: Any) -> list[int]:
    """The tokens that Whisper's own decoding leaves out everywhere: what is no speech, and tokens that steer it."""
    theirs = importlib.import_module("faster_whisper.tokenizer").Tokenizer(tokenizer.backend_tokenizer, multilingual=False)
    return [*theirs.non_speech_tokens, theirs.transcribe, theirs.translate, theirs.sot, theirs.sot_prev, theirs.sot_lm]


@torch.no_grad()
def likeliest(source: Path, clip: Any) -> str:
    """The likeliest token at each step, by forwards of transformers, on features that transformers made."""
    model = transformers.WhisperForConditionalGeneration.from_pretrained(source)
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(source)
    extractor = transformers.WhisperFeatureExtractor(feature_size=80)
    encoded = model.model.encoder(extractor(clip, sampling_rate=16_000, return_tensors="pt").input_features)
    start = tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", "<|notimestamps|>"])
    end, kept, ids, cache = model.config.eos_token_id, never_written(tokenizer), list(start), None
    while len(ids) < len(start) + LONGEST and ids[-1] != end:
        step = torch.tensor([ids if cache is None else ids[-1:]])
        out = model(encoder_outputs=encoded, decoder_input_ids=step, past_key_values=cache, use_cache=True)
        logits, cache = out.logits[0, -1], out.past_key_values
        logits[kept] = -torch.inf
        if len(ids) == len(start):
            logits[[end, *tokenizer.encode(" ", add_special_tokens=False)]] = -torch.inf  # a transcript begins with a word
        ids.append(int(logits.argmax()))
    return str(tokenizer.decode([token for token in ids if token < end])).strip()


def test_it_writes_what_the_likeliest_token_at_each_step_says_in_transformers(made: Any, source: Path) -> None:
    # clips that fill the window: a shorter one faster-whisper fills up with features of zero, and transformers with those of silence
    clips = [np.pad(wave(29.9, seed), (0, 1_600)) for seed in (1, 2)]
    said = made.transcribe(clips)
    assert said == [likeliest(source, clip) for clip in clips]
    assert len(set(said)) == len(clips)


def test_a_clip_is_heard_the_same_every_time_and_beside_any_other(made: Any) -> None:
    clips = [*WAVES, np.zeros(8_000, np.float32)]
    assert made.transcribe(clips) == [made.transcribe([clip])[0] for clip in clips]


def test_nothing_is_heard_in_an_empty_clip_and_where_the_detector_finds_no_voice(made: Any, folder: Path) -> None:
    assert made.transcribe([np.zeros(0, np.float32)]) == [""]
    pytest.importorskip("onnxruntime")
    assert load(folder, vad_filter=True).transcribe([np.zeros(16_000, np.float32), WAVES[1]]) == ["", ""]


def test_it_hears_a_window_of_whisper_at_once(made: Any) -> None:
    assert (made.sampling_rate, made.max_seconds) == (16_000, 30.0)


def test_the_fingerprint_follows_weights_and_settings_and_not_the_folders_name(made: Any, folder: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    assert load(moved).fingerprint == made.fingerprint
    weights = bytearray((moved / "model.bin").read_bytes())
    weights[-1] ^= 1
    (moved / "model.bin").write_bytes(weights)
    others = [load(moved), load(folder, beam_size=2), load(folder, language="en"), load(folder, compute_type="int8")]
    assert len({made.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_the_record_names_model_versions_and_decoding_and_no_path(made: Any, folder: Path) -> None:
    info = made.info
    assert (info["name"], info["kind"], info["dtype"]) == ("tiny", "recognizer", "float32")
    assert {"faster-whisper", "ctranslate2", "weights"} <= info.keys()
    assert info["decoding"] == {"language": None, "beam_size": 1, "vad_filter": False}
    assert str(folder.parent) not in str(info)


def refused(folder: Path | str, message: str, **arguments: Any) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        recognizers["faster-whisper"](str(folder), **{"device": "cpu", **arguments})
    assert "\n" not in str(caught.value)


def test_without_its_package_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    refused(folder, r"pip install lsgap-bench\[recognizers\]")


def test_a_folder_without_a_tokenizer_is_refused_before_another_models_is_fetched(folder: Path, tmp_path: Path) -> None:
    bare = Path(shutil.copytree(folder, tmp_path / "bare"))
    (bare / "tokenizer.json").unlink()
    refused(bare, r"holds no tokenizer\.json; give a folder that `ct2-transformers-converter --copy_files tokenizer\.json")


def test_what_is_no_model_of_its_own_is_refused_in_one_line(folder: Path, source: Path, tmp_path: Path) -> None:
    refused(source, r"cannot load it \(Unable to open file 'model\.bin'")
    refused("nobody/nothing", r"cannot get it from the hub .*Systran/faster-whisper-small")
    refused(tmp_path / "nowhere", "is no folder and faster-whisper cannot get it")
    (tmp_path / "wide").mkdir()
    wide = Path(shutil.copytree(folder, tmp_path / "wide" / "model"))
    (wide / "preprocessor_config.json").write_text('{"feature_size": 128}')
    refused(wide, "hears 80 mel bands and would be given 128")


def test_settings_that_it_does_not_know_are_refused_in_one_line(folder: Path) -> None:
    refused(folder, "compute_type=int3.*Invalid compute type", compute_type="int3")
    refused(folder, "device=mps", device="mps")
    refused(folder, "language=xx is not known to .*; known: en", language="xx")
    refused(folder, "beam_size=0 is no number of hypotheses", beam_size=0)
