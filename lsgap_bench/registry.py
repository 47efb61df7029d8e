"""Names to plug-ins: `@metric("x")` adds one, `metrics["x"]` finds it. A plug-in is one file in its package, or an entry point."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import inspect
import os
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
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
        self._waiting = list(packages)

    def add(self, name: str, plugin: T) -> T:
        """Register `plugin`; UsageError if the name is taken by another one."""
        if name in self._found:
            raise UsageError(f"{self.kind} '{name}' is defined twice; rename one of the two")
        self._found[name] = plugin
        return plugin

    def __getitem__(self, name: str) -> T:
        self._load(name)
        if name not in self._found:
            raise UsageError(f"no {self.kind} is called '{name}'; {did_you_mean(name, self._found)}")
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        self._load(name)
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._found))

    def _load(self, wanted: object = None) -> None:
        """Import package after package, until the wanted name is there: a voice of espeak needs nothing of the models'."""
        while self._waiting and wanted not in self._found:
            name = self._waiting.pop(0)
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
    "systems": "function of [(answers, answers, clusters, weight), ...], one per task, -> Estimate: two systems' answers to the same items",
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
    reads_scores: whether it is made of the scores, so that where a task has none the mean over tasks is absent.
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
    reads_scores: bool = False

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


@dataclass(frozen=True)
class Effect:
    """An effect plug-in: apply(wave (frames,), rate, rng, others, *, NAME, ...) -> wave (frames',), float32; see `effect`.

    Its keyword-only parameters are the keys of a variant in YAML. others: waves of other items' clips, as many as it asks for.
    """

    name: str
    apply: Callable[..., Any]
    order: int
    check: Callable[..., None]
    others: Callable[..., int]
    lengthens: Callable[..., float]

    @property
    def keys(self) -> Mapping[str, Any]:
        """The parameters, the effect's own name among them, with their defaults; `inspect.Parameter.empty` for one that must be given."""
        taken = inspect.signature(self.apply).parameters.values()
        return {parameter.name: parameter.default for parameter in taken if parameter.kind is inspect.Parameter.KEYWORD_ONLY}

    @property
    def summary(self) -> str:
        """The first line of the plug-in's docstring."""
        return _summary(self.apply)

    @property
    def code(self) -> str:
        """Changes with the plug-in's file, so that a clip of an earlier version is not taken for today's."""
        return code_of(self.apply)


@dataclass(frozen=True)
class Rubric:
    """What the scorer of the same name asks a judge about an answer: ask(response, item) -> Ask, of the item's words alone.

    version: of the prompt, another one whenever its words change. prompt: its words, with places for those of the item. beside: in words,
    what else has a part in the score on this machine; UsageError where it cannot be used.
    """

    name: str
    ask: Callable[..., Any]
    version: str
    prompt: str
    beside: Callable[[], str] | None = None

    def facts(self) -> dict[str, str]:
        """What a record says of it: scores can be compared only where all of it is the same."""
        known = {"version": self.version, "sha256": hashlib.sha256(self.prompt.encode()).hexdigest()}
        return known | ({"beside": self.beside()} if self.beside else {})


metrics: Registry[Metric] = Registry("metric", "lsgap_bench.metrics")
interventions: Registry[Intervention] = Registry("intervention", "lsgap_bench.interventions")
effects: Registry[Effect] = Registry("effect", "lsgap_bench.speech.effects")
scorers: Registry[Callable[..., Any]] = Registry("scorer", "lsgap_bench.scorers")
rubrics: Registry[Rubric] = Registry("rubric", "lsgap_bench.scorers")
judges: Registry[Callable[..., Any]] = Registry("judge", "lsgap_bench.judges")
without_target: set[str] = set()
"""The scorers that need no target."""
CorpusFigure = Callable[[Iterable[Any]], float]
"""The details of the verdicts on many items -> one figure of all of them, 0..1; NaN of none."""
corpus_figures: dict[str, CorpusFigure] = {}
"""Scorer -> the figure that its benchmark publishes, where that is no mean of the items' scores."""
models: Registry[Callable[..., Any]] = Registry("model", "lsgap_bench.models")
voices: Registry[Callable[..., Any]] = Registry("voice engine", "lsgap_bench.speech", "lsgap_bench.models")
recognizers: Registry[Callable[..., Any]] = Registry("recognizer", "lsgap_bench.speech", "lsgap_bench.models")


def metric(
    name: str, *, needs: str, unit: str, higher_is_better: bool | None, **facts: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the function below it the metric called `name`.

    facts: source, formula, bounds, null, pitfalls, absent, combine, reads_options, reads_scores, as `Metric` says. UsageError where `needs`
    is no key of NEEDS, a fact is not known, or `combine` is missing where blocks need it.
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


def effect(
    name: str,
    *,
    order: int,
    check: Callable[..., None],
    others: Callable[..., int] = lambda **parameters: 0,
    lengthens: Callable[..., float] = lambda **parameters: 1.0,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the function below it the effect called `name`.

    order: effects of one variant are applied from low to high (tempo 10, noise 20, level 30, line 40). The rest are functions of the
    parameters. check: ValueError, in one line, for values that make no sense. others: how many other items' clips it needs. lengthens: how
    many times as long the clip becomes.
    """

    def register(apply: Callable[..., Any]) -> Callable[..., Any]:
        effects.add(name, Effect(name, apply, order, check, others, lengthens))
        return apply

    return register


def scorer(
    name: str, *, needs_target: bool = True, corpus: CorpusFigure | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the function below it, (response, item) -> Verdict, the scorer called `name`.

    needs_target: False for one that judges an answer without a reference; its tasks may leave `doc_to_target` out. corpus: what its
    benchmark publishes of all items together, of the `details` of the verdicts, where that is no mean of the items' scores.
    """
    if not needs_target:
        without_target.add(name)
    if corpus is not None:
        corpus_figures[name] = corpus
    return lambda rule: scorers.add(name, rule)


def rubric(
    name: str, *, version: str, prompt: str, beside: Callable[[], str] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the function below it, (response, item) -> Ask, what the scorer called `name` asks a judge; see `Rubric`.

    The scorer is called once the votes are there, with `judge_votes` in its item: what `Ask.read` made of each reply.
    """

    def register(ask: Callable[..., Any]) -> Callable[..., Any]:
        rubrics.add(name, Rubric(name, ask, version, prompt, beside))
        return ask

    return register


def judge(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make the class below it, called with the --judge_args, the judge called `name`."""
    return lambda factory: judges.add(name, factory)


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
