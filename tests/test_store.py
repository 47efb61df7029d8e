from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import demo_run
import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.run import evaluate
from lsgap_bench.schema import Observation
from lsgap_bench.store import FILES, check_writable, key_of, open_store

FILE = FILES[Observation]

CURVES = {"pooled_cosine": {"matched": (0.5, math.nan), "other_task": (0.25, 0.125), "same_task": (math.nan, math.nan)}}


def seen(item: str = "t/1", answer: str = "a", **changes: Any) -> Observation:
    return Observation(item, "speech", answer, "prompt", 3, "0" * 16, **changes)


def kept(folder: Path, *observations: Observation) -> None:
    with open_store(folder, resume=True) as store:
        store.add((o.item, o) for o in observations)


def test_what_is_added_is_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    first = seen(option_logprobs=(-0.1, -1 / 3), option_tokens=(1, 2), replaced=2.5, partners={"same_task": "t/2"})
    kept(tmp_path, first)
    with open_store(tmp_path, resume=True) as store:
        assert store["t/1"] == first
        assert "t/1" in store
        assert "t/2" not in store


def test_absent_values_are_null_on_disk_and_nan_again_when_read(tmp_path: Path) -> None:
    kept(tmp_path, seen(curves=CURVES))
    line = json.loads((tmp_path / FILE).read_text().splitlines()[0])
    assert line["curves"]["pooled_cosine"]["matched"] == [0.5, None]
    with open_store(tmp_path, resume=True) as store:
        assert math.isnan(store["t/1"].curves["pooled_cosine"]["matched"][1])
        assert store["t/1"].curves["pooled_cosine"]["other_task"] == (0.25, 0.125)


def test_an_observation_is_on_disk_before_the_store_is_closed(tmp_path: Path) -> None:
    with open_store(tmp_path, resume=True) as store:
        store.add([("k", seen())])
        assert json.loads((tmp_path / FILE).read_text())["answer"] == "a"


@pytest.mark.parametrize("cut", [1, 30, -1])
def test_a_line_cut_short_is_ignored_and_the_next_one_stands_on_its_own(tmp_path: Path, cut: int) -> None:
    kept(tmp_path, seen("t/1"), seen("t/2"))
    whole = (tmp_path / FILE).read_text()
    first = whole.splitlines()[0] + "\n"
    (tmp_path / FILE).write_text(first + whole[len(first) :].rstrip("\n")[:cut])
    with open_store(tmp_path, resume=True) as store:
        assert len(store) == 1
        store.add([("t/3", seen("t/3"))])
    with open_store(tmp_path, resume=True) as store:
        assert store["t/1"] == seen("t/1")
        assert store["t/3"] == seen("t/3")
        assert len(store) == 2


def test_a_line_separator_inside_an_answer_does_not_end_the_line(tmp_path: Path) -> None:
    odd = seen(answer="one\u2028two\u0085three\nfour")
    kept(tmp_path, odd)
    with open_store(tmp_path, resume=True) as store:
        assert store["t/1"] == odd


@pytest.mark.parametrize("line", ['{"key": "k", "from": "the future"}', '{"no": "key"}', "7", "[]", "null", "\x00\x00"])
def test_a_line_of_another_version_is_made_again(tmp_path: Path, line: str) -> None:
    kept(tmp_path, seen("t/1"))
    with (tmp_path / FILE).open("a") as file:
        file.write(line + "\n")
    with open_store(tmp_path, resume=True) as store:
        assert len(store) == 1


def test_a_field_that_is_not_known_makes_the_line_unusable_and_no_other(tmp_path: Path) -> None:
    kept(tmp_path, seen("t/1"))
    future = {"key": "t/2", **seen("t/2").to_dict(), "mood": "good"}
    with (tmp_path / FILE).open("a") as file:
        file.write(json.dumps(future) + "\n")
    with open_store(tmp_path, resume=True) as store:
        assert "t/1" in store
        assert "t/2" not in store


def test_without_resume_the_store_starts_afresh(tmp_path: Path) -> None:
    kept(tmp_path, seen("t/1"))
    with open_store(tmp_path, resume=False) as store:
        assert len(store) == 0
        store.add([("t/2", seen("t/2"))])
    with open_store(tmp_path, resume=True) as store:
        assert "t/1" not in store
        assert "t/2" in store


def test_the_last_of_two_lines_with_one_key_counts(tmp_path: Path) -> None:
    kept(tmp_path, seen(answer="a"))
    kept(tmp_path, seen(answer="b"))
    with open_store(tmp_path, resume=True) as store:
        assert store["t/1"].answer == "b"


def test_without_a_folder_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store(None, resume=True) as store:
        store.add([("k", seen())])
        assert store["k"] == seen()
    assert not list(tmp_path.iterdir())


def test_a_key_depends_on_every_part_and_not_on_their_order() -> None:
    assert key_of(a=1, b="x") == key_of(b="x", a=1)
    assert len({key_of(a=1), key_of(a=2), key_of(b=1), key_of(a="1"), key_of(a=[1]), key_of(a=None)}) == 6


def test_a_folder_below_a_file_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UsageError, match=r"output_path .* cannot be written .*choose another"):
            check_writable(folder)
        with pytest.raises(UsageError, match=r"output_path .* cannot be written .*choose another"), open_store(folder, resume=True):
            pass
    check_writable(tmp_path / "new" / "run")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# -------------------------------------------------------------------------------------------------- a real run, killed


TASKS = ("lsgap_mini_opposites", "lsgap_mini_numbers")
CONDITIONS = ("text", "speech", demo_run.INTERVENTION)
COMMAND = [
    *(sys.executable, "-m", "lsgap_bench", "run", "--tasks", ",".join(TASKS), "--conditions", ",".join(CONDITIONS), "--limit", "8"),
    *("--metrics", "pooled_cosine", "--batch_size", "2", "--device", "cpu", "--output_path", "run"),
]


def lines(run: Path) -> int:
    file = run / FILE
    return file.read_bytes().count(b"\n") if file.is_file() else 0


@pytest.mark.slow
def test_a_run_killed_in_the_middle_goes_on_and_gives_the_same_record(tmp_path: Path) -> None:
    run, root = tmp_path / "run", Path(demo_run.__file__).parents[1]
    where: dict[str, Any] = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}}
    with subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **where) as killed:
        while lines(run) < 12:
            assert killed.poll() is None, "the run ended before it could be killed"
            time.sleep(0.005)
        killed.send_signal(signal.SIGKILL)
    left = lines(run)
    assert not (run / "record.json").exists()

    same: dict[str, Any] = {
        "tasks": TASKS,
        "conditions": CONDITIONS,
        "limit": 8,
        "metrics": ["pooled_cosine"],
        "batch_size": 2,
        "device": "cpu",
    }
    whole = evaluate(**same)
    resumed = evaluate(**same, output_path=run)
    made_by_hand = len(TASKS) * 8 * (len(CONDITIONS) + 2)  # all 16 items are canary items
    assert left < made_by_hand
    records = [json.loads((run / "record.json").read_text(encoding="utf-8")), json.loads(json.dumps(whole.to_dict()))]
    for record in records:
        del record["provenance"]["started"], record["provenance"]["seconds"]
    assert records[0] == records[1]
    half_a_batch = 2 * (len(CONDITIONS) + 2) + 1  # what was cut off is made again, after a blank line
    assert made_by_hand < lines(run) <= made_by_hand + half_a_batch
    assert resumed.folder == run
