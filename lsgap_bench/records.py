"""Record <-> disk: the files of a run folder, written whole or not at all, and read back to re-derive every number."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import platform
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from lsgap_bench.errors import UsageError, with_kind
from lsgap_bench.estimates import group_result, task_result
from lsgap_bench.lacking import unmeasured_of
from lsgap_bench.protocols import DEFAULT_LAYERS, choices_of
from lsgap_bench.schema import (
    SIDES,
    AnswerMeasure,
    ConditionResult,
    Estimate,
    GapSplit,
    GroupResult,
    InterventionResult,
    OtherScores,
    PValue,
    Recognition,
    Record,
    Representation,
    TaskResult,
)
from lsgap_bench.task_tables import TaskTable, task_table

RECORD, RESULTS, SAMPLES, LAYERS, BLOCKS = "record.json", "results.json", "samples.jsonl", "layers.parquet", "blocks.parquet"
TEXT_SAMPLES = "text_samples.jsonl"  # of lm-eval's own text tasks, as lm-eval logs them
ITEMS = "items.jsonl"
LIBRARIES = ("lm_eval", "torch", "transformers", "datasets", "evaluate", "numpy", "scipy")


class Rows(NamedTuple):
    """The rows of a run folder's samples, curves and blocks, as `sample_rows`, `curve_rows` and `block_rows` made them."""

    samples: list[dict[str, Any]]
    curves: list[dict[str, Any]]
    blocks: list[dict[str, Any]]


def to_plain(value: Any) -> Any:
    """Frozen data as JSON types: an Estimate by its own rule, NaN as null."""
    if isinstance(value, Estimate):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def record_from_plain(plain: Mapping[str, Any]) -> Record:
    """A record read back from JSON."""
    return Record(
        **{
            **plain,
            "tasks": {name: _task(t) for name, t in plain["tasks"].items()},
            "groups": {name: _group(g) for name, g in plain["groups"].items()},
            "overall": _group(plain["overall"]),
        }
    )


def read_record(path: Path) -> Record:
    """The record in a file; UsageError naming the file when it is missing or no record."""
    try:
        return record_from_plain(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"{path}: no record can be read ({error.strerror}); give a run folder that `lsgap run` wrote") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: this is no record of schema 1 ({with_kind(error)}); run it again with this version") from None


def write_run(
    folder: Path, record: Record, results: Mapping[str, Any], rows: Rows, items: Sequence[Mapping[str, Any]] | None = None
) -> None:
    """Write the files of a run; each appears whole. record.json comes last, so that its presence means a finished run.

    items: rows of `item_rows`; None: not kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / SAMPLES, _lines(map(to_plain, rows.samples)))
    if items is not None:
        write_text(folder / ITEMS, _lines(items))
    _write_table(folder / LAYERS, rows.curves, {side: pa.list_(pa.float64()) for side in SIDES}, "condition", "metric", "unit")
    terms: dict[str, Any] = {side: pa.list_(pa.list_(pa.float64())) for side in SIDES}
    _write_table(folder / BLOCKS, rows.blocks, {**terms, "item": pa.list_(pa.string())}, "block", "group", "metric", "unit")
    if record.text_tasks:
        written = [{"task": name, **sample} for name in record.text_tasks for sample in results["samples"][name]]
        write_text(folder / TEXT_SAMPLES, _lines(map(to_plain, written)))
    write_text(folder / RESULTS, json.dumps(to_plain({k: v for k, v in results.items() if k != "samples"}), indent=2, default=str))
    write_text(folder / RECORD, json.dumps(to_plain(record), indent=2, ensure_ascii=False))


def _lines(rows: Iterable[Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)


def _write_table(path: Path, rows: Sequence[Mapping[str, Any]], fields: Mapping[str, Any], *names: str) -> None:
    """fields: column -> its type; names, `task` and `item` are strings unless they are among the fields."""
    kinds = {**dict.fromkeys(("task", "item", *names), pa.string()), **fields}
    partial = path.with_name(f"{path.name}.part")
    pq.write_table(pa.Table.from_pylist(list(rows), schema=pa.schema(list(kinds.items()))), partial)
    partial.replace(path)


def read_rows(folder: Path, tasks: Collection[str]) -> Rows:
    """The samples, curves and blocks of a run folder; one of an older version has no blocks. tasks: those of its record.

    UsageError where they cannot be read, or the samples hold another task: a record must not leave out what was measured.
    """
    try:
        with (folder / SAMPLES).open(encoding="utf-8") as file:
            samples = [json.loads(line) for line in file]
        curves = pq.read_table(folder / LAYERS).to_pylist()
        blocks = pq.read_table(folder / BLOCKS).to_pylist() if (folder / BLOCKS).is_file() else []
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder}: {SAMPLES} or {LAYERS} cannot be read ({error}); give a finished run folder") from None
    unnamed = sorted({row["task"] for row in samples} - set(tasks))
    if unnamed:
        raise UsageError(f"{folder}: {SAMPLES} holds {', '.join(unnamed)}, which {RECORD} leaves out; run it again to have both whole")
    return Rows(samples, curves, blocks)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines; UsageError where one cannot be read."""
    try:
        with path.open(encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}); give a finished run folder") from None


