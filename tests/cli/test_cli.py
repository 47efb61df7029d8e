"""`lsgap` as a person meets it: help, lists, validation, and what stays unloaded until it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from made_tasks import spoken_rows, write_task

from lsgap_bench import __version__
from lsgap_bench.cli import main
from lsgap_bench.cli.arguments import names, pairs
from lsgap_bench.registry import metrics
from lsgap_bench.resources import DEMO_RECOGNIZER

Out = pytest.CaptureFixture[str]


def test_help_and_lists_of_tasks_load_neither_torch_nor_lm_eval() -> None:
    code = (
        "import sys, lsgap_bench.cli as c\n"
        "try: c.main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "assert c.main(['ls', 'tasks']) == 0\n"
        "print({'torch', 'lm_eval', 'transformers', 'datasets', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_without_a_command_the_help_is_shown_and_the_status_is_2(capsys: Out) -> None:
    assert main([]) == 2
    shown = capsys.readouterr().err
    for command in ("run", "ls", "validate", "leaderboard"):
        assert f"\n    {command}" in shown


def test_the_version_is_the_packages_own(capsys: Out) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"lsgap-bench {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "invalid choice: 'frobnicate' (choose from"),
        (["ls", "taks"], "invalid choice: 'taks'"),
        (["run", "--limit"], "argument --limit: expected one argument; see `lsgap run --help`"),
        (["leaderboard", "add"], "the following arguments are required: RUN"),
    ],
)
def test_wrong_usage_ends_with_one_line_and_status_2(capsys: Out, arguments: list[str], said: str) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lsgap: ")
    assert said in line


@pytest.mark.parametrize(
    ("what", "some"),
    [
        ("tasks", {"lsgap_mini", "lsgap_mini_days"}),
        ("models", {"hf-speech", "hf-text"}),
        ("recognizers", {"hf-asr", "pocketsphinx"}),
        ("metrics", {"alignment_path_score", "modality_gap"}),
        ("interventions", {"angle_projection", "identity"}),
        ("voices", {"espeak", "flite"}),
    ],
)
def test_a_list_holds_what_there_is_as_a_table_and_as_json(capsys: Out, what: str, some: set[str]) -> None:
    assert main(["ls", what, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    found = {row.get("name") or row["engine"] for row in rows}
    assert some <= found
    assert all(row.values() for row in rows if what != "tasks")  # every plug-in says what it is
    assert main(["ls", what]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in found)


def test_every_fact_of_the_metrics_page_is_listed_within_110_columns(capsys: Out) -> None:
    assert main(["ls", "metrics"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 110
    paragraphs = {part.split()[0]: " ".join(part.split()) for part in shown.strip().split("\n\n")}
    for name in metrics:
        facts = metrics[name]
        for fact in (facts.unit, facts.bounds, facts.direction, facts.summary, facts.formula, facts.null, facts.pitfalls, facts.source):
            assert " ".join(fact.split()) in paragraphs[name]


def test_the_interventions_are_listed_with_their_controls_in_a_line_below_and_the_json_holds_plug_ins_alone(capsys: Out) -> None:
    assert main(["ls", "interventions"]) == 0
    below = capsys.readouterr().out.splitlines()[-1]
    assert "=wrong_transcript (" in below
    assert "=random_direction (" in below
    assert main(["ls", "interventions", "--json"]) == 0
    assert "wrong_transcript" not in {row["name"] for row in json.loads(capsys.readouterr().out)}


def test_the_scorers_are_listed_with_how_to_name_a_metric_of_evaluate_in_a_line_below(capsys: Out) -> None:
    assert main(["ls", "scorers"]) == 0
    assert "evaluate:NAME[KEY]" in capsys.readouterr().out.splitlines()[-1]


def test_protocols_are_listed_with_every_choice_its_values_and_where_the_paper_fixes_it(capsys: Out) -> None:
    assert main(["ls", "protocols", "--json"]) == 0
    ours, paper = json.loads(capsys.readouterr().out)
    assert (ours["name"], ours["metrics"], paper["name"], paper["tasks"]) == ("lsgap", [], "emnlp2025", ["emnlp2025"])
    layers = {"name": "layers", "values": ["1..L", "0..L", "1..L-1"], "default": "1..L", "paper": "section 4"}
    for row, fixed in ((ours, False), (paper, True)):
        (found,) = [choice for choice in row["choices"] if choice["name"] == "layers"]
        assert {key: found[key] for key in (*layers, "fixed")} == layers | {"fixed": fixed}
    assert main(["ls", "protocols"]) == 0
    table = capsys.readouterr().out
    assert all(choice["name"] in table for choice in ours["choices"])
    assert max(map(len, table.splitlines())) <= 114


def test_a_users_tasks_and_tags_are_listed_beside_the_shipped_ones(capsys: Out, tmp_path: Path) -> None:
    write_task(tmp_path, tag="mine")
    assert main(["ls", "tasks", "--json", "--include_path", str(tmp_path)]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["made"] == {"name": "made", "kind": "task", "answers": "generate_until", "items": None, "scorer": "", "file": "made.yaml"}
    assert rows["mine"]["answers"] == "1 tasks"
    assert rows["lsgap_mini"]["kind"] == "group"
    assert (rows["lsgap_mini"]["items"], rows["lsgap_mini_days"]["items"], rows["mine"]["items"]) == (1000, 100, None)


def test_validation_ends_with_0_when_all_is_well_and_with_2_and_a_line_per_problem_when_not(capsys: Out, tmp_path: Path) -> None:
    assert main(["validate", "lsgap_mini_numbers_flite"]) == 0
    assert "1 task, 0 problems" in capsys.readouterr().out
    rows = spoken_rows(4)
    rows[0]["question"] = rows[3]["answer"] = ""
    write_task(tmp_path, rows)
    assert main(["validate", "made", "--include_path", str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert "1 task, 2 problems" in shown.out
    first, second, warning = shown.err.splitlines()
    assert warning.startswith("lsgap: warning: ")
    assert "made item 0: doc_to_text gives no words" in first
    assert "made item 3: doc_to_target gives nothing" in second


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--max_wer", "0.3"], "--recognizer_args and --max_wer do nothing without a recognizer; add --recognizer NAME"),
        (["--recognizer", "hf-asrr"], "no recognizer is called 'hf-asrr'; did you mean 'hf-asr'?"),
        (["--recognizer", "hf-asr", "--max_wer", "much"], "--max_wer 'much' is no number above 0"),
        (["--max_seconds", "-1"], "--max_seconds '-1' is no number above 0"),
    ],
)
def test_a_wrong_option_of_the_validation_is_refused_before_any_task_is_read(capsys: Out, options: list[str], said: str) -> None:
    assert main(["validate", "lsgap_mini", *options]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1
    assert shown.out == ""


def test_a_validation_says_what_it_has_not_looked_at_and_a_recognizer_gives_the_table_its_word_error_rate(capsys: Out) -> None:
    assert main(["validate", "lsgap_mini_numbers_flite"]) == 0
    assert "Not checked: the prompts that a model makes of them (--model NAME), whether clips say their words" in capsys.readouterr().out
    heard = ["--recognizer", "hf-asr", "--recognizer_args", f"pretrained={DEMO_RECOGNIZER}", "--device", "cpu"]
    assert main(["validate", "lsgap_mini_numbers_flite", *heard]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].split()[-1] == "WER"
    assert 0 <= float(shown.splitlines()[2].split()[-1]) < 1
    assert "whether clips" not in shown


def test_names_and_pairs_are_read_from_one_argument() -> None:
    assert names(" a, b,,c ") == ["a", "b", "c"]
    given = "a=1,b=-0.5,c=true,d=False,e=x=y,f=007,g=12ab,h=1e5,i="
    assert pairs(given, "--x") == {"a": 1, "b": -0.5, "c": True, "d": False, "e": "x=y", "f": "007", "g": "12ab", "h": "1e5", "i": ""}
