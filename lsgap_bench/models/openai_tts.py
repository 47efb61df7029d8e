"""The voice engine `openai-tts`: any server with OpenAI's `/audio/speech`, hosted or one's own; what it makes may cost money."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from lsgap_bench.errors import UsageError
from lsgap_bench.models.chat_arguments import address, key_of_server
from lsgap_bench.models.chat_client import REMEDIES, ChatClient, Limits
from lsgap_bench.registry import voice as voice_engine
from lsgap_bench.speech.clips import clip_from_bytes, decode
from lsgap_bench.speech.voices import Speech, refuse_pitch, require_sayable

DEFAULT_URL = "https://api.openai.com/v1"
ADDRESS, FORMAT = "OPENAI_BASE_URL", "flac"


class SpeechClient(ChatClient):
    """A ChatClient whose answers are sound: a completion's `plain` is {"audio": bytes}."""

    remedies: ClassVar[Mapping[int, str]] = {
        **REMEDIES,
        404: f"check {ADDRESS}, which ends before /audio/speech, and the model in the voice's name",
    }
    remedy = "see docs/spoken_tasks.md"

    def _read(self, body: bytes, text: str) -> Mapping[str, Any]:
        if body[:1] in (b"{", b"<", b""):
            raise UsageError(f"{self.url} gave no sound: {self._told(text)}; does it speak {FORMAT}?")
        return {"audio": body}


@voice_engine("openai-tts")
class OpenAITTS:
    """A server with OpenAI's /audio/speech: MODEL/VOICE, such as gpt-4o-mini-tts/alloy (extra `api`); costs money but on this machine.

    The address is taken from OPENAI_BASE_URL, the key from OPENAI_API_KEY and nowhere else. A server may say the same words a little
    differently each time: what it said first is kept.
    """

    parallel = True

    def __init__(self) -> None:
        self._url, host, self._local = address(os.environ.get(ADDRESS) or DEFAULT_URL)
        self._host = host
        self.costs = not self._local
        self.version = f"audio/speech of {host}"

    @cached_property
    def _client(self) -> SpeechClient:
        # made when something is asked, so that clips from the cache need no key
        return SpeechClient(f"{self._url}/audio/speech", key_of_server(None, self._host, self._local), Limits(), self._local)

    def synthesize(self, text: str, voice: str, *, speed: float = 1.0, pitch: float = 1.0, seed: int = 0) -> Speech:
        """Say `text`; see `VoiceEngine.synthesize`. It takes no seed, and its pitch cannot be changed."""
        require_sayable(text)
        refuse_pitch("openai-tts", pitch)
        model, _, name = voice.rpartition("/")
        if not model or not name:
            raise UsageError(f"voice 'openai-tts:{voice}' is no MODEL/VOICE; write for example openai-tts:gpt-4o-mini-tts/alloy")
        body = {"model": model, "voice": name, "input": text, "response_format": FORMAT, "speed": speed}
        ((_, said),) = self._client.complete([body])
        clip = clip_from_bytes(lambda: said.plain["audio"], f"the answer of {self._host}")
        return Speech(decode(clip, clip.sampling_rate), clip.sampling_rate)
