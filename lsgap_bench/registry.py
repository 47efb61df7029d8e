"""Names to plug-ins: `@metric("x")` adds one, `metrics["x"]` finds it. A plug-in is one file in its package, or an entry point."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import inspect
import os
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from lsgap_bench.errors import UsageError, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """The plug-ins of one kind.

    kind: the word used in errors. packages: every module in them is imported on the first look-up, so that adding a file is enough.
    Entry points of the groups called like the packages (`lsgap_bench.metrics`) are loaded then as well.
    """

    def __init__(self, kind: str, *packages: str) -> None:
        self.kind = kind
        self.packages = packages
        self._found: dict[str, T] = {}
        self._complete = False

    def add(self, name: str, plugin: T) -> T:
        """Register `plugin`; UsageError if the name is taken by another one."""
        if name in self._found:
            raise UsageError(f"{self.kind} '{name}' is defined twice; rename one of the two")
        self._found[name] = plugin
        return plugin

    def __getitem__(self, name: str) -> T:
        self._load()
        if name not in self._found:
            raise UsageError(f"no {self.kind} is called '{name}'; {did_you_mean(name, self._found)}")
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._found))

    def _load(self) -> None:
        if self._complete:
            return
        self._complete = True
        for name in self.packages:
            for module in pkgutil.iter_modules(importlib.import_module(name).__path__):
                importlib.import_module(f"{name}.{module.name}")
            for entry in importlib.metadata.entry_points(group=name):
                entry.load()


NEEDS: Mapping[str, str] = {
    "states": "function of one LayerPair -> (rows,): the states of one layer, a row per item and text",
    "paths": "function of one Paths -> (rows,): the alignment paths of layers 1..L together",
    "logits": "function of one LogitPair -> (rows,): the next-token logits after the text and after the speech",
    "blocks": "function of one LayerBlock -> (..., terms): the pooled states of a block of items, whose mean terms `combine` makes a value",
    "answers": "function of one Pair -> float: an item's answers under all conditions",
    "systems": "function of [(answers, answers, clusters), ...], one per task, -> Estimate: two systems' answers to the same items",
}
"""What a metric plug-in is a function of."""
LAYERED = ("states", "blocks")
REPRESENTATION = (*LAYERED, "paths", "logits")
"""What is measured inside the model, beside nulls of mismatched pairs; the rest is read off the answers."""


@dataclass(frozen=True)
class Metric:
    """A metric plug-in and its declared facts, from which `lsgap ls metrics` and docs/metrics.md are made.

    needs: a key of NEEDS. unit: what the value is measured in. higher_is_better: the direction; None where neither is.
    source: paper section, equation or reference. formula: in plain characters. bounds: of the value. null: what it is compared with.
    pitfalls: what a reader must know. absent: why there is no value where no item has one. combine: see NEEDS, "blocks": mean terms
    (..., terms) -> (...), numpy. reads_options: whether it needs the loglikelihoods of options, which not every model gives.
    """

    name: str
    compute: Callable[..., Any]
    needs: str
    unit: str
    higher_is_better: bool | None
    source: str = ""
    formula: str = ""
    bounds: str = ""
    null: str = ""
    pitfalls: str = ""
    absent: str = "no item has a value"
    combine: Callable[..., Any] | None = None
    reads_options: bool = False

    @property
    def summary(self) -> str:
        """The first line of the plug-in's docstring, without the shape it returns."""
        return _summary(self.compute).partition(" Returns (")[0]

    @property
    def direction(self) -> str:
        """`higher`, `lower` or `neither`: which is better."""
        return "neither" if self.higher_is_better is None else "higher" if self.higher_is_better else "lower"

    @property
    def code(self) -> str:
        """Changes with the plug-in's file, so that a value of an earlier version is not taken for today's."""
        return code_of(self.compute)


@dataclass(frozen=True)
class Intervention:
    """An intervention plug-in: edit(speech (N, D), text (N, D)) -> (N, D), row i of text being aligned to row i of speech."""

    name: str
    edit: Callable[..., Any]
    source: str = ""

    @property
    def summary(self) -> str:
        """The first line of the plug-in's docstring."""
        return _summary(self.edit)

    @property
    def code(self) -> str:
        """Changes with the plug-in's file, so that an observation of an earlier version is not taken for today's."""
        return code_of(self.edit)


metrics: Registry[Metric] = Registry("metric", "lsgap_bench.metrics")
interventions: Registry[Intervention] = Registry("intervention", "lsgap_bench.interventions")
scorers: Registry[Callable[..., Any]] = Registry("scorer", "lsgap_bench.scorers")
models: Registry[Callable[..., Any]] = Registry("model", "lsgap_bench.models")
voices: Registry[Callable[..., Any]] = Registry("voice engine", "lsgap_bench.speech", "lsgap_bench.models")
recognizers: Registry[Callable[..., Any]] = Registry("recognizer", "lsgap_bench.speech", "lsgap_bench.models")


def metric(
    name: str, *, needs: str, unit: str, higher_is_better: bool | None, **facts: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the function below it the metric called `name`.

    facts: source, formula, bounds, null, pitfalls, absent, combine, reads_options, as `Metric` says. UsageError where `needs` is no key
    of NEEDS, a fact is not known, or `combine` is missing where blocks need it.
    """
    if needs not in NEEDS:
        raise UsageError(f"metric '{name}': needs='{needs}' is not known; write {', '.join(NEEDS)}")
    known = {field.name for field in fields(Metric)}
    for fact in facts:
        if fact not in known:
            raise UsageError(f"metric '{name}': no fact is called '{fact}'; {did_you_mean(fact, known)}")
    if needs == "blocks" and facts.get("combine") is None:
        raise UsageError(f"metric '{name}': needs='blocks' gives terms; say with combine= how their means make a value")

    def register(compute: Callable[..., Any]) -> Callable[..., Any]:
        metrics.add(name, Metric(name, compute, needs, unit, higher_is_better, **facts))
        return compute

    return register


def intervention(name: str, *, source: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the function below it the intervention called `name`."""

    def register(edit: Callable[..., Any]) -> Callable[..., Any]:
        interventions.add(name, Intervention(name, edit, source))
        return edit

    return register


def scorer(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the function below it, (response, item) -> Verdict, the scorer called `name`."""
    return lambda rule: scorers.add(name, rule)


def model(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the class or factory below it, called with the --model_args, the adapter called `name`."""
    return lambda factory: models.add(name, factory)


def voice(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the class below it the text-to-speech engine called `name`."""
    return lambda engine: voices.add(name, engine)


def recognizer(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the class or factory below it, called with the --recognizer_args, the speech recognizer called `name`."""
    return lambda factory: recognizers.add(name, factory)


def _summary(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").strip().partition("\n")[0]


def code_hash(*modules: ModuleType) -> str:
    """Changes with the source of the modules."""
    return hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in modules)).hexdigest()[:16]


def code_of(plugin: Any) -> str:
    """Changes with the file that a function or a class was written in; where there is no file, with a function's own code."""
    source = inspect.getsourcefile(plugin)
    if source and os.path.isfile(source):
        return _hash_of(source, os.stat(source).st_mtime_ns)
    return hashlib.sha256(plugin.__code__.co_code).hexdigest()[:16]


@functools.lru_cache(maxsize=256)
def _hash_of(file: str, changed: int) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
