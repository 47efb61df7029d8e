"""What lm-eval would pass over in silence, or fail at late: unknown keys and metrics, and tasks that no run of ours can do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.lm_face import NO_PERPLEXITY
from lsgap_bench.task_config import OWN_KEYS, check_keys
from lsgap_bench.yaml_files import TaskFile

OF_OPTIONS = ("acc", "acc_norm", "acc_bytes", "f1", "mcc", "brier_score", "likelihood")  # metrics made of the options' loglikelihoods
STRUCTURAL = ("class", "tag", "group", "task_list")  # keys of a task's YAML that are not of its configuration


def check_file(file: TaskFile, keys: Collection[str]) -> None:
    """A plain task's keys; without its class line a paired task would lose its spoken side, or fail without naming the file.

    keys: of lm-eval's task configuration.
    """
    if file.kind != "task" or "task" not in file.config or "class" in file.config:
        return
    ours = next((key for key in OWN_KEYS if key in file.config), None)
    if ours:
        raise UsageError(f"{file.path}: {ours} is a key of paired tasks; add the line `class: !function lsgap_bench.harness.PairedTask`")
    check_keys(file.config, [*keys, *STRUCTURAL], str(file.path))


def check_task(name: str, task: Any, metrics: Collection[str]) -> None:
    """What no run of ours can do: pictures, perplexities, code; and metrics that lm-eval did not find. metrics: those it knows."""
    if getattr(task, "MULTIMODAL", False):
        raise UsageError(f"task '{name}' has pictures or sound without being paired, which lsgap cannot run; choose a text task")
    if getattr(task, "UNSAFE_CODE", False):
        raise UsageError(f"task '{name}' runs code that the model writes, which lsgap does not; choose another task")
    if task.OUTPUT_TYPE == "loglikelihood_rolling":
        raise UsageError(f"task '{name}' {NO_PERPLEXITY}")
    unknown = [m for m, function in getattr(task, "_metric_fn_list", {}).items() if function is None and not task.config.process_results]
    for metric in unknown:
        raise UsageError(f"task '{name}': metric_list: no metric is called '{metric}'; {did_you_mean(metric, metrics)}")


def check_metrics(theirs: Mapping[str, Any], source: str, metrics: Collection[str], aggregations: Collection[str]) -> None:
    """The `metric_list` of a paired task, before lm-eval looks for unknown ones on the hub and goes on without them.

    theirs: lm-eval's part of the configuration. metrics, aggregations: the names that lm-eval knows.
    """
    for entry in theirs["metric_list"]:
        name = entry.get("metric") if isinstance(entry, Mapping) else None
        if name is None:
            raise UsageError(f"{source}: metric_list: {entry!r} names no metric; write `- metric: NAME`")
        if not isinstance(name, str):
            continue
        known = OF_OPTIONS if theirs["output_type"] == "multiple_choice" else metrics
        if name not in known and not entry.get("hf_evaluate"):
            raise UsageError(f"{source}: metric_list: no metric of such a task is called '{name}'; {did_you_mean(name, known)}")
        rule = entry.get("aggregation", "mean")
        if isinstance(rule, str) and rule not in aggregations:
            raise UsageError(f"{source}: metric_list: no aggregation is called '{rule}'; {did_you_mean(rule, aggregations)}")
