"""`chat-api` against a real server: `transformers serve` with a tiny model answers as the same model does when it is run here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import tiny_models

from lsgap_bench.models.chat_api import ChatAPI
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.schema import Clip, Generation
from lsgap_bench.speech.clips import decode, encode
from lsgap_bench.verification import embedded_items, verify

pytestmark = pytest.mark.slow  # the server takes some ten seconds to start
START = "from transformers.cli.transformers import main; main()"
TEXTS = ["which of these is larger , a whale or a mouse ?", "the capital of france is paris or bread ?"]
SETTINGS = Generation(max_new_tokens=8)


@pytest.fixture(scope="module")
def address(qwen2_audio_folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", START, "serve", str(qwen2_audio_folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    server = subprocess.Popen(command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    with httpx.Client(trust_env=False) as client:
        for _ in range(900):
            assert server.poll() is None, "transformers serve has stopped"
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
    raise AssertionError("transformers serve does not answer")


def answers(model: Any, contents: list[Any]) -> list[str]:
    prefill = model.prefill(model.encode(contents, [None] * len(contents)))
    found: list[str] = model.generate(prefill, [SETTINGS] * len(contents), [0] * len(contents))
    return found


def test_both_forms_are_answered_as_by_the_same_model_run_here(address: str, qwen2_audio_folder: Path) -> None:
    hosted = ChatAPI(str(qwen2_audio_folder), address)
    here = HFSpeech(str(qwen2_audio_folder), device="cpu")
    files = [encode(tiny_models.wave(seconds, seed), 16_000, "wav") for seed, seconds in enumerate((1.0, 2.5))]
    waves = [decode(Clip("0", 16_000, 1, lambda file=file: file), 16_000) for file in files]  # type: ignore[misc] # as the server hears them
    for contents in (TEXTS, waves):
        told = answers(hosted, list(contents))
        assert told == answers(here, list(contents))
        assert len(set(told)) == 2


def test_the_server_counts_tokens_and_says_which_model_has_answered(address: str, qwen2_audio_folder: Path) -> None:
    hosted = ChatAPI(str(qwen2_audio_folder), address)
    prefill = hosted.prefill(hosted.encode(TEXTS[:1], [None]))
    ((_, reply),) = hosted.replies(prefill, [SETTINGS], [0], [()])
    assert reply.usage["completion_tokens"] == SETTINGS.max_new_tokens
    assert reply.usage["prompt_tokens"] > len(TEXTS[0].split())
    assert str(qwen2_audio_folder) in reply.usage["served_by"]


def test_verify_finds_nothing_against_it(address: str, qwen2_audio_folder: Path) -> None:
    hosted = ChatAPI(str(qwen2_audio_folder), address, max_seconds=tiny_models.SECONDS)
    assert not [finding for finding in verify(hosted, embedded_items(hosted)) if finding.passed is False]
