"""The records that this repository publishes are whole, and are of the tasks that it ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsgap_bench.leaderboard import check
from lsgap_bench.records import read_record
from lsgap_bench.resources import resource
from lsgap_bench.yaml_files import tasks_sha256

RECORDS = Path(__file__).parents[1] / "leaderboard" / "records"
SHIPPED = sorted(RECORDS.glob("*.json"))


def test_every_published_record_passes_the_leaderboards_own_check() -> None:
    assert SHIPPED
    assert check(RECORDS) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_published_record_is_of_the_task_files_that_are_here(path: Path) -> None:
    record = read_record(path)
    files = {f"lsgap_mini_{yaml.stem}": yaml for yaml in (resource("tasks") / "lsgap_mini").glob("*.yaml")}
    assert record.provenance["tasks_sha256"] == tasks_sha256(str(files[name]) for name in record.tasks)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_published_record_names_no_path_of_the_machine_it_was_made_on(path: Path) -> None:
    assert str(Path.home()) not in path.read_text(encoding="utf-8")
