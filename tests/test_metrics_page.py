"""The page of all metrics says what the plug-ins declare, all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.metrics_page import BEGIN, CHOICES_END, END, choices_section, metrics_section, renewed
from lsgap_bench.protocols import CHOICES, PROTOCOLS
from lsgap_bench.registry import metrics

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"


def test_the_page_is_what_the_plug_ins_declare() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page, "docs/metrics.md") == page, "run python -m lsgap_bench.metrics_page"


@pytest.mark.parametrize("name", list(metrics))
def test_every_metric_declares_all_of_its_facts_and_the_page_shows_them(name: str) -> None:
    metric = metrics[name]
    section = metrics_section().partition(f"### `{name}`\n")[2].partition("\n### ")[0]
    for fact in (metric.formula, metric.unit, metric.bounds, metric.null, metric.source, metric.pitfalls):
        assert fact
        assert fact in section
    assert metric.summary.partition(". Returns")[0] in section
    assert f"{metric.direction} is better" in section or "neither direction is better" in section


def test_a_page_without_its_marks_is_refused_with_the_marks() -> None:
    with pytest.raises(UsageError, match=r"notes\.md lacks the line") as caught:
        renewed(f"text\n{BEGIN}\n", "notes.md")
    assert END in str(caught.value)
    with pytest.raises(UsageError, match=r"notes\.md lacks the line '<!-- choices: begin"):
        renewed(f"text\n{BEGIN}\n{END}\n{CHOICES_END}", "notes.md")


@pytest.mark.parametrize("name", list(CHOICES))
def test_the_page_says_of_every_choice_what_it_can_be_and_what_the_paper_says(name: str) -> None:
    choice = CHOICES[name]
    (line,) = [line for line in choices_section().splitlines() if line.startswith(f"| `{name}` |")]
    for fact in (*(f"`{value}`" for value in choice.values), choice.paper, choice.meaning):
        assert fact in line


def test_the_page_says_what_the_papers_protocol_fixes() -> None:
    paper = choices_section().partition("**`--protocol emnlp2025`**")[2]
    assert all(f"`{name}`" in paper for name in (*PROTOCOLS["emnlp2025"].metrics, *PROTOCOLS["emnlp2025"].conditions))
    assert "sd-qa only" in paper
