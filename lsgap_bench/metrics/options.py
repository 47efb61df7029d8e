"""What answer metrics read off the options' loglikelihoods."""

from __future__ import annotations

import math

from lsgap_bench.schema import Pair


def right_margin(pair: Pair, condition: str) -> float:
    """Loglikelihood of the right option minus that of the best wrong one, in nats; NaN without options or without the condition."""
    seen, options = pair.observations.get(condition), list(pair.item.options)
    if seen is None or not seen.option_logprobs or pair.item.target not in options or len(options) < 2:
        return math.nan
    logprobs = list(seen.option_logprobs)
    right = logprobs.pop(options.index(pair.item.target))
    return right - max(logprobs)
