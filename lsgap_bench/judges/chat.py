"""The judge `chat`: a model behind an OpenAI-compatible chat completions server, hosted or one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lsgap_bench.judges import Question, Said
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
from lsgap_bench.registry import judge


@judge("chat")
class ChatJudge:
    """A model behind an OpenAI-compatible server (`/chat/completions`), which sees one prompt per vote.

    model: its name there, pinned (gpt-4o-mini-2024-07-18). base_url: up to /v1. key_env: the environment variable that holds the key
    (default OPENAI_API_KEY, on loopback none; `none` sends none). temperature: of the votes; at 0 they would be one vote said thrice.
    max_tokens: of a reply. max_tokens_field, omit, concurrency, timeout, retries, backoff, requests_per_minute: as for `chat-api`.
    price_input, price_output: USD per million tokens. key, api_key: refused.
    """

    def __init__(
        self,
        model: str,
        base_url: str = DEFAULT_URL,
        key_env: str | None = None,
        temperature: float = 0.5,
        max_tokens: int = 16,
        max_tokens_field: str = "max_tokens",
        omit: str = "",
        concurrency: int = 8,
        timeout: float = 60,
        retries: int = 6,
        backoff: float = 1,
        requests_per_minute: float | None = None,
        price_input: float | None = None,
        price_output: float | None = None,
        key: object = None,
        api_key: object = None,
    ) -> None:
        refuse_keys(key, api_key)
        self.model = str(model)
        self.where, host, local = address(base_url)
        self._omit = omitted(omit)
        asked = {"temperature": number("temperature", temperature, 0)} if "temperature" not in self._omit else {}
        length = {one_of("max_tokens_field", max_tokens_field, TOKEN_FIELDS): int(number("max_tokens", max_tokens, 1))}
        self.sampling: Mapping[str, Any] = {**asked, **length, "seeded": "seed" not in self._omit}
        self.prices = prices(input=price_input, output=price_output)
        self._fields = {"model": self.model, **asked, **length}
        allowed = limits(concurrency, timeout, retries, backoff, requests_per_minute)
        self._client = ChatClient(f"{self.where}/chat/completions", key_of_server(key_env, host, local), allowed, local)

    def replies(self, questions: Sequence[Question]) -> Iterator[tuple[int, Said]]:
        """See `Judge.replies`. A reply that a content filter withheld is empty."""
        for place, done in self._client.complete([self._body(question) for question in questions]):
            reply = reply_of(done.plain, (), False, {"tries": done.tries, "seconds": round(done.seconds, 3)})
            yield place, Said(reply.text, reply.usage)

    def _body(self, question: Question) -> dict[str, Any]:
        """What is sent: nothing but the prompt tells one request from another, beside the seed."""
        seed = {} if "seed" in self._omit else {"seed": question.seed}
        return {**self._fields, **seed, "messages": [{"role": "user", "content": question.prompt}]}
