"""The voice engines that need weights or a server: a tiny random VITS for real, a real loopback server, and stand-ins of two packages."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import transformers

from lsgap_bench.errors import UsageError
from lsgap_bench.registry import voices
from lsgap_bench.speech.voices import VoiceEngine

# ---------------------------------------------------------------------------------------------------- transformers


@pytest.fixture(scope="module")
def vits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VITS checkpoint with a few thousand random weights and two speakers."""
    folder = tmp_path_factory.mktemp("vits")
    letters = {letter: number for number, letter in enumerate("_ abcdefghijklmnopqrstuvwxyz'")}
    (folder / "letters.json").write_text(json.dumps(letters), encoding="utf-8")
    transformers.VitsTokenizer(folder / "letters.json", pad_token="_", unk_token=" ", phonemize=False).save_pretrained(folder)
    config = transformers.VitsConfig(
        vocab_size=len(letters), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=16, flow_size=16, spectrogram_bins=9,
        duration_predictor_filter_channels=16, prior_encoder_num_flows=1, prior_encoder_num_wavenet_layers=1, upsample_initial_channel=16,
        posterior_encoder_num_wavenet_layers=1, duration_predictor_num_flows=1, upsample_rates=[8, 8], upsample_kernel_sizes=[16, 16],
        resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1]], sampling_rate=16_000, num_speakers=2, speaker_embedding_size=8,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.VitsModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def speaker() -> VoiceEngine:
    engine: VoiceEngine = voices["transformers"]()
    return engine


def test_a_checkpoint_says_the_same_words_in_the_same_way_for_one_seed_and_otherwise_for_another(vits: Path, speaker: VoiceEngine) -> None:
    first = speaker.synthesize("is a dog larger", f"{vits}#0", seed=3)
    speaker.synthesize("something else", f"{vits}#1", seed=9)
    again, other = (speaker.synthesize("is a dog larger", f"{vits}#0", seed=seed) for seed in (3, 4))
    assert first.sampling_rate == 16_000
    assert (first.wave.dtype, first.wave.ndim) == (np.float32, 1)
    assert first.wave.tobytes() == again.wave.tobytes() != other.wave.tobytes()


def test_what_a_checkpoint_draws_leaves_the_draws_of_others_alone(vits: Path, speaker: VoiceEngine) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    speaker.synthesize("dog", f"{vits}#0")
    assert torch.equal(torch.rand(3), expected)


def test_a_faster_checkpoint_takes_less_time(vits: Path, speaker: VoiceEngine) -> None:
    slow, fast = (len(speaker.synthesize("is a dog larger than a horse", f"{vits}#0", speed=speed).wave) for speed in (0.5, 2.0))
    assert slow > 1.5 * fast


def test_other_weights_under_the_same_name_are_another_voice(vits: Path) -> None:
    before = voices["transformers"]().fingerprint(str(vits))
    config = json.loads((vits / "config.json").read_text(encoding="utf-8"))
    (vits / "config.json").write_text(json.dumps({**config, "noise_scale": 0.5}), encoding="utf-8")
    assert voices["transformers"]().fingerprint(f"{vits}#1") != before