def read_tables(folder: Path, versions: Mapping[str, str], layers: str = DEFAULT_LAYERS) -> list[TaskTable]:
    """The tables of a run folder's samples and curves; the arguments are those of `tables_of`. UsageError as in `read_rows`."""
    return tables_of(read_rows(folder, versions), versions, layers)


def tables_of(
    rows: Rows,
    versions: Mapping[str, str],
    layers: str = DEFAULT_LAYERS,
    unmeasured: Mapping[str, str] | None = None,
    scorers: Mapping[str, str] | None = None,
) -> list[TaskTable]:
    """One table per task. versions, scorers: task -> its version, its scorer's name. layers: the value of the choice `layers`.

    unmeasured: see `TaskTable`.
    """
    named = scorers or {}
    return [
        task_table(task, of_task, *rows, layers=layers, unmeasured=unmeasured, scorer=named.get(task)) for task, of_task in versions.items()
    ]


def derive(record: Record, tables: Sequence[TaskTable]) -> Record:
    """The record with every number of tasks, groups and overall made anew from the tables, averaged over the record's own layers.

    UsageError for a record with choices that this version does not know.
    """
    layers = choices_of(record.provenance)["layers"]
    known, scorers = unmeasured_of(record.provenance), record.provenance.get("scorers") or {}
    by_name = {t.task: dataclasses.replace(t, layers=layers, unmeasured=known, scorer=scorers.get(t.task)) for t in tables}
    return dataclasses.replace(
        record,
        tasks={name: task_result(by_name[name]) for name in record.tasks},
        groups={name: group_result([by_name[t] for t in group.tasks], group.weights) for name, group in record.groups.items()},
        overall=group_result([by_name[t] for t in record.overall.tasks], record.overall.weights),
    )


def provenance(command: Sequence[str], started: datetime, seed: int, device: str) -> dict[str, Any]:
    """Versions, machine, command and time of a run."""
    import lsgap_bench

    known = {name: _version(name) for name in LIBRARIES}
    return {
        "lsgap_bench": lsgap_bench.__version__,
        **known,
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "device": device,
        "command": " ".join(command),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(timezone.utc) - started).total_seconds(), 1),
        "seed": seed,
    }


def sha256_of(parts: Iterable[str]) -> str:
    """One hash over many strings, in their order."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode())
    return total.hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: it is on the disk under another name before it takes this one."""
    partial = path.with_name(path.name + ".part")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _estimates(plain: Mapping[str, Any]) -> dict[str, Estimate]:
    return {name: Estimate.from_dict(e) for name, e in plain.items()}


