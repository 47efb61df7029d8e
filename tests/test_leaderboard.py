"""The leaderboard: records are re-derived before they are added, checked in their folder, and escaped on the page."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.layer_chart import layer_chart
from lsgap_bench.leaderboard import add, build, check, file_name
from lsgap_bench.leaderboard_page import COLUMNS, best_intervention, boards, page, table
from lsgap_bench.records import read_record
from lsgap_bench.schema import (
    ConditionResult,
    Estimate,
    GapSplit,
    InterventionResult,
    OtherScores,
    PValue,
    Record,
    Representation,
    absent,
)

SCORES = {
    "sizes": {"text": [1, 1, 1, 1], "speech": [1, 1, 1, 0], "speech+angle_projection:bottom3@0": [1, 1, 1, 1]},
    "days": {"text": [1, 1, 0, 0], "speech": [1, 0, 0, 0], "speech+angle_projection:bottom3@0": [1, 0, 0, 0]},
}
EVIL = "<script>alert(1)</script>"
SYSTEM = {"name": "demo", "kind": "lslm", "pretrained": "x", "revision": "abc", "dtype": "float32", "parameters": 1_300_000}


def system(**changes: Any) -> dict[str, Any]:
    return {**SYSTEM, **changes}


def edit(path: Path, *keys: str, to: Any) -> None:
    """Change one value of a record on disk."""
    plain = json.loads(path.read_text())
    part = plain
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = to
    path.write_text(json.dumps(plain))


class Page(HTMLParser):
    """Boards as rows of data-value, with what a test wants to count."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.boards: list[list[list[str]]] = []
        self.names: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self.tags.append((tag, facts))
        if facts.get("class") == "board":
            self.boards.append([])
        if tag in ("th", "td") and "data-value" in facts:
            if tag == "th":
                self.boards[-1].append([])
            self.boards[-1][-1].append(str(facts["data-value"]))
        self._in.append("name" if facts.get("class") == "name" else tag)

    def handle_data(self, data: str) -> None:
        if self._in and self._in[-1] == "name":
            self.names.append(data)
            self._in[-1] = ""
        if self._in and self._in[-1] == "script":
            self.scripts.append(data)
            self._in[-1] = ""


# --- add


def test_an_honest_run_is_added_as_it_was_written(make_run, tmp_path) -> None:
    run = make_run(tmp_path / "run", SCORES)
    path = add(run, tmp_path / "records")
    assert path == tmp_path / "records" / "demo_float32.json"
    assert json.loads(path.read_text()) == json.loads((run / "record.json").read_text())
    assert check(tmp_path / "records") == []
    assert [p.name for p in (tmp_path / "records").iterdir()] == ["demo_float32.json"]


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("tasks", "sizes", "scores", "speech", "value"), 76.0),
        (("tasks", "sizes", "chance"), 0.2),
        (("tasks", "days", "interventions", "speech+angle_projection:bottom3@0", "recovered"), 3),
        (("overall", "gap", "value"), 24.999),
        (("overall", "representation", "pooled_cosine", "above_null", "same_task", "high"), 0.9),
        (("groups", "mini", "scores", "text", "n"), 80),
    ],
)
def test_a_number_that_the_samples_do_not_give_is_refused_by_name(make_run, tmp_path, keys, value) -> None:
    run = make_run(tmp_path / "run", SCORES)
    edit(run / "record.json", *keys, to=value)
    with pytest.raises(UsageError, match=re.escape(".".join(keys)) + f".* is {value}") as refused:
        add(run, tmp_path / "records")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "records").exists()


