"""From the JSON of a chat completion to a Reply: the answer's words, why there are none, options by their probabilities, what it took."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lsgap_bench.models.adapter import Reply

WITHHELD = "the server's content filter withheld the answer"


def reply_of(plain: Mapping[str, Any], options: Sequence[str], logprobs: bool, usage: Mapping[str, Any]) -> Reply:
    """The reply that a completion holds. options: of the item, none for a free answer. logprobs: whether they were asked for.

    usage: what is known of the request already. An empty answer is an answer; one that a content filter withheld is absent.
    """
    choice = plain["choices"][0]
    found = {**usage, **_used(plain), "finish_reason": choice.get("finish_reason")}
    first = _first_tokens(choice) if logprobs else {}
    if logprobs:
        found["logprobs"] = bool(first)
    if choice.get("finish_reason") == "content_filter":
        return Reply("", absent=WITHHELD, usage=found)
    scores = option_scores(options, first)
    best = max(scores, default=None, key=lambda option: scores[option])
    every = tuple(scores[option] for option in options) if options and len(scores) == len(options) else ()
    said = _words(choice["message"]).strip()  # as answers of a model that is run here
    if best is None:
        return Reply(said, usage=found)
    return Reply(best, option_logprobs=every, usage={**found, "said": said})


def option_scores(options: Sequence[str], first_tokens: Mapping[str, float]) -> dict[str, float]:
    """Option -> log of the probability that an answer begins as it does, in nats, for those that any of the first tokens begins.

    first_tokens: token as a string -> logprob. A token begins an option that it is the whole of, or two or more letters of, without blanks
    around it and whatever its case. Empty where a token could begin two of the options.
    """
    shares: dict[str, list[float]] = {}
    for token, logprob in first_tokens.items():
        begun = [option for option in options if _begins(token.strip().casefold(), option.strip().casefold())]
        if len(begun) > 1:
            return {}
        for option in begun:
            shares.setdefault(option, []).append(math.exp(logprob))
    return {option: math.log(sum(of)) for option, of in shares.items() if sum(of) > 0}


def _begins(token: str, option: str) -> bool:
    return token == option != "" or (len(token) > 1 and option.startswith(token))


def _words(message: Mapping[str, Any]) -> str:
    """A string, or the text parts of a list; where there is neither, what the model said in refusing, or nothing."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return str(message.get("refusal") or "") if content is None else str(content)


def _used(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Token counts as far as the server tells them, and which model it says has answered."""
    usage = plain.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    details = usage.get("prompt_tokens_details")
    audio = details.get("audio_tokens") if isinstance(details, Mapping) else None
    counts = {"prompt_tokens": usage.get("prompt_tokens"), "completion_tokens": usage.get("completion_tokens"), "audio_tokens": audio}
    known = {name: count for name, count in counts.items() if isinstance(count, int) and not isinstance(count, bool)}
    served = " ".join(str(plain[key]) for key in ("model", "system_fingerprint") if plain.get(key))
    return {**known, **({"served_by": served} if served else {})}


def _first_tokens(choice: Mapping[str, Any]) -> dict[str, float]:
    """The likeliest first tokens of the answer: string -> logprob in nats; empty where the server gives none."""
    try:
        entries = choice["logprobs"]["content"][0]["top_logprobs"]
        return {str(entry["token"]): float(entry["logprob"]) for entry in entries}
    except (LookupError, TypeError, ValueError):
        return {}
