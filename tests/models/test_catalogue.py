"""The catalogue has exactly the architectures that are tested, and no half-filled row."""

from __future__ import annotations

import re

import pytest
from tiny_architectures import BUILDERS
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from lsgap_bench.models.catalogue import CATALOGUE
from lsgap_bench.models.quirks import QUIRKS

OWN = "whisper_llm"  # ours: published nowhere


def test_every_architecture_of_the_tests_has_a_row_and_no_other_has() -> None:
    assert CATALOGUE.keys() == {*BUILDERS, "qwen2_audio", "qwen2_5_omni"}


def test_every_quirk_is_of_an_architecture_in_the_catalogue() -> None:
    assert {name.removesuffix("_thinker") for name in QUIRKS} <= CATALOGUE.keys()


@pytest.mark.parametrize("kind", [kind for kind in CATALOGUE if kind != OWN])
def test_a_row_is_of_a_model_type_of_transformers_and_names_checkpoints(kind: str) -> None:
    assert kind in CONFIG_MAPPING_NAMES
    published = CATALOGUE[kind]
    assert published.hub_ids
    assert all(re.fullmatch(r"[\w-]+/[\w.-]+", one) for one in published.hub_ids)


@pytest.mark.parametrize("kind", list(CATALOGUE))
def test_where_the_adapter_limits_clips_the_catalogue_says_the_same(kind: str) -> None:
    limit = QUIRKS[kind].max_seconds if kind in QUIRKS else None
    assert limit in (None, CATALOGUE[kind].longest)


def test_an_architecture_that_wants_another_package_says_so() -> None:
    assert "peft" in CATALOGUE["phi4_multimodal"].needs
    assert all(CATALOGUE[kind].needs for kind, quirk in QUIRKS.items() if quirk.lora or quirk.mistral_common)
