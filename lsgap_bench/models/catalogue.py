"""What to know of each architecture before it is measured: published checkpoints, licence, how much it hears; shown in docs/models.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple


class Drift(NamedTuple):
    """Largest relative difference between a batch of mixed lengths and its items one by one, in float32."""

    text: float
    speech: float


@dataclass(frozen=True)
class Published:
    """One architecture, from its users' side; `quirks` holds what the adapter has to know.

    name: as its makers write it. hub_ids: checkpoints laid out as transformers reads them. licence: what their pages declare. rate: speech
    tokens per second. trained_for: chat (it answers questions), or recognition (it writes down what it hears). longest: seconds of a clip
    that are heard; None where the processor cuts none. needs: what to install besides. remark: what else a user should know. drift: as
    measured on a GPU; None where it was not tried there.
    """

    name: str
    hub_ids: tuple[str, ...]
    licence: str
    rate: float
    trained_for: Literal["chat", "recognition"] = "chat"
    longest: float | None = None
    needs: str = ""
    remark: str = ""
    drift: Drift | None = None


_UNSURE = "check the hub page"
_NVIDIA = "NVIDIA OneWay Noncommercial"

CATALOGUE: dict[str, Published] = {
    "qwen2_audio": Published(
        name="Qwen2-Audio",
        hub_ids=("Qwen/Qwen2-Audio-7B-Instruct",),
        licence="Apache 2.0",
        rate=25,
        longest=30,
        drift=Drift(5.5e-6, 2.2e-6),
    ),
    "qwen2_5_omni": Published(
        name="Qwen2.5-Omni",
        hub_ids=("Qwen/Qwen2.5-Omni-7B", "Qwen/Qwen2.5-Omni-3B"),
        licence=f"7B: Apache 2.0; 3B: {_UNSURE}",
        rate=25,
        longest=300,
        drift=Drift(2.9e-6, 5.3e-6),
    ),
    "qwen3_omni_moe": Published(
        name="Qwen3-Omni",
        hub_ids=("Qwen/Qwen3-Omni-30B-A3B-Instruct", "Qwen/Qwen3-Omni-30B-A3B-Thinking"),
        licence=_UNSURE,
        rate=13,
        remark="the Thinking checkpoint reasons before it answers: give it room with `--gen_kwargs max_new_tokens=`",
        drift=Drift(1.6e-6, 3.7e-6),
    ),
    "qwen3_asr": Published(
        name="Qwen3-ASR",
        hub_ids=("Qwen/Qwen3-ASR-1.7B-hf",),
        licence="Apache 2.0",
        rate=13,
        trained_for="recognition",
        remark="take the checkpoint whose name ends in `-hf`; the other is laid out for its makers' package",
        drift=Drift(1.7e-6, 8.3e-7),
    ),
    "voxtral": Published(
        name="Voxtral",
        hub_ids=("mistralai/Voxtral-Mini-3B-2507", "mistralai/Voxtral-Small-24B-2507"),
        licence="Apache 2.0",
        rate=12.5,
        needs="`lsgap-bench[voxtral]`",
    ),
    "audioflamingo3": Published(
        name="Audio Flamingo 3",
        hub_ids=("nvidia/audio-flamingo-3-hf",),
        licence=_NVIDIA,
        rate=25,
        longest=600,
        drift=Drift(3.4e-6, 4.2e-6),
    ),
    "musicflamingo": Published(
        name="Music Flamingo",
        hub_ids=("nvidia/music-flamingo-2601-hf",),
        licence=_NVIDIA,
        rate=25,
        longest=1200,
        remark="made for music, not for spoken questions",
        drift=Drift(3.9e-6, 4.1e-6),
    ),
    "glmasr": Published(
        name="GLM-ASR",
        hub_ids=("zai-org/GLM-ASR-Nano-2512",),
        licence="MIT",
        rate=12.5,
        trained_for="recognition",
        longest=655,
        drift=Drift(3.8e-6, 1.4e-6),
    ),
    "granite_speech": Published(
        name="Granite Speech",
        hub_ids=("ibm-granite/granite-speech-3.3-8b", "ibm-granite/granite-speech-3.3-2b"),
        licence="Apache 2.0",
        rate=10,
        trained_for="recognition",
        needs="torchaudio, peft",
        remark="with a clip it transcribes and translates; without, it is the Granite language model. Its card asks for two calls",
        drift=Drift(7.4e-6, 2.1e-5),
    ),
    "phi4_multimodal": Published(
        name="Phi-4-multimodal",
        hub_ids=("microsoft/Phi-4-multimodal-instruct",),
        licence="MIT",
        rate=12.5,
        needs="peft",
        remark="`revision=refs/pr/70` is the checkpoint in transformers' own layout; the main branch wants remote code",
        drift=Drift(6.1e-6, 9.9e-6),
    ),
    "gemma3n": Published(
        name="Gemma 3n",
        hub_ids=("google/gemma-3n-E4B-it", "google/gemma-3n-E2B-it"),
        licence="Gemma terms of use",
        rate=6.25,
        longest=30,
        needs="timm",
        drift=Drift(9.3e-7, 6.7e-7),
    ),
    "gemma4": Published(
        name="Gemma 4",
        hub_ids=("google/gemma-4-E4B-it", "google/gemma-4-E2B-it"),
        licence="Apache 2.0",
        rate=25,
        longest=30,
        remark="only these two sizes have this audio encoder",
        drift=Drift(2.2e-6, 7.9e-6),
    ),
    "vibevoice_asr": Published(
        name="VibeVoice-ASR",
        hub_ids=("microsoft/VibeVoice-ASR-HF",),
        licence=_UNSURE,
        rate=7.5,
        trained_for="recognition",
        remark="hears 24 kHz: clips are resampled",
        drift=Drift(5.6e-6, 2.9e-6),
    ),
    "whisper_llm": Published(
        name="Whisper encoder, two linear layers, a language model",
        hub_ids=(),
        licence="those of its parts",
        rate=10,
        longest=30,
        remark="the paper's recipe, for your own checkpoint: [own_model.md](own_model.md)",
        drift=Drift(8.6e-6, 2.5e-6),
    ),
}
"""By transformers' `model_type`, in the order of the page."""
