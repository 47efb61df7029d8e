"""`chat-api`: any model behind an OpenAI-compatible chat completions server, hosted or one's own; it answers and shows nothing else."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import Content, Prefill, Reply
from lsgap_bench.models.answers_only import AnswersOnly
from lsgap_bench.models.chat_arguments import (
    DEFAULT_URL,
    TOKEN_FIELDS,
    address,
    key_of_server,
    limits,
    number,
    omitted,
    one_of,
    prices,
    refuse_keys,
)
from lsgap_bench.models.chat_client import ChatClient
from lsgap_bench.models.chat_reply import reply_of
from lsgap_bench.models.loading import digest
from lsgap_bench.registry import model as model_adapter
from lsgap_bench.schema import Generation
from lsgap_bench.speech.clips import encode

TOP_LOGPROBS = 20
CLIP = "<clip>"
"""What stands for a clip in the prompts of a record."""


@model_adapter("chat-api")
class ChatAPI(AnswersOnly):
    """A model behind an OpenAI-compatible server (`/chat/completions`), asked with `input_audio` or text; answers only.

    model: its name there. base_url: up to /v1. key_env: the environment variable that holds the key (default OPENAI_API_KEY, on loopback
    none; `none` sends none). concurrency: requests at once, at most a batch. timeout: seconds. retries, backoff: tries after a failure, and
    seconds before the first. requests_per_minute: at most. logprobs: score options by the first token. sampling_rate: Hz, of the WAV that
    is sent. max_seconds: of a clip. max_tokens_field: max_tokens or max_completion_tokens. omit: temperature, seed or temperature+seed.
    price_input, price_output, price_audio_input: USD per million tokens. key, api_key: refused, for a key has no place on a command line.
    """

    def __init__(
        self,
        model: str,
        base_url: str = DEFAULT_URL,
        key_env: str | None = None,
        concurrency: int = 8,
        timeout: float = 300,
        retries: int = 6,
        backoff: float = 1,
        requests_per_minute: float | None = None,
        logprobs: bool = False,
        sampling_rate: int = 16_000,
        max_seconds: float | None = None,
        max_tokens_field: str = "max_tokens",
        omit: str = "",
        price_input: float | None = None,
        price_output: float | None = None,
        price_audio_input: float | None = None,
        key: object = None,
        api_key: object = None,
    ) -> None:
        refuse_keys(key, api_key)
        self.served, self.base_url, self._host, local = str(model), *address(base_url)
        self.name = self.served.rstrip("/").rpartition("/")[2]
        self.sampling_rate = int(number("sampling_rate", sampling_rate, 8000))
        self.max_seconds = None if max_seconds is None else number("max_seconds", max_seconds, 0.1)
        self._field = one_of("max_tokens_field", max_tokens_field, TOKEN_FIELDS)
        self._omit = omitted(omit)
        if not isinstance(logprobs, bool):
            raise UsageError(f"logprobs={logprobs} is neither true nor false; write one of the two")
        self._logprobs = logprobs
        self._prices = prices(input=price_input, output=price_output, audio_input=price_audio_input)
        allowed = limits(concurrency, timeout, retries, backoff, requests_per_minute)
        self._client = ChatClient(f"{self.base_url}/chat/completions", key_of_server(key_env, self._host, local), allowed, local)

    @property
    def info(self) -> Mapping[str, Any]:
        """The `system` entry of a record. What the weights are, and in which dtype, a server does not tell."""
        unknown = dict.fromkeys(("revision", "backbone", "dtype", "parameters"))
        named = {"name": self.name, "kind": "lslm", "pretrained": f"{self._host}/{self.served}", "architecture": "chat completions"}
        asked = {"base_url": self.base_url, "device": "the server's", "logprobs": self._logprobs, "sampling_rate": self.sampling_rate}
        return {**named, **unknown, **asked, "omitted": sorted(self._omit), "prices": dict(self._prices)}

    @property
    def fingerprint(self) -> str:
        """Of everything that is known and can change an answer."""
        sent = (self._field, ",".join(sorted(self._omit)), str(self._logprobs), str(self.sampling_rate))
        return digest("chat-api", self.base_url, self.served, *sent)

    def prompt(self, content: Content, system: str | None) -> str:
        """The messages as JSON, each of the user's contents by its words alone, a clip by CLIP."""
        shown = [
            {**turn, "content": content if isinstance(content, str) else CLIP} if turn["role"] == "user" else turn
            for turn in self._turns("", system)
        ]
        return json.dumps(shown, ensure_ascii=False)

    def replies(
        self, prefill: Prefill, settings: Sequence[Generation], seeds: Sequence[int], options: Sequence[Sequence[str]]
    ) -> Iterator[tuple[int, Reply]]:
        """See `AnswersOnly.replies`: the requests of a batch go side by side."""
        asked = self.asked(prefill)
        bodies = [self.body(*of, setting, seed) for of, setting, seed in zip(asked, settings, seeds, strict=True)]
        for row, completion in self._client.complete(bodies):
            usage = {"request": uuid.uuid4().hex[:16], "tries": completion.tries, "seconds": round(completion.seconds, 3)}
            yield row, reply_of(completion.plain, options[row], self._logprobs, usage)

    def body(self, content: Content, system: str | None, settings: Generation, seed: int) -> dict[str, Any]:
        """What is sent. Nothing but the one part of the user's content depends on the modality."""
        fields: dict[str, Any] = {"model": self.served, "messages": self._turns(content, system), self._field: settings.max_new_tokens}
        fields["temperature"] = (1.0 if settings.temperature is None else settings.temperature) if settings.do_sample else 0
        fields["seed"] = seed % 2**31 if settings.do_sample else 0
        if settings.top_p is not None:
            fields["top_p"] = settings.top_p
        if settings.until:
            fields["stop"] = list(settings.until)
        if self._logprobs:
            fields |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
        return {name: value for name, value in fields.items() if name not in self._omit}

    def _turns(self, content: Content, system: str | None) -> list[dict[str, Any]]:
        part = {"type": "text", "text": content} if isinstance(content, str) else {"type": "input_audio", "input_audio": self._wav(content)}
        turns: list[dict[str, Any]] = [{"role": "user", "content": [part]}]
        return [{"role": "system", "content": system}, *turns] if system else turns

    def _wav(self, wave: Any) -> dict[str, str]:
        return {"data": base64.b64encode(encode(wave, self.sampling_rate, "wav")).decode(), "format": "wav"}
