"""`lsgap verify`: a line per guard, advice where one failed, the exit status."""

from __future__ import annotations

import json

import pytest

from lsgap_bench import verification
from lsgap_bench.cli import main
from lsgap_bench.resources import DEMO_MODEL
from lsgap_bench.verification import Finding

Out = pytest.CaptureFixture[str]
FOUND = [
    Finding("prompts", True, "'<s>' + text or '<audio>' + '<e>'"),
    Finding("hears the clip", False, "silence changes the logits by 0.0e+00", "the waveform does not reach the model"),
    Finding("answers, batch = one by one", None, "not tried", "verify in float32"),
]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What is found of any model; the test may change it."""
    findings = list(FOUND)
    monkeypatch.setattr(verification, "verify", lambda model, items: findings)
    return findings


def test_every_guard_has_a_line_and_a_failed_one_its_advice_and_exit_status_1(found: list[Finding], capsys: Out) -> None:
    assert main(["verify", str(DEMO_MODEL), "--device", "cpu"]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("demo_model, Qwen2AudioForConditionalGeneration, float32, on cpu\n")
    rows = {line[8:37].strip(): line.partition(" ")[0] for line in shown.splitlines() if line[:8].strip()}
    assert {name: rows[name] for name in ("prompts", "hears the clip", "answers, batch = one by one")} == {
        "prompts": "passed",
        "hears the clip": "FAILED",
        "answers, batch = one by one": "-",
    }
    assert "the waveform does not reach the model" in shown
    assert "1 guard failed" in shown
    assert max(map(len, shown.splitlines())) <= 110


def test_what_could_not_be_tried_is_no_failure(found: list[Finding], capsys: Out) -> None:
    found.pop(1)
    assert main(["verify", str(DEMO_MODEL), "--device", "cpu"]) == 0
    assert capsys.readouterr().out.endswith("Nothing speaks against measuring this model.\n")


def test_as_json_it_holds_the_system_and_every_finding(found: list[Finding], capsys: Out) -> None:
    assert main(["verify", str(DEMO_MODEL), "--device", "cpu", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["system"]["name"] == "demo_model"
    assert said["findings"] == [vars(finding) for finding in FOUND]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "pretrained=nowhere cannot be loaded as a speech language model"),
        ([str(DEMO_MODEL), "--model", "hf-speeech"], "did you mean 'hf-speech'"),
        ([str(DEMO_MODEL), "--model_args", "wings=2"], "--model_args: "),
        ([], "required: MODEL"),
    ],
)
def test_bad_input_is_said_in_one_line(arguments: list[str], said: str, capsys: Out) -> None:
    assert main(["verify", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lsgap: ")
    assert said in line
