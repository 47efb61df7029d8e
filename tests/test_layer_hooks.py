"""A plug-in that fails, or gives what it must not, is named in one line, and nothing of it becomes a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import demo_run
import pytest
import torch

from lsgap_bench.errors import UsageError
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.registry import intervention as register_intervention
from lsgap_bench.registry import interventions, metric, metrics, scorers


@pytest.fixture
def only_here() -> Iterator[None]:
    """What a test registers is gone after it."""
    kept = [(registry, dict(registry._found)) for registry in (metrics, interventions, scorers) if list(registry) is not None]
    yield
    for registry, found in kept:
        registry._found.clear()
        registry._found.update(found)


def observed_with(compute: Callable[..., Any]) -> None:
    metric("planted", needs="states", unit="cosine", higher_is_better=True)(compute)
    demo_run.observe(demo_run.items(2), demo_run.plan("text", "speech", metrics=["planted"]))


def edited_with(edit: Callable[..., Any]) -> None:
    register_intervention("planted")(edit)
    demo_run.observe(demo_run.items(2), demo_run.plan("text", "speech", "speech+planted:all@0"))


@pytest.mark.usefixtures("only_here")
@pytest.mark.parametrize(
    ("compute", "said"),
    [
        (
            lambda layer: layer.pooled_speech,
            r"metric 'planted' gave a tensor of shape \(\d+, 160\) at layer 0; it must give a tensor of shape",
        ),
        (lambda layer: 1.0, "metric 'planted' gave a float"),
        (lambda layer: layer.pooled_spech, r"metric 'planted' failed at layer 0 \(AttributeError"),
    ],
)
def test_a_metric_that_is_wrong_is_named_with_what_it_gave(compute: Callable[..., Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        observed_with(compute)


@pytest.mark.usefixtures("only_here")
@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            lambda speech, text: (speech + text).mean(0),
            r"intervention 'planted' gave a tensor of shape \(160,\); it must give finite states",
        ),
        (lambda speech, text: speech * float("nan"), "not all of it finite"),
        (lambda speech, text: torch.linalg.inv(speech), "intervention 'planted' failed"),
    ],
)
def test_an_intervention_that_is_wrong_is_named_with_what_it_gave(edit: Callable[..., Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        edited_with(edit)


@pytest.mark.usefixtures("only_here")
def test_memory_that_runs_out_inside_a_plugin_makes_the_batches_smaller_and_not_the_plugin_wrong() -> None:
    rows: list[int] = []

    def hungry(layer: LayerPair) -> torch.Tensor:
        rows.append(len(layer.text_mask))
        if len(layer.text_mask) > 3:  # an item has three texts: its own and its two partners'
            raise torch.cuda.OutOfMemoryError("out of memory")
        return layer.pooled_text.norm(dim=-1)

    observed_with(hungry)
    assert max(rows) > 3
    assert min(rows) == 3


def test_a_metric_that_needs_what_there_is_not_is_refused_when_it_is_defined() -> None:
    with pytest.raises(UsageError, match="needs='sates' is not known; write states, paths, logits, blocks, answers, systems"):
        metric("planted", needs="sates", unit="cosine", higher_is_better=True)(lambda layer: None)
    assert "planted" not in metrics
