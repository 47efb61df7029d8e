"""What a run is to be rescored by: names are resolved, what needs the model and what would overwrite a run is refused, in one line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.protocols import PROTOCOLS
from lsgap_bench.records import RECORD
from lsgap_bench.rescoring_request import Request, Source, read_source, request_for

SCORES = {"numbers": {"text": [1, 1, 0], "speech": [1, 0, 0]}, "days": {"text": [1, 1], "speech": [0, 1]}}
USUAL = PROTOCOLS["lsgap"].settled({})


@pytest.fixture
def run(tmp_path: Path, make_run: Callable[..., Path]) -> Path:
    return make_run(tmp_path / "run", SCORES)


def asked(
    source: Source, scorer: Any = None, choices: dict[str, Any] | None = None, protocol: str | None = None, out: Path | None = None
) -> Request:
    return request_for(source, scorer, choices or {}, protocol, out)


def test_a_run_is_known_by_the_hash_of_its_record(run: Path) -> None:
    source = read_source(run)
    assert source.sha256 == hashlib.sha256((run / RECORD).read_bytes()).hexdigest()
    assert source.items == []  # none were kept
    assert source.choices == USUAL


def test_one_name_stands_for_every_task_and_pairs_for_some(run: Path) -> None:
    source = read_source(run)
    assert asked(source, "exact").scorers == {"numbers": "exact", "days": "exact"}
    assert asked(source, {"days": "choice"}).scorers == {"days": "choice"}
    assert asked(source).scorers == {}


def test_the_result_goes_beside_the_run_unless_a_folder_is_given(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(read_source(run)).out == tmp_path / "run-rescored"
    assert asked(read_source(run), out=tmp_path / "x").out == tmp_path / "x"
    monkeypatch.chdir(run)
    assert asked(read_source(Path())).out == tmp_path / "run-rescored"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"scorer": "exakt"}, "no scorer is called 'exakt'; did you mean 'exact'?"),
        ({"scorer": {"dayz": "exact"}}, "no task is called 'dayz'; did you mean 'days'?"),
        ({"scorer": "evaluate:./none_such"}, "'evaluate:./none_such' is not there"),
        ({"choices": {"layer": "1..L"}}, "did you mean 'layers'?"),
        ({"choices": {"layers": "all"}}, "choice layers=all: write 1..L"),
        ({"choices": {"path": "euclidean"}}, "path=euclidean needs the model"),
        ({"choices": {"shared_position": "last"}}, "use `lsgap run --choice shared_position=last`"),
        ({"protocol": "emnlp"}, "did you mean 'emnlp2025'?"),
        ({"protocol": "emnlp2025"}, "protocol emnlp2025 has pooled_euclidean, alignment_path_score_euclidean, "),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(run: Path, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        asked(read_source(run), **arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def provenance_of(choices: dict[str, str], name: str = "lsgap") -> dict[str, Any]:
    return {"protocol": {"name": name, "choices": {**USUAL, **choices}, "deviations": []}}


def test_what_is_not_named_stays_as_in_the_run(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    source = read_source(make_run(tmp_path / "run", SCORES, provenance=provenance_of({"path": "euclidean", "layers": "0..L"})))
    assert asked(source).choices == {**USUAL, "path": "euclidean", "layers": "0..L"}
    assert asked(source, choices={"layers": "1..L"}).choices == {**USUAL, "path": "euclidean"}
    with pytest.raises(UsageError, match="path=cosine needs the model"):
        asked(source, choices={"path": "cosine"})


def test_a_run_under_the_papers_protocol_keeps_its_choices_until_another_protocol_is_named(
    tmp_path: Path, make_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = read_source(make_run(tmp_path / "run", SCORES, provenance=provenance_of({}, "emnlp2025")))
    monkeypatch.setattr("lsgap_bench.rescoring_request._refuse_other_metrics", lambda *given: None)  # a made-up run has two of them
    with pytest.raises(UsageError, match=r"protocol emnlp2025 fixes layers=1\.\.L"):
        asked(source, choices={"layers": "0..L"})
    freed = asked(source, choices={"layers": "0..L"}, protocol="lsgap")
    assert (freed.rules.name, freed.choices["layers"]) == ("lsgap", "0..L")
    assert freed.answer_metrics is None
    assert asked(source).answer_metrics == ["modality_gap"]


def test_neither_the_run_itself_nor_another_one_is_overwritten(run: Path, tmp_path: Path, make_run: Callable[..., Path]) -> None:
    source = read_source(run)
    with pytest.raises(UsageError, match="is the run itself, which is kept as it is"):
        asked(source, out=run / ".." / "run")
    other = make_run(tmp_path / "other", SCORES)
    with pytest.raises(UsageError, match="other holds another run; choose another --output_path"):
        asked(source, out=other)
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "observations.jsonl").write_text("")
    with pytest.raises(UsageError, match="begun holds a run that is not finished"):
        asked(source, out=tmp_path / "begun")
    mine = make_run(tmp_path / "mine", SCORES, provenance={"rescored_from": source.sha256})
    assert asked(source, out=mine).out == mine


def test_a_folder_without_a_finished_run_is_refused(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match=r"record\.json: no record can be read"):
        read_source(tmp_path)
    with pytest.raises(UsageError, match="no paired task was run"):
        read_source(make_run(tmp_path / "plain", SCORES, tasks={}))
