"""What an observation depends on: everything that can change it, and nothing else, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsgap_bench import __version__
from lsgap_bench.interventions import controls, patching
from lsgap_bench.interventions import functional as interventions_functional
from lsgap_bench.metrics import functional, layer_pair, words
from lsgap_bench.partners import Partners
from lsgap_bench.registry import code_hash, interventions, metrics
from lsgap_bench.schema import Condition, Item

SHARED_CODE = code_hash(functional, layer_pair, words, interventions_functional, patching)
"""Of the arithmetic that the plug-ins only carry: when it changes, no old observation may be taken for a new one."""
CONTROL_CODE = code_hash(controls)


@dataclass(frozen=True)
class Asked:
    """One item under one condition. seed: of the run. choices: those not at their defaults that decide what a model gives.

    variant: what decides a variant's waveform. scored: whether the model scores an item's options, instead of writing an answer.
    """

    item: Item
    condition: Condition
    partners: Partners
    seed: int
    choices: Mapping[str, str] = field(default_factory=dict)
    scored: bool = True
    variant: Mapping[str, Any] = field(default_factory=dict)


def decisive(asked: Asked, fingerprint: str, metric_names: Sequence[str]) -> Mapping[str, Any]:
    """The parts of an observation's key, as JSON types. fingerprint: the model's. metric_names: what plain speech is measured with."""
    item, condition = asked.item, asked.condition
    parts: dict[str, Any] = {
        "version": __version__,
        "item": item.id,
        "model": fingerprint,
        "condition": condition.name,
        "text": item.text,
        "system": item.system,
        "options": item.options,
    }
    if not (item.options and asked.scored):
        parts["generation"] = vars(item.generation)
        parts["sampling_seed"] = asked.seed if item.generation.do_sample else None
    return {**parts, **_spoken(asked, metric_names)} if condition.modality == "speech" else parts


def _spoken(asked: Asked, metric_names: Sequence[str]) -> dict[str, Any]:
    condition, partners = asked.condition, asked.partners
    parts: dict[str, Any] = {"clip": asked.item.clip.sha256}
    if condition.name == "speech" and metric_names:
        parts["metrics"] = {"shared": SHARED_CODE, **{name: metrics[name].code for name in metric_names}}
        if asked.item.words:
            parts["words"] = [(span.start, span.end) if span else None for span in asked.item.words]
        if "final_norm" in asked.choices:
            parts["final_norm"] = asked.choices["final_norm"]
        parts["partners"] = [(p.text, p.system) if p else None for p in (partners.other_task, partners.same_task)]
    if condition.clip == "other":
        parts["other"] = partners.clip_donor.clip.sha256 if partners.clip_donor else None
    if asked.variant:
        parts["variant"] = dict(asked.variant)
    return {**parts, **_edited(asked)} if condition.intervention else parts


def _edited(asked: Asked) -> dict[str, Any]:
    condition, control = asked.condition, controls.BY_NAME[asked.condition.control]
    drawn = str(condition.selection).startswith("random") or control.handed is not None
    parts: dict[str, Any] = {
        "intervention": [SHARED_CODE, interventions[str(condition.intervention)].code],
        "seed": asked.seed if drawn else None,
    }
    if asked.choices:  # at the defaults there is no such part, so that the observations of older runs keep their keys
        parts["choices"] = dict(asked.choices)
    if condition.control:  # likewise
        text = asked.partners.text_of(control.text, asked.item)
        parts["control"] = [CONTROL_CODE, (text.id, text.text, text.system) if text else None]
    return parts
