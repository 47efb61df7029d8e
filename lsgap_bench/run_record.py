"""The record of a finished run: its estimates, and where every number comes from."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lsgap_bench.estimates import group_result, task_result
from lsgap_bench.group_weights import Member, weights_in
from lsgap_bench.judge_record import judge_warnings
from lsgap_bench.judging import scorers_sha256, shown_scorers
from lsgap_bench.measures import null_warnings
from lsgap_bench.records import Rows, provenance, sha256_of, tables_of
from lsgap_bench.run_state import Passed, Run
from lsgap_bench.schema import GroupResult, Item, Pair, Record
from lsgap_bench.task_tables import TaskTable
from lsgap_bench.usage import prices_of, usage_of, usage_warnings
from lsgap_bench.variants import variants_told
from lsgap_bench.yaml_files import tasks_sha256

logger = logging.getLogger(__name__)


def record_of(
    run: Run,
    passed: Passed,
    pairs: Mapping[str, Sequence[Pair]],
    rows: Rows,
    systems: Mapping[str, Any],
    judge: Mapping[str, Any],
    started: datetime,
) -> Record:
    """The leaderboard line of a run. judge: what is to be said of it, empty without one."""
    tasks = run.tasks
    versions = {name: str(tasks.by_name[name].VERSION) for name in pairs}
    made = tables_of(rows, versions, run.plan.choices["layers"], run.unmeasured, shown_scorers(run.rules))
    tables = {table.task: table for table in made}
    sizes = {name: len(table.items) for name, table in tables.items()}
    overall = _mean_of(tasks.overall, tables, sizes) if tables else group_result([])
    usage = usage_of(_everyone(pairs), prices_of(passed.system, systems))
    warnings = [*passed.checks.get("warnings", ()), *usage_warnings(usage), *judge_warnings(judge), *null_warnings(overall.representation)]
    return Record(
        system=passed.system,
        systems=systems,
        tags=run.settings.tags,
        tasks={name: task_result(table) for name, table in tables.items()},
        groups={name: _mean_of(group, tables, sizes) for name, group in tasks.groups.items()},
        overall=overall,
        text_tasks={name: passed.results["results"][name] for name in tasks.by_name if name not in tasks.paired},
        checks={**passed.checks, "warnings": warnings} if passed.checks else {},
        provenance={
            **provenance(["lsgap", *sys.argv[1:]], started, run.settings.seed, passed.device),
            **_asked(run),
            **_answered(run, pairs),
            **{name: part for name, part in (("usage", usage), ("judge", judge)) if part},
        },
    )


def _asked(run: Run) -> dict[str, Any]:
    """What a run was to do: tasks, settings, plan, protocol, scorers."""
    settings, tasks, plan = run.settings, run.tasks, run.plan
    conditions = [c.name for c in settings.parsed_conditions()]
    generation = {name: vars(task.gen_kwargs) for name, task in tasks.paired.items() if task.gen_kwargs}
    ours = {name: task.paired_config for name, task in tasks.paired.items()}
    optional = {
        "recognizer": dict(run.heard.info),
        "speech": tasks.spoken,
        "variants": variants_told(plan.conditions, {name: of.variants for name, of in ours.items()}, tasks.manners),
        "other_scorers": {name: list(of.other_scorers) for name, of in ours.items() if of.other_scorers},
    }
    return {
        "tasks_sha256": tasks_sha256(of.source for of in ours.values()),
        "settings": {k: v for k, v in dataclasses.asdict(settings).items() if k not in ("output_path", "include_path")},
        "plan": {
            "conditions": conditions,
            "metrics": [*plan.metrics, *settings.answer_metrics()],
            "canary": plan.canary,
            **({"unmeasured": dict(run.unmeasured)} if run.unmeasured else {}),
        },
        "protocol": settings.protocol_entry(plan.choices, tasks=settings.task_names(), conditions=conditions, generation=generation),
        "scorers": shown_scorers(run.rules),
        "scorers_sha256": scorers_sha256(run.rules),
        "generation": generation,
        "hidden_states": f"layer 0 is the decoder's input, layer L is {'after' if plan.normed else 'before'} the final norm",
        **{name: part for name, part in optional.items() if part},
    }


def _answered(run: Run, pairs: Mapping[str, Sequence[Pair]]) -> dict[str, Any]:
    """Of what: the data, and a prompt of each task and condition."""
    return {
        "data_sha256": sha256_of(_identity(pair.item) for pair in _everyone(pairs)),
        "data": {name: task.data_state for name, task in run.tasks.paired.items()},
        "prompts": {name: {c: o.prompt for c, o in of_task[0].observations.items()} for name, of_task in pairs.items() if of_task},
    }


def _everyone(pairs: Mapping[str, Sequence[Pair]]) -> list[Pair]:
    return [pair for of_task in pairs.values() for pair in of_task]


def _mean_of(group: Member, tables: Mapping[str, TaskTable], sizes: Mapping[str, int]) -> GroupResult:
    return group_result([tables[task] for task in group.tasks], weights_in(group, sizes))


def _identity(item: Item) -> str:
    """Everything of an item that decides a score."""
    known = [item.id, item.text, item.target, item.options, item.cluster, item.chance, item.clip.sha256]
    return json.dumps(known if item.spoken is None else [*known, item.spoken])


def log_record(record: Record, skipped: Sequence[str]) -> None:
    """What a reader of log.txt wants to know of a run, beside the record itself."""
    versions = ("lsgap_bench", "lm_eval", "torch", "transformers", "python", "platform")
    logger.info("versions: %s", ", ".join(f"{name} {record.provenance.get(name)}" for name in versions))
    logger.info("items: %s", ", ".join(f"{name} {task.n}" for name, task in record.tasks.items()) or "none are paired")
    for name, spoken in record.provenance.get("speech", {}).items():
        logger.info("voice of %s: %s", name, spoken)
    logger.info("batch sizes: %s", record.checks.get("batch_sizes"))
    for line in skipped:
        logger.warning("left out: %s", line)
    for line in record.checks.get("warnings", ()):
        logger.warning("check: %s", line)
    logger.info("done in %s s", record.provenance["seconds"])
