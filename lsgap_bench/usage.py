"""What the requests to a server took: tokens, tries, time and cost of all whose answers a record uses, also after a resumed run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lsgap_bench.schema import COMPANIONS, Observation, Pair

MILLION = 1e6
TOKENS = ("prompt_tokens", "completion_tokens", "audio_tokens")
Prices = Mapping[str, float]
"""`input`, `output`, `audio_input` -> USD per million tokens, as far as they were given."""


def usage_of(pairs: Iterable[Pair], prices: Mapping[str, Prices]) -> dict[str, dict[str, Any]]:
    """`lslm`, `base`, `cascade` -> the totals of its requests, for those that were asked over a network.

    A request that several observations share counts once, in the first system that used it. prices: of each system.
    """
    requests: dict[str, tuple[str, Observation]] = {}
    for pair in pairs:
        for condition, seen in pair.observations.items():
            if seen.usage:
                requests.setdefault(seen.usage["request"], (condition if condition in COMPANIONS else "lslm", seen))
    found: dict[str, list[Observation]] = {}
    for system, seen in requests.values():
        found.setdefault(system, []).append(seen)
    return {system: _totals(of, prices.get(system, {})) for system, of in found.items()}


def prices_of(system: Mapping[str, Any], systems: Mapping[str, Any]) -> dict[str, Prices]:
    """System -> its prices, from what a record says of it."""
    base = systems.get("base") or systems.get("cascade", {}).get("base", {})
    return {"lslm": system.get("prices", {}), **dict.fromkeys(COMPANIONS, base.get("prices", {}))}


def usage_warnings(usage: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a reader must know: logprobs that were asked for and did not come."""
    return [
        f"{system}: logprobs were asked for, and {of['without_logprobs']} of {of['requests']} answers came without: these were read freely"
        for system, of in usage.items()
        if of.get("without_logprobs")
    ]


def usage_lines(usage: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Totals in words, a line per system."""
    return [_line(system, of) for system, of in usage.items()]


def _totals(seen: Sequence[Observation], prices: Prices) -> dict[str, Any]:
    each = [one.usage for one in seen]
    asked_logprobs = [of["logprobs"] for of in each if "logprobs" in of]
    counts = {name: total([of.get(name) for of in each]) for name in TOKENS}
    missing = sum(of.get("prompt_tokens") is None or of.get("completion_tokens") is None for of in each)
    cost, why = cost_of(counts, prices)
    return {
        "requests": len(each),
        "tries": sum(of["tries"] for of in each),
        "seconds": round(sum(of["seconds"] for of in each), 1),
        **counts,
        **({"tokens_why": f"{missing} of {len(each)} answers came without token counts"} if missing else {}),
        "cut_at_length": sum(of.get("finish_reason") == "length" for of in each),
        "withheld": sum(one.absent is not None for one in seen),
        **({"without_logprobs": asked_logprobs.count(False)} if asked_logprobs else {}),
        "served_by": dict(Counter(of["served_by"] for of in each if "served_by" in of)),
        "cost": {"value": cost, "unit": "USD", "prices": dict(prices), **({"why": why} if why else {})},
    }


def total(counts: Sequence[int | None]) -> int | None:
    """Of all counts; None where one is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def cost_of(counts: Mapping[str, int | None], prices: Prices) -> tuple[float | None, str | None]:
    """(USD, None), or (None, why). counts: of TOKENS."""
    prompt, completion, audio = (counts[name] for name in TOKENS)
    if "input" not in prices or "output" not in prices:
        return None, "no prices were given (price_input, price_output)"
    if prompt is None or completion is None:
        return None, "the server did not tell all token counts"
    if "audio_input" in prices and audio is None:
        return None, "the server did not tell how many tokens are audio, which have a price of their own"
    if audio and "audio_input" not in prices:
        return None, f"{audio} of the tokens are audio, and no price_audio_input was given"
    dear = audio or 0
    parts = (prompt - dear) * prices["input"] + dear * prices.get("audio_input", 0.0) + completion * prices["output"]
    return round(parts / MILLION, 6), None


def cost_in_words(cost: Mapping[str, Any]) -> str:
    """A `cost` entry of a record: its value, or a dash and why there is none."""
    return f"cost - ({cost['why']})" if cost["value"] is None else f"cost {cost['value']:.4f} USD"


def _line(system: str, of: Mapping[str, Any]) -> str:
    again = of["tries"] - of["requests"]
    audio = "" if of["audio_tokens"] is None else f" ({of['audio_tokens']} of them audio)"
    known = of["prompt_tokens"] is not None and of["completion_tokens"] is not None
    tokens = f"{of['prompt_tokens']} tokens asked{audio}, {of['completion_tokens']} answered" if known else f"tokens - ({of['tokens_why']})"
    parts = [f"{of['requests']} requests", *([f"tried again {again} times"] if again else []), tokens]
    parts += [f"cut at their limit {of['cut_at_length']}"] if of["cut_at_length"] else []
    return f"{system}: {', '.join(parts)}, {cost_in_words(of['cost'])}"
