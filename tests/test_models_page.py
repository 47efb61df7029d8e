"""The page of models says what the catalogue and the quirks say, all of it."""

from __future__ import annotations

from pathlib import Path

import demo_run
import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.models.catalogue import CATALOGUE
from lsgap_bench.models.quirks import QUIRKS, Quirk
from lsgap_bench.models_page import models_section, peculiarities, renewed
from lsgap_bench.verification import embedded_items, verify

PAGE = Path(__file__).parents[1] / "docs" / "models.md"


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_the_catalogue_says() -> None:
    assert renewed(page(), "docs/models.md") == page(), "run python -m lsgap_bench.models_page"


@pytest.mark.parametrize("kind", list(CATALOGUE))
def test_a_row_shows_every_fact(kind: str) -> None:
    published = CATALOGUE[kind]
    (row,) = [line for line in models_section().splitlines() if line.startswith("|") and f"(`{kind}`)" in line]
    facts = [published.name, *published.hub_ids, published.licence, f"{published.rate:g}", published.trained_for, published.needs]
    assert all(fact in row for fact in facts)
    assert published.remark in models_section()


@pytest.mark.parametrize("kind", list(QUIRKS))
def test_every_quirk_that_a_reader_would_notice_is_told(kind: str) -> None:
    assert peculiarities(QUIRKS[kind]) or QUIRKS[kind] == Quirk(max_seconds=QUIRKS[kind].max_seconds)


def test_nothing_is_told_of_an_architecture_without_quirks() -> None:
    assert peculiarities(Quirk()) == []


def test_a_clip_that_is_heard_alone_is_told_of_leaky_encoders_only() -> None:
    leaky = {kind for kind, quirk in QUIRKS.items() if any("one by one" in phrase for phrase in peculiarities(quirk))}
    assert leaky == {"qwen3_omni_moe_thinker", "gemma3n", "granite_speech", "phi4_multimodal"}


def test_a_page_without_its_marks_is_refused_with_the_marks() -> None:
    with pytest.raises(UsageError, match=r"notes\.md lacks the line '<!-- models: begin"):
        renewed("text", "notes.md")


def test_the_page_names_every_guard_of_verify_in_its_order() -> None:
    model = demo_run.model()
    told = page().partition("| guard |")[2].partition("\n\n")[0].splitlines()[2:]
    assert [line.split("|")[1].strip() for line in told] == [found.name for found in verify(model, embedded_items(model)[:1])]
