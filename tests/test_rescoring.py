"""A run rescored: the very same numbers under its own rules, known ones under others, and a folder that the leaderboard takes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import demo_run
import numpy as np
import pytest

from lsgap_bench import leaderboard
from lsgap_bench.errors import UsageError
from lsgap_bench.records import ITEMS, RECORD, SAMPLES, read_lines, read_record, read_rows, to_plain, write_text
from lsgap_bench.registry import scorer, scorers
from lsgap_bench.rescoring import Rescored, rescore
from lsgap_bench.schema import Verdict

# the answer of every made-up item is its target, whatever it scored
SCORES = {"numbers": {"text": [1, 1, 0, 0], "speech": [1, 0, 0, 0]}, "days": {"text": [1, 1], "speech": [0, 1]}}
NUMBERS = ("tasks", "groups", "overall", "checks", "system", "systems", "tags")


@pytest.fixture
def run(tmp_path: Path, make_run: Callable[..., Path]) -> Path:
    return make_run(tmp_path / "run", SCORES)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the embedded model, in a folder of its own."""
    folder = demo_run.evaluation().folder
    assert folder is not None
    return Path(shutil.copytree(folder, tmp_path_factory.mktemp("real") / "run"))


@pytest.fixture(scope="module")
def same(real: Path) -> Rescored:
    """The run judged by its own scorers and averaged by its own choices; the run's own folder stays as it was."""
    files = contents(real)
    done = rescore(real, read_record(real / RECORD).provenance["scorers"], {"layers": "1..L"})
    assert contents(real) == files
    return done


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def plain(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return found


# ------------------------------------------------------------------------------------------------ the same rules


def test_under_its_own_scorers_and_choices_a_run_has_the_very_same_numbers(real: Path, same: Rescored) -> None:
    before, after = plain(real), plain(same.folder)
    for part in NUMBERS:
        assert json.dumps(after[part]) == json.dumps(before[part]), part
    for name in (SAMPLES, ITEMS):
        assert (same.folder / name).read_bytes() == (real / name).read_bytes()
    tasks = before["tasks"]
    assert json.dumps(read_rows(same.folder, tasks)) == json.dumps(read_rows(real, tasks))
    assert "exact as before" in same.changed
    assert "0 of " in same.changed


def test_a_rescored_folder_is_a_whole_run_folder_without_the_store(real: Path, same: Rescored) -> None:
    gone = {"observations.jsonl", "blocks.jsonl"}
    assert {path.name for path in same.folder.iterdir()} == {path.name for path in real.iterdir()} - gone
    assert (same.folder / "alignment.svg").read_bytes() == (real / "alignment.svg").read_bytes()
    assert "rescored from" in (same.folder / "log.txt").read_text(encoding="utf-8")


@pytest.mark.usefixtures("drawn")
def test_a_rescored_folder_has_figures_of_its_own(run: Path) -> None:
    kinds = {".png", ".svg"}
    found = {path.name for path in rescore(run, {"days": "choice"}).folder.iterdir() if path.suffix in kinds}
    assert found == {f"{name}{kind}" for name in ("layers", "gap", "length") for kind in kinds}


def test_the_record_says_what_it_was_made_of_and_keeps_what_it_was(real: Path, same: Rescored) -> None:
    before, after = plain(real)["provenance"], plain(same.folder)["provenance"]
    assert after["rescored_from"] == hashlib.sha256((real / RECORD).read_bytes()).hexdigest()
    assert after["original"] == {key: before[key] for key in ("protocol", "scorers")}
    assert after["rescored"]["command"].split()[0] == "lsgap"
    assert all(after[key] == before[key] for key in before)


def test_a_rescored_run_can_be_made_over_and_be_rescored_itself_and_knows_what_it_first_was(run: Path) -> None:
    first = rescore(run, {"days": "choice"})
    over = rescore(run, {"days": "exact"})
    assert over.folder == first.folder
    twice = rescore(over.folder, {"numbers": "exact"})
    assert twice.folder.name == "run-rescored-rescored"
    assert twice.record.provenance["scorers"] == {"days": "exact", "numbers": "exact"}
    assert twice.record.provenance["original"] == {"protocol": None, "scorers": None}
    assert twice.record.overall.gap.value == 0.0


# ------------------------------------------------------------------------------------------------ other rules


def test_another_scorer_gives_the_scores_that_it_must(run: Path) -> None:
    record = rescore(run, "exact").record
    for task in SCORES:
        assert {c: record.tasks[task].scores[c].value for c in ("text", "speech")} == {"text": 100.0, "speech": 100.0}
    assert (record.overall.gap.value, record.groups["mini"].gap.value) == (0.0, 0.0)
    assert record.tasks["numbers"].version == "1.0"


def test_of_some_tasks_only_those_are_judged_anew(run: Path) -> None:
    done = rescore(run, {"days": "exact"})
    assert done.record.tasks["numbers"].gap.value == pytest.approx(25.0)  # 50 - 25, as it was
    assert done.record.tasks["days"].gap.value == 0.0  # was 100 - 50
    assert done.record.overall.gap.value == pytest.approx(12.5)
    assert done.changed == "scorer not recorded -> exact; 1 of 4 answers score otherwise; gap 37.5 -> 12.5 points"
    assert done.record.provenance["scorers"] == {"days": "exact"}


@pytest.fixture
def by_rubric() -> Iterator[None]:
    """A scorer that reads a column of the document."""
    "exact" in scorers  # noqa: B015 - loads the shipped ones first

    @scorer("by_rubric")
    def rule(response: str, item: Any) -> Verdict:
        return Verdict(response, float(item["rubric"]), None, True)

    yield
    del scorers._found["by_rubric"]


@pytest.mark.usefixtures("by_rubric")
def test_a_scorer_sees_the_documents_columns_where_they_were_kept_and_is_told_where_not(run: Path) -> None:
    said = rf"run holds no {ITEMS}, so a scorer sees target, chance .*'by_rubric' failed \(KeyError.*; to judge some tasks only, write"
    with pytest.raises(UsageError, match=said):
        rescore(run, "by_rubric")
    assert not run.with_name("run-rescored").exists()
    samples = read_rows(run, SCORES).samples
    kept = {
        row["item"]: {
            "id": row["item"],
            "options": ["A", "B"],
            "family": "f",
            "fields": {"rubric": 0.25},
            **{key: row[key] for key in ("task", "text", "target", "chance", "cluster")},
        }
        for row in samples
    }
    write_text(run / ITEMS, "".join(json.dumps(row) + "\n" for row in kept.values()))
    record = rescore(run, "by_rubric").record
    assert {task.scores["speech"].value for task in record.tasks.values()} == {25.0}
    assert read_lines(run.with_name("run-rescored") / ITEMS) == list(kept.values())


@pytest.mark.parametrize(("layers", "columns"), [("1..L", slice(1, 5)), ("0..L", slice(0, 5)), ("1..L-1", slice(1, 4))])
def test_a_metrics_mean_is_over_the_layers_that_are_asked_for(run: Path, tmp_path: Path, layers: str, columns: slice) -> None:
    curves = read_rows(run, SCORES).curves
    expected = np.mean(
        [np.mean([row["matched"][columns] for row in curves if (row["task"], row["metric"]) == (t, "pooled_cosine")]) for t in SCORES]
    )
    done = rescore(run, choices={"layers": layers}, output_path=tmp_path / "out")
    assert done.record.overall.representation["pooled_cosine"].value.value == pytest.approx(float(expected))
    assert done.record.overall.gap == read_record(run / RECORD).overall.gap
    assert done.record.provenance["protocol"]["choices"]["layers"] == layers
    assert f"mean over layers {layers}," in done.table()
    usual = "nothing, but that every number was derived anew by this version"
    assert done.changed == (usual if layers == "1..L" else f"layers 1..L -> {layers}")


def test_the_papers_protocol_leaves_its_own_metrics_and_names_what_the_run_did_otherwise(real: Path, tmp_path: Path) -> None:
    done = rescore(real, protocol="emnlp2025", output_path=tmp_path / "paper")
    assert set(done.record.overall.representation) == {
        "pooled_cosine",
        "pooled_euclidean",
        "alignment_path_score",
        "alignment_path_score_euclidean",
        "path_monotonicity",
        "path_monotonicity_euclidean",
        "path_consistency",
    }
    assert set(done.record.overall.answers) == {"modality_gap"}
    before = read_record(real / RECORD)
    assert all(to_plain(of) == to_plain(before.overall.representation[name]) for name, of in done.record.overall.representation.items())
    said = done.record.provenance["protocol"]
    assert said["name"] == "emnlp2025"
    assert said["deviations"] == [
        f"tasks: {', '.join(before.tasks)}",
        f"conditions: text, speech, {demo_run.INTERVENTION}",
        "limit: 6",
    ]
    assert done.changed.startswith("protocol lsgap -> emnlp2025; ")
    assert leaderboard.add(done.folder, tmp_path / "records").exists()


def test_an_older_record_has_the_defaults_and_no_scorers_to_show(run: Path) -> None:
    assert "protocol" not in plain(run)["provenance"]
    done = rescore(run, "exact")
    assert done.record.provenance["original"] == {"protocol": None, "scorers": None}
    assert done.record.provenance["protocol"]["choices"]["layers"] == "1..L"


def test_what_could_not_be_read_counts_anew_under_another_choice_and_back(run: Path, tmp_path: Path) -> None:
    rows = read_rows(run, SCORES).samples
    for row in rows:
        if row["item"] == "numbers/1" and row["condition"] == "text":
            row.update(prediction=None, extracted=False, score=0.25, correct=None)  # 0.25 is its chance
    write_text(run / SAMPLES, "".join(json.dumps(row) + "\n" for row in rows))
    wrong = rescore(run, choices={"unread": "wrong"}, output_path=tmp_path / "wrong")
    assert "1 of 12 answers score otherwise; gap " in wrong.changed
    assert wrong.changed.endswith("unread chance -> wrong")
    # numbers: text 1 + 0 + 0 + 0 of 4 against 1 of 4 in speech; days: 2 of 2 against 1 of 2.
    assert wrong.record.tasks["numbers"].scores["text"].value == 25.0
    assert wrong.record.tasks["days"].gap.value == 50.0
    back = rescore(wrong.folder, choices={"unread": "chance"}, output_path=tmp_path / "back")
    assert back.record.tasks["numbers"].scores["text"].value == 31.25
    assert leaderboard.add(wrong.folder, tmp_path / "records").exists()  # its samples give its numbers


def test_checks_that_verdicts_decide_are_made_anew(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    scores = {"t": {"text": [1] * 8, "speech": [1] * 8, "speech=other": [0] * 8}}
    run = make_run(tmp_path / "run", scores)
    rows = read_rows(run, scores).samples
    for row in rows:
        row["partners"] = {"clip": "t/9"} if row["condition"] == "speech=other" else None
    write_text(run / SAMPLES, "".join(json.dumps(row) + "\n" for row in rows))
    checks = rescore(run, "exact").record.checks
    assert (checks["other_clip"]["score"], checks["other_clip"]["passed"]) == (1.0, False)  # the answer is right under any clip
    assert checks["other_clip"]["note"] in checks["warnings"]
    assert checks["silence"] == plain(run)["checks"]["silence"]


# ------------------------------------------------------------------------------------------------ the folder


def test_both_can_stand_on_a_leaderboard_once_they_are_told_apart(run: Path, tmp_path: Path) -> None:
    records = tmp_path / "records"
    leaderboard.add(run, records)
    done = rescore(run, choices={"layers": "0..L"})
    with pytest.raises(UsageError, match="holds this system under other protocol; tell them apart with --tag KEY=VALUE"):
        leaderboard.add(done.folder, records)
    told = rescore(run, choices={"layers": "0..L"}, tags={"layers": "0..L"})
    leaderboard.add(told.folder, records)
    assert len(list(records.iterdir())) == 2
    assert leaderboard.check(records) == []


def test_a_record_that_says_other_layers_than_it_was_averaged_over_is_refused(run: Path, tmp_path: Path) -> None:
    done = rescore(run, choices={"layers": "0..L"})
    said = plain(done.folder)
    said["provenance"]["protocol"]["choices"]["layers"] = "1..L"
    write_text(done.folder / RECORD, json.dumps(said))
    with pytest.raises(UsageError, match="but its samples give"):
        leaderboard.add(done.folder, tmp_path / "records")


def test_lm_evals_own_scores_of_what_is_judged_anew_are_left_out(run: Path) -> None:
    results = {"results": {"numbers": {"text,none": 0.5}, "days": {"text,none": 1.0}, "mini": {}}, "groups": {"mini": {}}, "versions": {}}
    write_text(run / "results.json", json.dumps(results))
    out = rescore(run, {"days": "exact"}).folder
    assert json.loads((out / "results.json").read_text()) == {"results": {"numbers": {"text,none": 0.5}}, "groups": {}, "versions": {}}
    out = rescore(run, choices={"layers": "0..L"}).folder
    assert json.loads((out / "results.json").read_text()) == results


def test_text_tasks_of_lm_eval_go_with_the_run(run: Path) -> None:
    said = plain(run) | {"text_tasks": {"plain": {"acc,none": 0.5}}}
    write_text(run / RECORD, json.dumps(said))
    line = json.dumps({"task": "plain", "doc_id": 0, "acc": 0.5}) + "\n"
    write_text(run / "text_samples.jsonl", line)
    out = rescore(run, "exact").folder
    assert (out / "text_samples.jsonl").read_text() == line
    assert plain(out)["text_tasks"] == {"plain": {"acc,none": 0.5}}


def test_broken_samples_and_items_are_refused_with_the_folder(run: Path) -> None:
    write_text(run / ITEMS, '{"id": "numbers/0"}\n')
    with pytest.raises(UsageError, match=r"run: samples\.jsonl or items\.jsonl is broken \(KeyError: "):
        rescore(run, "exact")
    (run / ITEMS).unlink()
    rows = [{key: value for key, value in row.items() if key != "answer"} for row in read_rows(run, SCORES).samples]
    write_text(run / SAMPLES, "".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(UsageError, match=r"run: samples\.jsonl or items\.jsonl is broken \(KeyError: 'answer'\)"):
        rescore(run, "exact")