def _numbers(plain: Iterable[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in plain]


def _rates(plain: Mapping[str, float | None]) -> dict[str, float]:
    return dict(zip(plain, _numbers(plain.values()), strict=True))


def _p_value(plain: Mapping[str, Any]) -> PValue:
    return PValue(math.nan if plain["value"] is None else plain["value"], plain["test"])


def _representation(plain: Mapping[str, Any]) -> Representation:
    return Representation(
        value=Estimate.from_dict(plain["value"]),
        null=_estimates(plain["null"]),
        above_null=_estimates(plain["above_null"]),
        by_layer=_numbers(plain["by_layer"]),
        by_layer_null={side: _numbers(curve) for side, curve in plain["by_layer_null"].items()},
        by_layer_band={side: [(low, high) for low, high in map(_numbers, band)] for side, band in plain["by_layer_band"].items()},
        unit=plain["unit"],
        by_length=_estimates(plain.get("by_length", {})),
    )


def _intervention(plain: Mapping[str, Any]) -> InterventionResult:
    replaced = math.nan if plain["replaced"] is None else plain["replaced"]
    return InterventionResult(
        score=Estimate.from_dict(plain["score"]),
        gain=Estimate.from_dict(plain["gain"]),
        p_value=_p_value(plain["p_value"]),
        recovered=plain["recovered"],
        broken=plain["broken"],
        replaced=replaced,
        p_holm=math.nan if plain.get("p_holm") is None else plain["p_holm"],
    )


def _condition(plain: Mapping[str, Any]) -> ConditionResult:
    made = {key: Estimate.from_dict(plain[key]) for key in ("score", "difference")}
    p_holm = math.nan if plain["p_holm"] is None else plain["p_holm"]
    return ConditionResult(**{**plain, **made, "p_value": _p_value(plain["p_value"]), "p_holm": p_holm})


def _answer_measure(plain: Mapping[str, Any]) -> AnswerMeasure:
    made = {key: Estimate.from_dict(plain[key]) for key in ("value", "null", "above_null")}
    return AnswerMeasure(**made, unit=plain["unit"])


def _recognition(plain: Mapping[str, Any]) -> Recognition:
    single = {name: Estimate.from_dict(of) for name, of in plain.items() if name != "wer_by_voice"}
    return Recognition(**single, wer_by_voice=_estimates(plain["wer_by_voice"]))


def _other_scores(plain: Mapping[str, Any]) -> OtherScores:
    return OtherScores(
        _estimates(plain["scores"]), Estimate.from_dict(plain["gap"]), _p_value(plain["p_value"]), _rates(plain["fail_rate"])
    )


def _shared(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **plain,
        "scores": _estimates(plain["scores"]),
        "gap": Estimate.from_dict(plain["gap"]),
        **{key: Estimate.from_dict(plain[key]) for key in ("base", "cascade", "erosion", "recovery", "detectable") if key in plain},
        **({"recognition": _recognition(plain["recognition"])} if "recognition" in plain else {}),
        **({"p_value": _p_value(plain["p_value"])} if "p_value" in plain else {}),
        "answers": {m: _answer_measure(of) for m, of in plain.get("answers", {}).items()},
        "agreement": {m: _estimates(of) for m, of in plain.get("agreement", {}).items()},
        "representation": {m: _representation(r) for m, r in plain["representation"].items()},
        "interventions": {c: _intervention(i) for c, i in plain["interventions"].items()},
        "other_scorers": {rule: _other_scores(of) for rule, of in plain.get("other_scorers", {}).items()},
        "conditions": {c: _condition(of) for c, of in plain.get("conditions", {}).items()},
        "split": GapSplit(**_estimates(plain["split"])) if plain.get("split") else None,
    }


def _group(plain: Mapping[str, Any]) -> GroupResult:
    return GroupResult(**_shared(plain))


def _task(plain: Mapping[str, Any]) -> TaskResult:
    return TaskResult(**{**_shared(plain), "fail_rate": _rates(plain["fail_rate"])})
