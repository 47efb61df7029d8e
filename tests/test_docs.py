"""The pages beside the code: what they point to is there, and the findings' numbers are those of the tables that lie beside them."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"\]\(([^)#\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    found = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in found if not (page.parent / link).exists()] == []


def test_the_findings_page_shows_the_gap_of_the_last_checkpoint_of_every_run_as_the_sweep_measured_it() -> None:
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    with (ROOT / "docs" / "sweep" / "checkpoints" / "checkpoints.csv").open(encoding="utf-8") as file:
        last = {row["run"]: row for row in csv.DictReader(file)}  # rows are in the order of the steps
    assert len(last) == 12
    for run, row in last.items():
        shown = next(line for line in page.splitlines() if line.startswith(f"| {run} "))
        cells = [cell.strip() for cell in shown.strip("|").split("|")]
        assert cells[1:4] == [f"{float(row[name]):.1f}" for name in ("text", "speech", "gap")], run
