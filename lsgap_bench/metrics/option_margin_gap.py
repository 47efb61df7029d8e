"""The metric `option_margin_gap`."""

from __future__ import annotations

from lsgap_bench.metrics.options import right_margin
from lsgap_bench.registry import metric
from lsgap_bench.schema import Pair


@metric(
    "option_margin_gap",
    needs="answers",
    unit="nats",
    higher_is_better=False,
    source="beyond the paper",
    formula="m(text) - m(speech), with m = log p(right option) - max over the wrong ones of log p",
    bounds="unbounded",
    null="the same with another item's clip (the canary `speech=other`)",
    pitfalls="A model that is sure of everything has large margins and a large gap; read it beside the points.",
    absent="no item of this task has options",
    reads_options=True,
)
def option_margin_gap(pair: Pair) -> float:
    """How much of the right option's margin is lost when the question is spoken.

    In nats; NaN for an item without options, or where a form was not run.
    """
    return right_margin(pair, "text") - right_margin(pair, "speech")
