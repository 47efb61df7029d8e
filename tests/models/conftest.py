"""The adapter over real architectures: tiny Qwen2-Audio, tiny Qwen2.5-Omni thinker, and the demo model."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.resources import DEMO_MODEL


@pytest.fixture(scope="session")
def qwen2_audio(qwen2_audio_folder: Path) -> HFSpeech:
    return HFSpeech(str(qwen2_audio_folder), device="cpu")


@pytest.fixture(scope="session")
def omni(omni_folder: Path) -> HFSpeech:
    return HFSpeech(str(omni_folder), device="cpu")


@pytest.fixture(scope="session")
def demo() -> HFSpeech:
    return HFSpeech(str(DEMO_MODEL), device="cpu")


@pytest.fixture(params=["qwen2_audio", "omni"])
def lm(request: pytest.FixtureRequest) -> HFSpeech:
    """Either architecture."""
    model: HFSpeech = request.getfixturevalue(request.param)
    return model


@pytest.fixture(params=["qwen2_audio", "omni", "demo"])
def any_lm(request: pytest.FixtureRequest) -> HFSpeech:
    """Either architecture, or the demo model."""
    model: HFSpeech = request.getfixturevalue(request.param)
    return model
