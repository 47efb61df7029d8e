"""The metric `option_margin`."""

from __future__ import annotations

from lsgap_bench.metrics.options import right_margin
from lsgap_bench.registry import metric
from lsgap_bench.schema import Pair


@metric(
    "option_margin",
    needs="answers",
    unit="nats",
    higher_is_better=True,
    source="beyond the paper",
    formula="m(speech) = log p(right option) - max over the wrong ones of log p",
    bounds="unbounded; above 0 the answer is right",
    null="the same with another item's clip (the canary `speech=other`)",
    pitfalls="Summed over an option's tokens, so long options differ by more. Moves where no answer does: a gap of 0 can hide a loss here.",
    absent="no item of this task has options",
    reads_options=True,
)
def option_margin(pair: Pair) -> float:
    """Loglikelihood of the right option minus that of the best wrong one, after the spoken question.

    In nats; NaN for an item without options, or where a form was not run.
    """
    return right_margin(pair, "speech")
