"""What a model cannot give: refused before anything runs where it was asked for by name, absent with the reason where it was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import Gift, SpeechLM, gives
from lsgap_bench.registry import REPRESENTATION, metrics
from lsgap_bench.schema import Condition

NO_STATES = "the model gives answers only, no hidden states"
NO_OPTIONS = "the model gives answers only, no loglikelihoods of options"
_REMEDY = "run the model itself, as with --model hf-speech"


def refuse_lacking(model: SpeechLM, conditions: Sequence[Condition], text_tasks: Sequence[str]) -> None:
    """UsageError for the first intervention without hidden states, and for lm-eval's text tasks, which want loglikelihoods."""
    edited = next((c.name for c in conditions if c.intervention), None)
    if edited and not gives(model, "states"):
        raise UsageError(f"condition '{edited}': {NO_STATES} to edit ({model.name}); leave the condition out, or {_REMEDY}")
    if text_tasks and not gives(model, "options"):
        raise UsageError(
            f"{', '.join(text_tasks)} are text tasks of lm-eval, which want loglikelihoods and plain text without a chat template, and "
            f"{model.name} gives answers only; leave them out, or {_REMEDY}"
        )


def refuse_unlike(model: SpeechLM, base: frozenset[Gift], option_tasks: Sequence[str]) -> None:
    """UsageError where of two systems one scores options and the other answers freely: erosion would compare two ways of asking.

    base: what the base gives. option_tasks: those of the run that have options.
    """
    if option_tasks and gives(model, "options") != ("options" in base):
        scoring, writing = (model.name, "the base") if "options" not in base else ("the base", model.name)
        raise UsageError(
            f"{', '.join(option_tasks)}: {scoring} scores the options and {writing} writes an answer, which cannot be compared; choose "
            "tasks with free answers, or a base that is run as the speech model is"
        )


def unmeasured(model: SpeechLM, metric_names: Sequence[str]) -> dict[str, str]:
    """Metric -> why a model has no value of it: those of the representation, and of answers those that read the options' loglikelihoods.

    A model may tell the latter by the way; then there are values, and no reason is needed.
    """
    states = {} if gives(model, "states") else {name: NO_STATES for name in metric_names if metrics[name].needs in REPRESENTATION}
    options = {} if gives(model, "options") else {name: NO_OPTIONS for name in metric_names if metrics[name].reads_options}
    return {**states, **options}


def unmeasured_of(provenance: Mapping[str, Any]) -> Mapping[str, str]:
    """The same of a record."""
    found: Mapping[str, str] = provenance.get("plan", {}).get("unmeasured", {})
    return found
