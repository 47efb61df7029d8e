"""What `lsgap verify` finds: nothing on the embedded model, and each fault of an adapter that has it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import demo_run
import numpy as np
import pytest
import torch
from demo_run import Wrapped

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import Batch, Content, LayerHook, Prefill
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.schema import Item
from lsgap_bench.verification import Finding, embedded_items, verify


@pytest.fixture(scope="module")
def tiny(qwen2_audio_folder: Path) -> HFSpeech:
    return HFSpeech(str(qwen2_audio_folder), device="cpu")


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return embedded_items(demo_run.model())


def findings(model: Any, items: Sequence[Item]) -> Mapping[str, Finding]:
    return {finding.name: finding for finding in verify(model, items)}


def test_the_embedded_model_passes_every_guard(items: list[Item]) -> None:
    found = findings(demo_run.model(), items)
    assert len(found) == 8
    assert all(finding.passed and finding.figure and not finding.advice for finding in found.values())
    assert len({item.clip.seconds for item in items}) == len(items) == 3
    assert found["speech positions"].figure.startswith("1 s 17 (1")  # 60 ms a position


class Deaf(Wrapped):
    """Hears silence whatever is played."""

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        quiet = [content if isinstance(content, str) else np.zeros_like(content) for content in contents]
        return self.inner.encode(quiet, systems)  # type: ignore[no-any-return]


class Leaking(Wrapped):
    """Attends to padding."""

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        batch = self.inner.encode(contents, systems)
        return dataclasses.replace(batch, inputs={**batch.inputs, "attention_mask": torch.ones_like(batch.inputs["attention_mask"])})


class Cutting(Wrapped):
    """Cuts clips after two seconds."""

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        return self.inner.encode([c if isinstance(c, str) else c[:32_000] for c in contents], systems)  # type: ignore[no-any-return]


class Talking(Wrapped):
    """Tells the model in one modality only what it is about to hear."""

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        batch = self.inner.encode(contents, systems)
        told = [p if isinstance(c, str) else f"listen: {p}" for p, c in zip(batch.prompts, contents, strict=True)]
        return dataclasses.replace(batch, prompts=told)


class Unhooked(Wrapped):
    """Shows states and goes on with its own."""

    def prefill(self, batch: Batch, hook: LayerHook | None = None) -> Prefill:
        if hook is None:
            return self.inner.prefill(batch)  # type: ignore[no-any-return]

        def show(layer: int, hidden: torch.Tensor) -> None:
            hook(layer, hidden)

        return self.inner.prefill(batch, show)  # type: ignore[no-any-return]


class Rounding(Wrapped):
    """Its hooks hand back states that were rounded on the way."""

    def prefill(self, batch: Batch, hook: LayerHook | None = None) -> Prefill:
        def rounded(layer: int, hidden: torch.Tensor) -> torch.Tensor | None:
            edited = hook(layer, hidden) if hook else None
            return None if edited is None else edited.bfloat16().float()

        return self.inner.prefill(batch, rounded if hook else None)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("model", "faults"),
    [
        (Deaf, {"hears the clip"}),
        (Leaking, {"batch = one by one", "options, batch = one by one"}),
        (Cutting, {"speech positions"}),
        (Talking, {"prompts"}),
        (Unhooked, {"edit of the content"}),
        (Rounding, {"identity edit"}),
    ],
)
def test_each_fault_fails_its_own_guard_with_advice(model: type[Wrapped], faults: set[str], items: list[Item], tiny: HFSpeech) -> None:
    found = findings(model(tiny), items[1:])
    assert {name for name, finding in found.items() if not finding.passed} - {"answers, batch = one by one"} == faults
    assert all(found[name].advice for name in faults)


def test_answers_that_change_places_in_a_batch_are_caught(items: list[Item], tiny: HFSpeech) -> None:
    class Mixed(Wrapped):
        def generate(self, prefill: Any, settings: Any, seeds: Any) -> list[str]:
            return list(reversed(self.inner.generate(prefill, settings, seeds)))

    assert [name for name, found in findings(Mixed(tiny), items[1:]).items() if not found.passed] == ["answers, batch = one by one"]


def test_an_adapter_that_raises_fails_with_what_it_raised_and_the_other_guards_go_on(items: list[Item], tiny: HFSpeech) -> None:
    class Broken(Wrapped):
        def score_options(self, prefill: Any, options: Any) -> Any:
            raise NotImplementedError("no cache to continue")

    found = findings(Broken(tiny), items[1:])
    assert {name for name, finding in found.items() if not finding.passed} == {"options, batch = one by one"}
    assert found["options, batch = one by one"].figure == "NotImplementedError: no cache to continue"


def test_free_answers_of_a_coarse_model_are_not_compared(items: list[Item], tiny: HFSpeech) -> None:
    class Coarse(Wrapped):
        @property
        def info(self) -> Mapping[str, Any]:
            return {**self.inner.info, "dtype": "bfloat16"}

    found = findings(Coarse(tiny), items[1:])["answers, batch = one by one"]
    assert (found.passed, found.figure) == (None, "not tried")
    assert "verify in float32" in found.advice


def test_a_model_that_knows_the_words_of_no_embedded_question_is_refused() -> None:
    class Wordless(Wrapped):
        def unknown_words(self, text: str) -> list[str]:
            return text.split()

    with pytest.raises(UsageError, match="knows the words of no embedded question"):
        embedded_items(Wordless())