@pytest.mark.parametrize(
    ("voice", "manner", "said"),
    [
        ("nowhere/at-all", {}, "the voice 'transformers:nowhere/at-all' cannot be loaded"),
        ("VITS#nobody", {}, "speaker 'nobody' is neither a number nor an .npy file"),
        ("VITS#0", {"pitch": 1.2}, "voice engine 'transformers' cannot change the pitch"),
    ],
)
def test_a_checkpoint_that_cannot_do_what_is_asked_says_so(
    vits: Path, speaker: VoiceEngine, voice: str, manner: Mapping[str, float], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        speaker.synthesize("dog", voice.replace("VITS", str(vits)), **manner)


# ---------------------------------------------------------------------------------------------------- openai-tts


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """A speech server on loopback: what it was asked, and what it answers next in place of a tone."""
    state = SimpleNamespace(bodies=[], answers=[])
    buffer = io.BytesIO()
    soundfile.write(buffer, 0.1 * np.ones(2400, np.float32), 24_000, format="FLAC")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.bodies.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            status, body = state.answers.pop(0) if state.answers else (200, buffer.getvalue())
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{running.server_port}/v1")
    yield state
    running.shutdown()
    running.server_close()


def test_a_speech_server_is_asked_for_the_words_in_the_voice_and_its_sound_comes_back(server: SimpleNamespace) -> None:
    speech = voices["openai-tts"]().synthesize("Say dog.", "made/parrot/alloy", speed=1.5)
    asked = {"model": "made/parrot", "voice": "alloy", "input": "Say dog.", "response_format": "flac", "speed": 1.5}
    assert server.bodies == [("/v1/audio/speech", asked)]
    assert (speech.sampling_rate, len(speech.wave)) == (24_000, 2400)
    assert speech.wave == pytest.approx(0.1, abs=1e-4)


def test_what_a_speech_server_refuses_is_told_in_its_own_words(server: SimpleNamespace) -> None:
    server.answers = [(400, b'{"error": {"message": "no such voice"}}')]
    with pytest.raises(UsageError, match="refuses: 400 Bad Request: no such voice"):
        voices["openai-tts"]().synthesize("Say dog.", "parrot/alloy")


def test_a_speech_server_elsewhere_costs_money_and_one_on_this_machine_does_not(
    server: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert voices["openai-tts"]().costs is False
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert voices["openai-tts"]().costs is True


def test_a_speech_server_elsewhere_needs_a_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match="OPENAI_API_KEY holds no key"):
        voices["openai-tts"]().synthesize("Say dog.", "parrot/alloy")


# ---------------------------------------------------------------------------------------------------- stand-ins


@pytest.mark.parametrize(("engine", "extra"), [("piper", "piper"), ("kokoro", "kokoro")])
def test_an_engine_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch, engine: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, engine, None)
    with pytest.raises(UsageError, match=rf"pip install 'lsgap-bench\[{extra}\]'"):
        voices[engine]()


def test_piper_is_asked_for_speech_without_noise_and_its_sentences_are_joined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def synthesize(text: str, syn_config: Any) -> Iterator[SimpleNamespace]:
        asked.append((text, vars(syn_config)))
        yield from (SimpleNamespace(audio_float_array=np.full(3, level, np.float32), sample_rate=22_050) for level in (0.1, 0.2))

    package = SimpleNamespace(
        PiperVoice=SimpleNamespace(load=lambda path: SimpleNamespace(synthesize=synthesize)), SynthesisConfig=SimpleNamespace
    )
    monkeypatch.setitem(sys.modules, "piper", package)
    monkeypatch.setattr("lsgap_bench.speech.piper.version", lambda name: "1.3.0")
    (tmp_path / "amy.onnx").write_bytes(b"weights")
    engine = voices["piper"]()
    with pytest.raises(UsageError, match=r"python -m piper.download_voices amy --download-dir"):
        engine.synthesize("One. Two.", str(tmp_path / "amy.onnx"))
    (tmp_path / "amy.onnx.json").write_text("{}")
    speech = engine.synthesize("One. Two.", str(tmp_path / "amy.onnx"), speed=2.0)
    assert asked == [("One. Two.", {"length_scale": 0.5, "noise_scale": 0.0, "noise_w_scale": 0.0})]
    assert (speech.sampling_rate, speech.wave.tolist()) == (22_050, pytest.approx([0.1] * 3 + [0.2] * 3))
    before = engine.fingerprint(str(tmp_path / "amy.onnx"))
    (tmp_path / "amy.onnx").write_bytes(b"others")
    assert voices["piper"]().fingerprint(str(tmp_path / "amy.onnx")) != before


def test_kokoro_draws_from_the_seed_in_the_language_of_the_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def pipeline(lang_code: str, repo_id: str) -> Any:
        made.append((lang_code, repo_id))
        return lambda text, voice, speed: iter([SimpleNamespace(audio=torch.rand(4)), SimpleNamespace(audio=torch.rand(2))])

    monkeypatch.setitem(sys.modules, "kokoro", SimpleNamespace(KPipeline=pipeline))
    monkeypatch.setattr("lsgap_bench.speech.kokoro.version", lambda name: "0.9.4")
    engine = voices["kokoro"]()
    first, again, other = (engine.synthesize("Say dog.", "bf_emma", seed=seed) for seed in (5, 5, 6))
    assert made == [("b", "hexgrad/Kokoro-82M")]
    assert (first.sampling_rate, first.wave.shape) == (24_000, (6,))
    assert first.wave.tobytes() == again.wave.tobytes() != other.wave.tobytes()
