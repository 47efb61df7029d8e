"""What each task weighs in a group: members weigh the same, or by their items; a group inside a group is one member."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lsgap_bench.errors import UsageError


@dataclass(frozen=True)
class Member:
    """A task, or a group with its members. by_size: the members weigh by the number of their items, so that all items weigh the same."""

    name: str
    members: tuple[Member, ...] = ()
    by_size: bool = False

    @property
    def tasks(self) -> list[str]:
        """The tasks in it, at any depth, each once."""
        return list(dict.fromkeys(task for member in self.members for task in member.tasks)) if self.members else [self.name]


def group_of(node: Any, paired: Collection[str]) -> Member | None:
    """A group of lm-eval as a member, with what it holds of the tasks called `paired`; None where that is nothing.

    UsageError where its `aggregate_metric_list` says for one metric that the members weigh by size, and for another that they do not.
    """
    rules = {bool(metric.weight_by_size) for metric in node.aggregate_metric_list or ()}
    if len(rules) > 1:
        raise UsageError(f"group '{node.name}': weight_by_size is true of some metrics and false of others; say the same of all")
    held = [group_of(child, paired) if hasattr(child, "aggregate_metric_list") else _task(child, paired) for child in node]
    members = tuple(member for member in held if member is not None)
    return Member(node.name, members, True in rules) if members else None


def overall_of(groups: Iterable[Member], tasks: Iterable[str]) -> Member:
    """What a run's `Overall` is the mean of: the groups asked for, and the tasks outside them. A single group is itself the whole."""
    groups = list(groups)
    inside = {task for group in groups for task in group.tasks}
    members = [*groups, *(Member(task) for task in tasks if task not in inside)]
    return members[0] if len(members) == 1 else Member("overall", tuple(members))


def weights_in(group: Member, sizes: Mapping[str, int]) -> dict[str, float]:
    """Task -> its weight in the group; they add up to 1. sizes: task -> number of its items.

    Where no member that is weighed by size has an item, the members weigh the same.
    """
    if not group.members:
        return {group.name: 1.0}
    items = [sum(sizes[task] for task in member.tasks) for member in group.members]
    total = sum(items) if group.by_size else 0
    shares = [n / total if total else 1 / len(group.members) for n in items]
    found: dict[str, float] = dict.fromkeys(group.tasks, 0.0)
    for member, share in zip(group.members, shares, strict=True):
        for task, weight in weights_in(member, sizes).items():
            found[task] += share * weight
    return found


def _task(task: Any, paired: Collection[str]) -> Member | None:
    return Member(task.task_name) if task.task_name in paired else None