def test_a_changed_sample_is_refused(make_run, tmp_path) -> None:
    run = make_run(tmp_path / "run", SCORES)
    rows = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    next(row for row in rows if row["condition"] == "speech")["score"] = 0.0
    (run / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(UsageError, match="its samples give"):
        add(run, tmp_path / "records")


def test_a_difference_below_rounding_is_no_difference(make_run, tmp_path) -> None:
    run = make_run(tmp_path / "run", SCORES)
    edit(run / "record.json", "tasks", "sizes", "scores", "speech", "value", to=75.0 * (1 + 1e-12))
    assert add(run, tmp_path / "records").exists()


@pytest.mark.parametrize("missing", ["record.json", "samples.jsonl", "layers.parquet"])
def test_an_unfinished_run_is_refused(make_run, tmp_path, missing) -> None:
    run = make_run(tmp_path / "run", SCORES)
    (run / missing).unlink()
    with pytest.raises(UsageError, match=r"finished run|lsgap run"):
        add(run, tmp_path / "records")


def test_a_task_without_samples_is_refused_in_one_line(make_run, tmp_path) -> None:
    run = make_run(tmp_path / "run", SCORES)
    plain = json.loads((run / "record.json").read_text())
    plain["tasks"]["made_up"] = plain["tasks"]["sizes"]
    (run / "record.json").write_text(json.dumps(plain))
    with pytest.raises(UsageError):
        add(run, tmp_path / "records")


def test_the_same_system_and_tags_replace_their_record(make_run, tmp_path) -> None:
    add(make_run(tmp_path / "a", SCORES), tmp_path / "records")
    better = {task: {**conditions, "speech": conditions["text"]} for task, conditions in SCORES.items()}
    path = add(make_run(tmp_path / "b", better), tmp_path / "records")
    assert json.loads(path.read_text())["overall"]["gap"]["value"] == 0
    assert len(list((tmp_path / "records").iterdir())) == 1


@pytest.mark.parametrize(
    "changes", [{"system": system(revision="other")}, {"system": system(name="DEMO")}], ids=["another revision", "another spelling"]
)
def test_another_system_of_the_same_file_name_is_refused(make_run, tmp_path, changes) -> None:
    first = add(make_run(tmp_path / "a", SCORES, system=SYSTEM), tmp_path / "records")
    before = first.read_bytes()
    with pytest.raises(UsageError, match=r"another system.*--tag"):
        add(make_run(tmp_path / "b", SCORES, **changes), tmp_path / "records")
    assert first.read_bytes() == before


def test_the_same_system_on_other_tasks_does_not_silently_replace_a_record(make_run, tmp_path) -> None:
    add(make_run(tmp_path / "a", SCORES), tmp_path / "records")
    with pytest.raises(UsageError, match="other tasks"):
        add(make_run(tmp_path / "b", {"sizes": SCORES["sizes"]}), tmp_path / "records")


@pytest.mark.parametrize(
    ("name", "tags", "expected"),
    [
        ("Qwen/Qwen2-Audio 7B", {}, "qwen-qwen2-audio-7b_float32.json"),
        ("../../etc/passwd", {}, "etc-passwd_float32.json"),
        ("demo", {"step": 2000, "run": "a"}, "demo_float32_run-a_step-2000.json"),
        (".hidden", {"../x": "/y"}, "hidden_float32_x--y.json"),
        ("模型", {}, "float32.json"),
        (EVIL, {}, "script-alert-1-script_float32.json"),
    ],
)
def test_a_file_name_is_plain_and_never_a_path(make_record, name, tags, expected) -> None:
    found = file_name(make_record({"sizes": SCORES["sizes"]}, system=system(name=name), tags=tags))
    assert found == expected
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*\.json", found)


def test_a_very_long_name_still_makes_a_file(make_record) -> None:
    assert len(file_name(make_record({"sizes": SCORES["sizes"]}, system=system(name="x" * 900)))) < 200


# --- check


@pytest.fixture
def published(make_run, tmp_path) -> Path:
    """One record in a folder of records."""
    return add(make_run(tmp_path / "run", SCORES), tmp_path / "records")


@pytest.mark.parametrize(
    ("keys", "value", "problem"),
    [
        (("schema",), 7, "no record of schema 1"),
        (("checks",), None, "'checks' is missing"),
        (("tasks",), {}, "'tasks' is empty"),
        (("system",), {"name": "demo"}, "'system.dtype' is missing"),
        (("provenance",), {}, "'provenance.seed' is missing"),
        (("overall", "tasks"), ["nowhere"], "which is not in 'tasks'"),
        (("overall", "gap", "n"), None, "overall.gap has no n"),
        (("overall", "gap", "n"), 0, "overall.gap has no n"),
        (("overall", "gap", "low"), 99.0, "does not hold its value"),
        (("overall", "gap", "low"), None, "overall.gap has no interval"),
        (("overall", "gap", "value"), None, "neither a value nor a reason"),
        (("overall", "gap", "value"), "12", "no number"),
        (("system", "name"), "renamed", "is called renamed_float32.json"),
    ],
)
def test_check_finds_what_is_wrong_and_names_the_file(published, keys, value, problem) -> None:
    edit(published, *keys, to=value)
    found = check(published.parent)
    assert any(line.startswith(f"{published}: ") and problem in line for line in found), found
    with pytest.raises(UsageError):
        build(published.parent, published.parent / "site")


def test_check_survives_a_file_that_is_no_json(published) -> None:
    published.write_text("{")
    assert len(check(published.parent)) == 1


def test_check_needs_a_folder(tmp_path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        check(tmp_path / "nowhere")


# --- build


def test_build_writes_both_files_and_nothing_else(published, tmp_path) -> None:
    markdown, html = build(published.parent, tmp_path / "site")
    assert (markdown.name, html.name) == ("leaderboard.md", "index.html")
    assert sorted(p.name for p in (tmp_path / "site").iterdir()) == ["index.html", "leaderboard.md"]


def test_build_without_records_says_how_to_add_one(tmp_path) -> None:
    with pytest.raises(UsageError, match="lsgap leaderboard add RUN"):
        build(tmp_path, tmp_path / "site")


@pytest.fixture
def evil(make_record) -> Record:
    """A record that tries to break out wherever it may write text."""
    return make_record(
        SCORES,
        system=system(name=EVIL, dtype='"><img src=x onerror=alert(2)>'),
        tags={"</script>": "'\"><svg onload=alert(3)>"},
        checks={"warnings": ["</span><script>alert(4)</script>"], "silence": {"note": EVIL, "passed": False}},
        provenance={"command": "</pre><script>alert(5)</script>", "settings": {"x": "</script><script>alert(6)</script>"}},
    )


def test_nothing_that_a_record_says_becomes_html(evil) -> None:
    html = page([evil])
    found = Page(html)
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert "alert(" not in "".join(found.scripts)
    assert not [facts for _, facts in found.tags if any(key.startswith("on") for key in facts)]
    assert found.names == [EVIL]
    assert "<img" not in html


def test_the_page_asks_for_nothing_outside_itself(make_record, evil) -> None:
    found = Page(page([make_record(SCORES), evil]))
    linked = [facts[key] for _, facts in found.tags for key in ("src", "href") if key in facts]
    assert linked == ["data:,"]
    assert not re.search(r"@import|url\(|fetch\(|https?://", page([make_record(SCORES)]))


def test_the_board_shows_the_record_s_numbers(make_record) -> None:
    # text: (100 + 50) / 2; speech: (75 + 25) / 2; gain: (25 + 0) / 2; levels .8 - .6; no check failed
    row = Page(page([make_record(SCORES, system=SYSTEM)])).boards[0][0]
    values = dict(zip([column.label for column in COLUMNS], row, strict=True))
    assert (values["Model"], values["dtype"]) == ("demo", "float32")
    numbers = {key: float(values[key]) for key in ("Parameters", "Tasks", "Text", "Speech", "Gap", "APS above null", "Best gain", "Checks")}
    assert list(numbers.values()) == pytest.approx([1_300_000, 8, 75, 50, 25, 0.2, 12.5, 0])


def test_rows_are_sorted_by_speech_score_without_javascript(make_record) -> None:
    worse = {task: {**conditions, "speech": [0, 0, 0, 0]} for task, conditions in SCORES.items()}
    unheard = {task: {"text": conditions["text"]} for task, conditions in SCORES.items()}
    records = [
        make_record(scores, system=system(name=name)) for name, scores in {"unheard": unheard, "worse": worse, "better": SCORES}.items()
    ]
    found = Page(page(records))
    assert [row[0] for row in found.boards[0]] == ["better", "worse", "unheard"]
    assert found.boards[0][2][5] == ""
    assert [facts["aria-sort"] for _, facts in found.tags if "aria-sort" in facts] == ["descending"]


def test_every_column_is_sorted_by_a_button(make_record) -> None:
    tags = [tag for tag, _ in Page(page([make_record(SCORES)])).tags]
    assert tags.count("button") == len(COLUMNS)


def test_different_tasks_or_versions_stand_in_different_tables(make_record) -> None:
    record = make_record(SCORES)
    newer = dataclasses.replace(record, tasks={name: dataclasses.replace(task, version="2.0") for name, task in record.tasks.items()})
    html = page([record, newer, make_record({"sizes": SCORES["sizes"]})])
    assert [len(board) for board in Page(html).boards] == [1, 1, 1]
    assert "days 1.0, sizes 1.0" in html
    assert "days 2.0, sizes 2.0" in html


def test_a_run_on_fewer_items_is_marked_beside_its_name(make_record) -> None:
    half = {task: {c: values[:2] for c, values in conditions.items()} for task, conditions in SCORES.items()}
    html = page([make_record(SCORES), make_record(half, system=system(name="half"))])
    assert html.count("4 items only; another system here was asked 8") == 1


def test_a_failed_check_stands_below_the_row_and_is_seen_without_a_click(make_record) -> None:
    html = page([make_record(SCORES, checks={"silence": {"n": 8, "bit_equal": 8, "passed": False, "note": "the model is deaf"}})])
    seen = html[html.index('<span class="name">') : html.index("<details>")]
    assert seen.count("the model is deaf") == 1


def test_controls_are_no_best_intervention(make_record) -> None:
    names = ["speech+identity:all@0", "speech+angle_projection:random3@0", "speech+angle_projection:bottom3@0"]
    scores = {"sizes": {"text": [1, 1, 1], "speech": [0, 0, 0], names[0]: [1, 1, 1], names[1]: [1, 1, 0], names[2]: [1, 0, 0]}}
    found = best_intervention(make_record(scores))
    assert found is not None
    assert found[0] == names[2]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_the_markdown_is_a_table_of_equal_rows_and_holds_no_html(make_record, evil) -> None:
    piped = make_record(SCORES, system=system(name="a|b\nc `d` [e](http://x) _f_ g_h"))
    lines = [line for line in table([piped, evil]).splitlines() if line.startswith("|")]
    assert {len(cells(line)) for line in lines} == {len(COLUMNS)}
    assert len(lines) == 4
    assert cells(lines[2])[0].startswith("&lt;script&gt;")
    assert cells(lines[3])[0] == r"a\|b c \`d\` [e\](http\://x) \_f\_ g_h"
    assert cells(lines[3])[4].startswith("75.0 [")
    assert "<" not in table([piped, evil])


BESIDE_SCORES = {"sizes": {"base": [1, 1, 1, 1], "cascade": [1, 1, 0, 0]}, "days": {"base": [1, 1, 1, 0], "cascade": [0, 0, 0, 0]}}


def test_base_and_cascade_stand_in_the_models_one_row_and_only_where_somebody_ran_them(make_record) -> None:
    four = make_record({task: {**scores, **BESIDE_SCORES[task]} for task, scores in SCORES.items()}, system=system(name="four"))
    found = Page(page([four, make_record(SCORES)]))
    (board,) = boards([four, make_record(SCORES)])
    labels = [column.label for column in board.columns]
    assert labels[6:12] == ["Gap", "Base", "Cascade", "Erosion", "Recovery", "WER"]
    rows = {row[0]: dict(zip(labels, row, strict=True)) for row in found.boards[0]}
    values = [float(rows["four"][label]) for label in labels[4:11]]
    assert values == pytest.approx([75, 50, 25, 87.5, 25, 12.5, 50 / 87.5])
    assert [rows["demo"][label] for label in labels[7:11]] == [""] * 4
    assert [tag for tag, _ in found.tags].count("button") == len(labels)
    lines = [cells(line) for line in table([four, make_record(SCORES)]).splitlines() if line.startswith("|")]
    assert {len(line) for line in lines} == {len(labels)}
    demo = next(line for line in lines if line[0].startswith("demo"))
    assert demo[7:11] == ["- this system was not run"] * 4
    assert [column.label for column in boards([make_record(SCORES)])[0].columns] == [column.label for column in COLUMNS]


def test_a_record_from_before_base_and_cascade_is_still_read(published) -> None:
    plain = json.loads(published.read_text())
    for part in (plain["overall"], *plain["groups"].values()):
        for key in ("base", "cascade", "erosion", "recovery"):
            del part[key]
    del plain["systems"]
    published.write_text(json.dumps(plain))
    assert check(published.parent) == []
    assert read_record(published).overall.base.why == "this system was not run"


# --- layer curves


def representation(values: list[float]) -> Representation:
    return Representation(absent("x"), {}, {}, values, {}, {"matched": [(v, v) for v in values]}, "cosine")


def test_a_curve_is_drawn_to_scale() -> None:
    chart = layer_chart("m", representation([0.0, 0.5, 1.0]))
    assert chart is not None
    (curve,) = chart.series
    (x0, y0), (x1, y1), (x2, y2) = curve.dots
    assert (x1 - x0, y1 - y0) == pytest.approx((x2 - x1, y2 - y1), abs=0.02)
    ticks = {label: at for at, label in chart.y_ticks}
    assert (ticks["0.0"], ticks["1.0"]) == pytest.approx((y0, y2))
    assert [label for _, label in chart.x_ticks] == ["0", "1", "2"]


def test_a_layer_without_value_leaves_a_hole_in_the_curve() -> None:
    chart = layer_chart("m", representation([0.1, 0.2, float("nan"), 0.3, 0.4]))
    assert chart is not None
    assert chart.series[0].line.count("M") == 2
    assert chart.series[0].band.count("Z") == 2


def test_a_metric_without_layers_has_no_chart() -> None:
    assert layer_chart("m", representation([0.7])) is None


@pytest.mark.parametrize("values", [[0.5, 0.5], [0.0, 0.0], [-3e-9, 2e-9], [1e6, 2e6]])
def test_curves_of_any_scale_stay_inside_the_drawing(values: list[float]) -> None:
    chart = layer_chart("m", representation(values))
    assert chart is not None
    assert all(44 <= x <= 292 and 10 <= y <= 152 for x, y in chart.series[0].dots)
    assert len({label for _, label in chart.y_ticks}) == len(chart.y_ticks) >= 2


def test_a_metric_without_any_value_has_no_drawing() -> None:
    assert layer_chart("m", representation([float("nan")] * 3)) is None


def test_the_page_shows_what_other_scorers_make_of_the_answers_and_the_gap_as_a_sum(make_run: Any, tmp_path: Path) -> None:
    record = read_record(make_run(tmp_path / "run", SCORES) / "record.json")
    read = {"text": Estimate(61.5, 50.0, 70.0, 4), "speech": Estimate(51.5, 40.0, 60.0, 4)}
    other = OtherScores(read, Estimate(10.25), PValue(0.5, "made up"), {"text": 0.125, "speech": math.nan})
    split = GapSplit(Estimate(7.5), Estimate(1.5), Estimate(2.5), Estimate(3.5), absent("not counted", "WER"))
    sizes = dataclasses.replace(record.tasks["sizes"], other_scorers={f"robust{EVIL}": other}, split=split)
    overall = dataclasses.replace(record.overall, other_scorers={"robust": other}, split=split)
    shown = page([dataclasses.replace(record, tasks={**record.tasks, "sizes": sizes}, overall=overall)])
    assert EVIL not in shown
    words = re.sub(r"<[^>]+>|\s+", " ", shown).split()
    assert {"61.5", "51.5", "10.2", "0.500", "12.5"} <= set(words)
    assert " ".join(words).count("sizes 7.5 1.5 2.5 3.5 -") == " ".join(words).count("Overall 7.5 1.5 2.5 3.5 -") == 1  # no WER


def test_the_page_shows_what_was_tested_for_tasks_means_and_conditions(make_record: Any) -> None:
    record = make_record(SCORES)
    condition = ConditionResult("speech", Estimate(61.5), Estimate(-10.25), PValue(0.0313, "sign flip"), 3, 7, p_holm=0.0626)
    edit = InterventionResult(Estimate(62.5), Estimate(11.25), PValue(0.0404, "McNemar"), 8, 1, 2.0, p_holm=0.0808)
    overall = dataclasses.replace(
        record.overall,
        p_value=PValue(0.0123, "means"),
        conditions={"speech=fast": condition},
        interventions={"speech+angle_projection:all@0": edit},
    )
    shown = page([dataclasses.replace(record, overall=overall)])
    words = " ".join(re.sub(r"<[^>]+>|\s+", " ", shown).split())
    assert "speech=fast 61.5 speech -10.2 0.031 0.063 3 7" in words
    assert "speech+angle_projection:all@0 62.5 +11.2 0.040 0.081 8 1" in words
    assert re.search(r"Overall \d+ .* 0\.012", words)
    assert {'title="sign flip"', 'title="McNemar"', 'title="means"'} <= set(re.findall(r'title="[^"]*"', shown))


def test_the_page_of_a_plain_run_has_neither(make_run: Any, tmp_path: Path) -> None:
    shown = page([read_record(make_run(tmp_path / "run", SCORES) / "record.json")])
    assert "under other scorers" not in shown
    assert "The gap as a sum" not in shown
