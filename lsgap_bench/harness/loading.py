"""Names to tasks: ours by their files, lm-eval's own by its index, groups and tags at any depth."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
from lm_eval.api.registry import METRIC_REGISTRY
from lm_eval.tasks import TaskManager

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.group_weights import Member, group_of, overall_of
from lsgap_bench.harness.failures import BROKEN, reason_of
from lsgap_bench.harness.index import index_of, own_index
from lsgap_bench.harness.items import config_keys
from lsgap_bench.harness.paired_task import PairedTask
from lsgap_bench.speech.synthesis import Manner
from lsgap_bench.task_checks import check_file, check_task
from lsgap_bench.yaml_files import Catalog, TaskFile, merged, read_catalog


@dataclass(frozen=True)
class Loaded:
    """Tasks as lm-eval's evaluate() takes them. asked: the names they were asked for by."""

    by_name: dict[str, Any]
    raw: dict[str, Any]
    asked: tuple[str, ...] = ()

    @property
    def paired(self) -> dict[str, PairedTask]:
        """The tasks with two forms."""
        return {name: task for name, task in self.by_name.items() if isinstance(task, PairedTask)}

    @property
    def spoken(self) -> dict[str, dict[str, Any]]:
        """The tasks whose clips a voice says -> the voice, and the task of lm-eval that they are the spoken version of."""
        ours = {name: task.paired_config for name, task in self.paired.items()}
        return {
            name: {**of.speech.told(), **({"spoken_of": dict(of.original)} if of.original else {})}
            for name, of in ours.items()
            if of.speech is not None
        }

    @property
    def manners(self) -> dict[str, Manner]:
        """The tasks whose clips a voice says -> how it says them."""
        return {name: task.paired_config.speech.manner for name, task in self.paired.items() if task.paired_config.speech is not None}

    @property
    def groups(self) -> dict[str, Member]:
        """The groups that hold paired tasks, at any depth."""
        found = {name: group_of(group, self.paired) for name, group in self.raw.get("groups", {}).items()}
        return {name: group for name, group in found.items() if group is not None}

    @property
    def overall(self) -> Member:
        """What was asked for, as the group of which a run's `Overall` is the mean."""
        return overall_of([group for name, group in self.groups.items() if name in self.asked], self.paired)


def load_tasks(names: Sequence[str], include_path: Sequence[str] = ()) -> Loaded:
    """Build the named tasks, groups, tags and YAML files. lm-eval's own tasks are looked up only when a name is not ours.

    UsageError for an unknown name, a task file that cannot be read, and whatever is wrong inside a task.
    """
    catalog = read_catalog(include_path)
    if catalog.problems:
        raise UsageError(catalog.problems[0])
    return build_tasks(names, catalog)


def build_tasks(names: Sequence[str], catalog: Catalog) -> Loaded:
    """As `load_tasks`, from task files that have been read."""
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    names = list(dict.fromkeys(names))
    own_files = {name: TaskFile(Path(name), name, "task", merged(Path(name))) for name in names if Path(name).is_file()}
    reached = catalog.expand(names)
    for file in [*own_files.values(), *(f for f in catalog.files if f.name in reached)]:
        check_file(file, config_keys())
    foreign = [name for name in reached if name not in catalog.names and name not in own_files]
    theirs = own_index() if foreign else {}
    for name in foreign:
        if name not in theirs:
            where = f"{reached[name]}: " if reached[name] else ""
            near = next((k for k in (catalog.names, theirs) if "did you mean" in did_you_mean(name, k)), catalog.names)
            raise UsageError(f"{where}no task is called '{name}'; {did_you_mean(name, near)}")
    manager = TaskManager(include_defaults=False)
    manager.task_index.update(theirs | index_of((file.path, file.config) for file in catalog.files))
    for tag, members in catalog.tags.items():
        manager.task_index[tag].tags.update(members)  # lm-eval keeps the tasks of the last folder only
    try:
        raw = manager.load(names)
    except (*BROKEN, datasets.exceptions.DatasetsError) as error:
        inline = "'class'" in str(error)  # lm-eval builds a task written inside a group without its class line
        hint = (
            "give only one of the two"
            if "Duplicate task" in str(error)
            else "give a paired task a file of its own"
            if inline
            else "correct their files"
        )
        raise UsageError(f"tasks {', '.join(names)} cannot be built ({reason_of(error)}); {hint}") from None
    for name, task in raw["tasks"].items():
        check_task(name, task, METRIC_REGISTRY.keys())
    return Loaded(dict(raw["tasks"]), dict(raw), tuple(names))
