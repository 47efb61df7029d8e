"""Scoring rules made of metrics of Hugging Face `evaluate`: `evaluate:NAME` or `evaluate:PATH`, with `[KEY]` for one of several values.

`evaluate` is imported when such a scorer is first asked for, and each metric is loaded once per process.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lsgap_bench.errors import UsageError, did_you_mean, with_kind
from lsgap_bench.schema import Verdict
from lsgap_bench.scorers.normalize import unread

PREFIX = "evaluate:"
FORMS = "evaluate:NAME (of the hub), evaluate:PATH (a script or its folder, from the YAML file on), evaluate:NAME[KEY] (one of its values)"
_FORM = re.compile(PREFIX + r"(?P<metric>[^\[\]]+)(?P<pick>\[(?P<key>[^\[\]]+)\])?")
_ROUNDING = 1e-6  # float32 metrics give identical texts a little more than 1


class Picked(NamedTuple):
    """The value of a metric's result that is the score, NaN where it is absent, and its key."""

    key: str
    value: float


@dataclass(frozen=True)
class EvaluateMetric:
    """A metric of `evaluate` as a rule (response, item) -> Verdict; the item's target is the reference.

    name: as the task names it, for errors. module: the loaded metric. key: the value of its result that is the score; where it is None
    the only number, or the one called `own_key`. nested: whether the metric wants a list of references for each answer.

    The score must be 0..1 and higher when better. `correct` is always None, because a metric does not say whether it is graded; the
    statistics go by the scores. An answer without a word, and one that the metric gives NaN or None, is not extracted.
    """

    name: str
    module: Any
    key: str | None
    own_key: str
    nested: bool

    def __call__(self, response: str, item: Mapping[str, Any]) -> Verdict:
        """The verdict on one answer. UsageError where the metric fails, or what it gives is no score."""
        target = str(item["target"])
        if response.strip():
            score = self._score(self._value(response, target))
        else:
            self._check(target)  # every item is shown an empty answer before anything is run
            score = math.nan
        if math.isnan(score):
            return Verdict(None, unread(item.get("chance")), None, extracted=False)
        return Verdict(response, score, None, extracted=True)

    def _check(self, target: str) -> None:
        """UsageError for a target that cannot be judged, and for a metric that rates it below another answer: it measures errors."""
        own = self._value(target, target)
        if own.value == 0 and (twice := self._value(f"{target} {target}", target).value) > 0:
            raise UsageError(
                f"{self.name} gives the target itself 0 as {own.key} and the target said twice {twice:g}, so lower is better; "
                "choose a metric that is higher when better, or write one that turns it round"
            )
        self._score(own)

    def _score(self, picked: Picked) -> float:
        key, value = picked
        if not (math.isnan(value) or -_ROUNDING <= value <= 1 + _ROUNDING):
            raise UsageError(
                f"{self.name} gives {value:g} as {key}, and a score must be from 0 to 1; "
                f"name another of its values ({PREFIX}NAME[KEY]) or write a metric that rescales it"
            )
        return min(max(value, 0.0), 1.0)

    def _value(self, response: str, target: str) -> Picked:
        """What the metric says of one answer."""
        try:
            result = self.module.compute(predictions=[response], references=[[target] if self.nested else target])
        except Exception as error:
            raise UsageError(f"{self.name} fails on the answer {response[:60]!r} ({with_kind(error)}); choose another metric") from error
        return self._picked(_numbers(result))

    def _picked(self, numbers: Mapping[str, float]) -> Picked:
        key = self.key or (next(iter(numbers)) if len(numbers) == 1 else self.own_key)
        if key in numbers:
            return Picked(key, numbers[key])
        if self.key is None and numbers:
            raise UsageError(f"{self.name} gives {', '.join(numbers)}; name the score, such as {self.name}[{next(iter(numbers))}]")
        raise UsageError(f"{self.name} gives no number called '{key}'; {did_you_mean(key, numbers)}")


@cache
def evaluate_metric(name: str) -> EvaluateMetric:
    """The scorer called `evaluate:...`. UsageError for a metric that cannot be loaded, or that does not compare strings."""
    found = _FORM.fullmatch(name)
    if found is None:
        raise UsageError(f"'{name}' names no metric; write {FORMS}")
    module = _loaded(found["metric"], name)
    return EvaluateMetric(name, module, found["key"], Path(found["metric"]).name.removesuffix(".py"), _nested(module.features, name))


def whole(name: str, folder: Path) -> str:
    """A scorer's name with the path in it, which starts at `folder`, made whole; names without a path stay.

    A bare word is a path only where its script is there, else a metric of the hub. UsageError for a path without a script.
    """
    found = _FORM.fullmatch(name)
    if found is None:
        return name
    given = folder / found["metric"]
    script = given if given.suffix == ".py" else given / f"{given.name}.py"
    if script.is_file():
        return f"{PREFIX}{script.resolve()}{found['pick'] or ''}"
    if found["metric"].startswith(".") or given.suffix == ".py" or Path(found["metric"]).is_absolute():
        raise UsageError(f"'{name}' is not there (looked for {script}); paths are relative to the YAML file, scripts named as their folder")
    return name


def _loaded(metric: str, name: str) -> Any:
    import evaluate
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        evaluate.config.HF_EVALUATE_OFFLINE = True  # it has a switch of its own, and would wait for the network
    try:
        return evaluate.load(metric, keep_in_memory=True)
    except (ConnectionError, FileNotFoundError):
        raise UsageError(
            f"{name} is not on this machine and cannot be had from the hub; check name and connection, or give the path of its script, "
            "such as evaluate:./my_metric"
        ) from None
    except Exception as error:
        raise UsageError(f"{name} cannot be loaded ({with_kind(error)}); correct its script or choose another metric") from error


def _nested(features: Any, name: str) -> bool:
    """Whether references come as lists of strings. UsageError where predictions or references are no strings."""
    forms = features if isinstance(features, list) else [features]
    asked = [(_kind(form.get("predictions")), _kind(form.get("references"))) for form in forms if len(form) == 2]
    if ("string", "string") in asked:
        return False
    if ("string", "list of string") in asked:
        return True
    wanted = " and ".join(f"{key} ({_kind(value)})" for key, value in forms[0].items())
    raise UsageError(f"{name} takes {wanted}, and a scorer gives it strings as predictions and references; choose a metric of strings")


def _kind(feature: Any) -> str:
    inner = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
    return f"list of {_kind(inner)}" if inner is not None else str(getattr(feature, "dtype", type(feature).__name__))


def _numbers(result: Any) -> dict[str, float]:
    """The numbers of a metric's result; what is none is left out."""
    entries = result.items() if isinstance(result, Mapping) else ()
    return {str(key): number for key, value in entries if (number := _number(value)) is not None}


def _number(value: Any) -> float | None:
    """A number, also as the only one of a list or an array; NaN for None; None for anything else."""
    if isinstance(value, (list, tuple)):
        return _number(value[0]) if len(value) == 1 else None
    array = np.asarray(math.nan if value is None else value)
    return float(array.item()) if array.size == 1 and array.dtype.kind in "biuf" else None
