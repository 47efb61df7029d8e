"""The meeting point with lm-eval, and the only module that imports it: paired tasks, the LM face, task loading, the evaluation loop."""

from __future__ import annotations

import copy
import dataclasses
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import jinja2
import jinja2.meta
import lm_eval
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.model import LM
from lm_eval.api.registry import AGGREGATION_REGISTRY, METRIC_REGISTRY
from lm_eval.api.task import ConfigurableTask
from lm_eval.config.task import TaskConfig
from lm_eval.evaluator import evaluate as lm_evaluate
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml
from lm_eval.utils import apply_template, make_table
from tqdm import tqdm

from lsgap_bench.data_files import check_text
from lsgap_bench.data_sources import local_data, of_the_hub, remedy, state_of
from lsgap_bench.documents import audio_bytes, beside, check_options, check_rendered, listed, resolve_target, word_spans
from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.group_weights import Member, group_of, overall_of
from lsgap_bench.judging import Unread, check, judge, known, known_of, needs_judge, paired
from lsgap_bench.lm_face import LanguageModelFace, Observed
from lsgap_bench.schema import CANARY, Clip, Generation, Item, Observation, Pair, Verdict
from lsgap_bench.speech.clips import clip_from_bytes
from lsgap_bench.speech.synthesis import clip_of
from lsgap_bench.speech_block import spoken_form
from lsgap_bench.spoken_of import taken_over
from lsgap_bench.task_checks import STRUCTURAL, check_file, check_metrics, check_task
from lsgap_bench.task_config import fraction, split_config
from lsgap_bench.yaml_files import Catalog, TaskFile, merged, read_catalog

ROW = "lsgap_row"
INDEX = "__index_level_0__"  # a column that datasets adds to a CSV
INVALID = "[invalid]"  # what lm-eval's extraction filters leave where they find nothing
BROKEN = (ImportError, AttributeError, TypeError, LookupError, ValueError, SyntaxError, OSError, RecursionError, jinja2.TemplateError)


_SHOWN_FIRST: Mapping[str, Callable[[Any], Any]] = {
    "doc_to_text": lambda doc: "-",
    "doc_to_target": lambda doc: "-",
    "doc_to_choice": lambda doc: ["-"],
}
"""What lm-eval sees of the first document as it builds a task: a row that it would fail at can be told by its number, or skipped."""


class Question(NamedTuple):
    """The written form of a document. chance: a fraction, None where it is not known."""

    text: str
    target: str
    options: tuple[str, ...]
    chance: float | None


class PairedTask(ConfigurableTask):  # type: ignore[misc]
    """A task whose every document is one question in both forms.

    Reached from YAML by `class: !function lsgap_bench.harness.PairedTask`. Under plain lm-eval it runs its written side; `lsgap` calls
    `pair` first, and then one request per document carries the item with both forms to the model.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        config = {k: v for k, v in config.items() if k not in STRUCTURAL}
        source = str((config.get("metadata") or {}).get("config_source", "inline"))
        config = {**config, "metadata": {**_included_metadata(source), **(config.get("metadata") or {})}}
        original: dict[str, Any] = {}
        if config.get("spoken_of") is not None:
            config, original = taken_over(config, Path(lm_eval.__file__).parent / "tasks", load_yaml, source)
        self.paired_config, theirs = split_config(config, _config_keys(), source, original)
        self.paired = False
        self.system: str | None = None
        self.gen_kwargs: Generation | None = None
        self.skip_bad_items = False
        self.unread: Unread = "chance"
        self.folder = Path(source).parent  # paths in the data start here
        check_metrics(theirs, source, METRIC_REGISTRY.keys(), AGGREGATION_REGISTRY.keys())
        for name, shown in _SHOWN_FIRST.items():
            setattr(self, name, shown)
        try:
            super().__init__(config=theirs)
        except BROKEN as error:
            reason = f"{type(error).__name__}: {_first_line(error)}"
            raise UsageError(f"{source}: the task cannot be built ({reason}); correct the file") from None
        for name in _SHOWN_FIRST:
            delattr(self, name)

    def pair(
        self, system: str | None, generation: Callable[[Generation], Generation], skip_bad_items: bool, unread: Unread = "chance"
    ) -> None:
        """Ask for both forms. system: the system turn of both. generation: settings of the YAML -> settings of the run."""
        self.paired = True
        self.system = "\n".join(part for part in (system, str(self.config.description or "")) if part) or None
        self.gen_kwargs = generation(self.paired_config.generation)
        self.skip_bad_items = skip_bad_items
        self.unread = unread

    # ------------------------------------------------------------------------------------------------ documents

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Load the data; `data_files` and a local `dataset_path` are relative to the YAML file. Checks the split and the columns."""
        ours, arguments, name = self.paired_config, dict(dataset_kwargs or {}), str(self.config.dataset_path)
        for key in {"split", "streaming"} & arguments.keys():
            raise ours.wrong(f"dataset_kwargs: {key}", arguments[key], "is refused; leave it out and name the split as test_split")
        named = "data_files" in arguments and not of_the_hub(name)  # then dataset_path is a format, whatever folder is called so
        local = None if named else local_data(name, Path(ours.source).parent)
        if named:
            arguments["data_files"] = beside(arguments["data_files"], ours)
            check_text(arguments["data_files"], arguments, ours)
        elif local is not None:
            self.DATASET_PATH, self.folder = str(local), local
            check_text(local, arguments, ours)
        if name == "csv":
            arguments.setdefault("keep_default_na", False)  # an answer "None" is a word, and an empty cell turns 7 into 7.0
        try:
            super().download(arguments, **kwargs)
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            raise ours.wrong("dataset_path", name, f"cannot be loaded ({_reason(error)}); {remedy(name, local)}") from None
        if self.config.test_split not in self.dataset:
            raise ours.wrong(
                "test_split", self.config.test_split, f"is no split of the data; {did_you_mean(self.config.test_split, self.dataset)}"
            )
        self._check_columns()

    @property
    def data_state(self) -> Mapping[str, Any]:
        """Where the data came from and which state of it was loaded, for the record."""
        name, asked = str(self.config.dataset_path), (self.config.dataset_kwargs or {}).get("revision")
        files = self.dataset[self.config.test_split].info.download_checksums or {}
        return state_of(name, asked, local_data(name, Path(self.paired_config.source).parent), files)

    @cached_property
    def _rows(self) -> Any:
        """All columns of the split, but for pandas' index; the audio as encoded bytes: datasets' own decoding needs torchcodec."""
        split = self.config.test_split
        for column, kind in self.dataset[split].features.items():
            if isinstance(kind, datasets.Audio):
                self.dataset[split] = self.dataset[split].cast_column(column, datasets.Audio(decode=False))
        if INDEX in self.dataset[split].column_names:
            self.dataset[split] = self.dataset[split].remove_columns([INDEX])
        return super().test_docs()

    @cached_property
    def _documents(self) -> Any:
        audio = self.paired_config.audio
        rows = self._rows.remove_columns([audio]) if audio else self._rows
        return rows.add_column(ROW, list(range(len(rows))))

    @cached_property
    def _audio(self) -> Any:
        return self._rows.select_columns([self.paired_config.audio])

    def test_docs(self) -> Any:
        """The documents without their audio, because a document must not hold bytes: a clip is read when it is needed."""
        return self._documents

    def fewshot_docs(self) -> None:
        """None: lm-eval would walk whole splits for examples that are never given."""

    def _check_columns(self) -> None:
        ours, columns = self.paired_config, list(self._rows.column_names)
        if not len(self._rows):
            raise ours.wrong("test_split", self.config.test_split, "holds no items; choose another split")
        named = {"doc_to_audio": ours.audio, "cluster": ours.cluster, "word_times": ours.word_times}
        given = {key: getattr(self.config, key) for key in ("doc_to_text", "doc_to_target", "doc_to_choice")} | {"chance": ours.chance}
        templates = {key: value for key, value in given.items() if isinstance(value, str) and value != "auto"}
        named.update({key: value for key, value in templates.items() if value.isidentifier()})
        for key, column in named.items():
            if column is not None and column not in columns:
                raise ours.wrong(key, column, f"is no column of the data; {did_you_mean(str(column), columns)}")
        for key, template in templates.items():
            try:
                apply_template(template, self._documents[0])
            except BROKEN as error:
                if isinstance(error, jinja2.TemplateSyntaxError) or not _variables(template) <= set(columns):
                    raise ours.wrong(key, template, f"cannot be rendered ({error}); columns: {', '.join(columns)}") from None

    def item(self, doc: Mapping[str, Any], number: int) -> Item:
        """The document as an item. number: of the document. UsageError naming file and document for what is missing or cannot be read."""
        ours = self.paired_config
        where = self._where(number)
        asked = self._question(doc, where)
        if not asked.text.strip():
            raise UsageError(f"{where}: doc_to_text gives no words; the written form must say what the clip says")
        if ours.cluster and doc[ours.cluster] in (None, ""):
            raise UsageError(f"{where}: cluster: column '{ours.cluster}' is empty; fill it in, or write null to group nothing")
        clip, spoken = self._clip(doc, asked, where)
        item = Item(
            id=f"{ours.task}/{number}",
            task=ours.task,
            text=asked.text,
            clip=clip,
            target=asked.target,
            cluster=f"{ours.family}/{doc[ours.cluster]}" if ours.cluster else f"{ours.task}/{number}",
            family=ours.family,
            options=asked.options if self.OUTPUT_TYPE == "multiple_choice" else (),
            chance=asked.chance,
            system=self.system,
            generation=self.gen_kwargs or ours.generation,
            words=word_spans(doc[ours.word_times], asked.text, f"{where}: word_times: {ours.word_times}") if ours.word_times else (),
            fields=self._fields(doc, asked),
            variants=ours.variants,
            spoken=spoken,
        )
        for rule in ours.scorers:
            check(rule, known_of(item))  # a scorer that cannot judge it says so before anything is run
        return item

    def _clip(self, doc: Mapping[str, Any], asked: Question, where: str) -> tuple[Clip, str | None]:
        """The clip, and the words of one that a voice says."""
        ours, row = self.paired_config, doc[ROW]
        if ours.speech is not None:
            spoken = self._spoken(doc, asked, where)
            try:
                return clip_of(spoken, ours.speech.manner), spoken
            except UsageError as error:
                raise UsageError(f"{where}: speech: {error}") from None
        return clip_from_bytes(lambda: audio_bytes(self._audio[row][ours.audio], ours, self.folder, where), f"{where}: {ours.audio}"), None

    def _spoken(self, doc: Mapping[str, Any], asked: Question, where: str) -> str:
        ours = self.paired_config
        assert ours.speech is not None
        return spoken_form(ours.speech, {k: v for k, v in doc.items() if k != ROW}, asked.text, asked.options, where)

    def spoken_forms(self, limit: int | None) -> Iterator[tuple[int, str | UsageError]]:
        """(number, words for the voice) of the first `limit` documents, or all; the error of one that has no such words."""
        for number, doc in self.doc_iterator(limit=limit):
            where = self._where(number)
            try:
                yield number, self._spoken(doc, self._question(doc, where), where)
            except UsageError as error:
                yield number, error

    def _where(self, number: int) -> str:
        return f"{self.paired_config.source}: {self.paired_config.task} item {number}"

    def items(self, limit: int | None) -> Iterator[Item]:
        """The first `limit` documents as items, or all; those that cannot be used are passed over if that was asked for."""
        for number, doc in self.doc_iterator(limit=limit):
            try:
                yield self.item(doc, number)
            except UsageError:
                if not self.skip_bad_items:
                    raise

    def _question(self, doc: Mapping[str, Any], where: str) -> Question:
        """The written form. UsageError for templates, options, targets and chances that make no sense."""
        text = str(self._rendered("doc_to_text", self.doc_to_text, doc, where))
        target = self._rendered("doc_to_target", self.doc_to_target, doc, where)
        chance = self._rendered("chance", self._chance, doc, where)
        choices = () if self.config.doc_to_choice is None else self._rendered("doc_to_choice", self.doc_to_choice, doc, where)
        options = listed(choices, where)
        for key, rendered in (("doc_to_text", text), ("doc_to_target", target)):
            check_rendered(key, getattr(self.config, key), rendered, doc, where)
        if options:
            check_options(options, where)
        guessed = 1 / len(options) if options else None
        column, needed = self.config.doc_to_target in self._documents.column_names, self.paired_config.needs_target
        unfit = f"{where}: chance gives {chance!r}; it must give a number from 0 to 1"
        return Question(
            text=text,
            target=resolve_target(target, options, column, where, needed),
            options=options,
            chance=guessed if chance == "auto" else None if chance is None else fraction(chance, unfit),
        )

    def _rendered(self, key: str, render: Callable[[Mapping[str, Any]], Any], doc: Mapping[str, Any], where: str) -> Any:
        """What a template makes of a document; UsageError naming item, key and template where it fails on this one."""
        try:
            return render(doc)
        except BROKEN as error:
            template = self.paired_config.chance if key == "chance" else getattr(self.config, key)
            raise UsageError(
                f"{where}: {key}: {template!r} cannot be rendered ({_first_line(error)}); correct the template or the data"
            ) from None

    def _chance(self, doc: Mapping[str, Any]) -> Any:
        chance = self.paired_config.chance
        return apply_template(chance, doc) if isinstance(chance, str) and chance != "auto" else chance

    def _fields(self, doc: Mapping[str, Any], asked: Question) -> dict[str, Any]:
        """What a scorer may look at: the document's columns, the options as they were rendered, and the voice where there is one."""
        columns = {k: v for k, v in doc.items() if k not in (ROW, self.paired_config.word_times)}
        if self.paired_config.speech is not None:
            columns["voice"] = self.paired_config.speech.manner.voice
        return columns | ({"options": asked.options} if asked.options else {})

    # ------------------------------------------------------------------------------------------------ requests and results

    def build_all_requests(self, **kwargs: Any) -> None:
        """One request per document; without pairing, lm-eval's own way."""
        if not self.paired:
            super().build_all_requests(**kwargs)
            return
        shares = {key: kwargs[key] for key in ("limit", "rank", "world_size", "samples") if kwargs.get(key) is not None}
        documents = list(self.doc_iterator(**shares))
        with tqdm(documents, desc=f"reading {self.task_name}", unit="clip", leave=False, disable=None) as reading:
            self._instances = [self.construct_requests(doc, "", metadata=(self.task_name, number, 1)) for number, doc in reading]

    def construct_requests(self, doc: Mapping[str, Any], ctx: str, **kwargs: Any) -> Any:
        """One `observe` request that carries the item; without pairing, the requests of lm-eval for the written side."""
        if not self.paired:
            return super().construct_requests(doc, ctx, **kwargs)
        metadata = kwargs["metadata"]
        try:
            item: Item | UsageError = self.item(doc, metadata[1])
        except UsageError as error:
            if not self.skip_bad_items:
                raise
            item = error
        text = item.text if isinstance(item, Item) else ""
        return Instance(request_type="observe", doc=doc, arguments=(text, item), idx=0, metadata=metadata)

    def apply_filters(self) -> None:
        """The filter pipelines, each over the answers of one condition at a time."""
        if not self.paired:
            super().apply_filters()
            return
        for ensemble in self._filters:
            answers: dict[int, dict[str, str]] = {}
            for condition in {c for inst in self._instances for c in inst.resps[0].observations}:
                shadows = [
                    Instance(
                        request_type="observe", doc=i.doc, arguments=i.arguments, idx=k, resps=[i.resps[0].observations[condition].answer]
                    )
                    for k, i in enumerate(self._instances)
                    if condition in i.resps[0].observations
                ]
                ensemble.apply(shadows)
                for shadow in shadows:
                    answers.setdefault(shadow.idx, {})[condition] = _text(shadow.filtered_resps[ensemble.name])
            for k, inst in enumerate(self._instances):
                seen: Observed = inst.resps[0]
                kept = {c: dataclasses.replace(o, answer=answers[k][c]) for c, o in seen.observations.items()}
                inst.filtered_resps[ensemble.name] = dataclasses.replace(seen, observations=kept)

    def pair_of(self, observed: Observed) -> Pair | None:
        """Every condition's answer scored by the same rules; None for a document that was left out."""
        item = observed.item
        if item is None or not observed.observations:
            return None
        return paired(item, observed.observations, self.paired_config.scorer, self.unread, self.paired_config.other_scorers)

    def joined(self, found: Mapping[str, Mapping[str, Observation]]) -> list[Pair]:
        """The pairs with observations made after the evaluation loop: item id -> name -> observation. Filtered and scored as all others."""
        for inst in self._instances:
            seen: Observed = inst.resps[0]
            later = found.get(seen.item.id, {}) if seen.item else {}
            inst.resps[0] = dataclasses.replace(seen, observations={**seen.observations, **later})
        self.apply_filters()
        scored = [self.pair_of(inst.filtered_resps[self._filters[0].name]) for inst in self._instances]
        return [pair for pair in scored if pair is not None]

    def process_results(self, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        """Scores per condition and the gap, as fractions; metrics of a `metric_list` as `NAME:text` and `NAME:speech`.

        No score of a scorer that needs a judge's votes, which are asked for after the loop.
        """
        if not self.paired:
            own = super().process_results(doc, results) if self._metric_fn_list else {}
            return own if needs_judge(self.paired_config.scorer) else {"text": self._written(doc, results).score, **own}
        pair = self.pair_of(results[0])
        if pair is None:
            return {}
        scores: dict[str, Any] = {condition: verdict.score for condition, verdict in pair.verdicts.items() if condition not in CANARY}
        if {"text", "speech"} <= scores.keys():
            scores["gap"] = scores["text"] - scores["speech"]
        for condition in ("text", "speech") if self._metric_fn_list else ():
            if condition in pair.observations and self._judgeable(pair.observations[condition]):
                own = super().process_results(doc, self._as_lm_eval(pair.observations[condition]))
                scores.update({f"{metric}:{condition}": value for metric, value in own.items()})
        return scores

    def _judgeable(self, observation: Observation) -> bool:
        """Whether lm-eval's own metrics have what they read: of an item with options that was answered freely they have not."""
        return self.OUTPUT_TYPE != "multiple_choice" or bool(observation.option_logprobs)

    def _as_lm_eval(self, observation: Observation) -> list[Any]:
        """An observation in the form that lm-eval's own metrics expect."""
        if self.OUTPUT_TYPE == "multiple_choice":
            return [(logprob, False) for logprob in observation.option_logprobs]
        return [observation.answer]

    def _written(self, doc: Mapping[str, Any], results: Sequence[Any]) -> Verdict:
        """The verdict of plain lm-eval's run on the written side."""
        name = f"{self.paired_config.task}/{doc[ROW]}"
        asked = self._question(doc, name)
        choice = self.OUTPUT_TYPE == "multiple_choice"
        answer = asked.options[max(range(len(results)), key=lambda k: results[k][0])] if choice else _text(results[0])
        shown = known(self._fields(doc, asked), id=name, text=asked.text, target=asked.target, chance=asked.chance)
        return judge(self.paired_config.scorer, answer, shown, self.unread)

    def aggregation(self) -> dict[str, Any]:
        """Means; a metric of `metric_list` by its own rule, for either form."""
        return _Defaulting(
            {f"{m}:{c}": rule for m, rule in self._aggregation_list.items() for c in ("text", "speech")} | self._aggregation_list
        )

    def higher_is_better(self) -> dict[str, bool]:
        """A gap is better small, everything else large."""
        own = {f"{m}:{c}": better for m, better in self._higher_is_better.items() for c in ("text", "speech")}
        return {"text": True, "speech": True, "gap": False, **own}


def _included_metadata(source: str) -> dict[str, Any]:
    """The metadata of a YAML and of what it includes, of which lm-eval keeps the YAML's own only."""
    known = merged(Path(source)).get("metadata") if Path(source).is_file() else None
    return known if isinstance(known, dict) else {}


class _Defaulting(dict[str, Any]):
    """Aggregations by name; what is not named is averaged, because every condition of a run is a score."""

    def __missing__(self, key: str) -> Any:
        return mean


class PairedLM(LanguageModelFace, LM):  # type: ignore[misc]
    """The face lm-eval sees: `observe` for paired tasks; `loglikelihood` and `generate_until` for any of lm-eval's text tasks."""


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
        check_file(file, _config_keys())
    foreign = [name for name in reached if name not in catalog.names and name not in own_files]
    manager = TaskManager(include_path=list(catalog.folders), include_defaults=False)
    theirs = _tasks_of_lm_eval() if foreign else {}
    for name in foreign:
        if name not in theirs:
            where = f"{reached[name]}: " if reached[name] else ""
            near = next((k for k in (catalog.names, theirs) if "did you mean" in did_you_mean(name, k)), catalog.names)
            raise UsageError(f"{where}no task is called '{name}'; {did_you_mean(name, near)}")
    manager.task_index.update({name: entry for name, entry in theirs.items() if name not in manager.task_index})
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
        raise UsageError(f"tasks {', '.join(names)} cannot be built ({_reason(error)}); {hint}") from None
    for name, task in raw["tasks"].items():
        check_task(name, task, METRIC_REGISTRY.keys())
    return Loaded(dict(raw["tasks"]), dict(raw), tuple(names))


@cache
def _tasks_of_lm_eval() -> dict[str, Any]:
    """lm-eval's own tasks, groups and tags, read once: it takes seconds."""
    return dict(TaskManager().task_index)


def _config_keys() -> list[str]:
    return [field.name for field in dataclasses.fields(TaskConfig)]


def run_harness(lm: PairedLM, tasks: Loaded, limit: int | None) -> dict[str, Any]:
    """lm-eval's evaluation loop over the tasks; its results with samples."""
    results: dict[str, Any] = lm_evaluate(
        lm=lm, task_dict=tasks.raw, limit=limit, bootstrap_iters=1000, log_samples=True, confirm_run_unsafe_code=False
    )
    return results


def pairs_of(results: Mapping[str, Any], tasks: Loaded) -> dict[str, list[Pair]]:
    """Task -> its pairs, from the samples of lm-eval's results (of its first filter pipeline)."""
    pairs: dict[str, list[Pair]] = {}
    for name, task in tasks.paired.items():
        first = results["samples"][name][0]["filter"] if results["samples"][name] else None
        scored = [task.pair_of(s["filtered_resps"][0]) for s in results["samples"][name] if s["filter"] == first]
        pairs[name] = [pair for pair in scored if pair is not None]
    return pairs


def left_out(results: Mapping[str, Any], tasks: Loaded) -> list[str]:
    """Why documents were left out, one line each."""
    lines = (s["filtered_resps"][0].why for name in tasks.paired for s in results["samples"][name])
    return list(dict.fromkeys(line for line in lines if line))  # each filter pipeline repeats them


def harness_table(results: Mapping[str, Any], names: Collection[str]) -> str:
    """lm-eval's own table of the named tasks."""
    parts = ("results", "versions", "n-shot", "higher_is_better")
    return str(make_table({part: {name: copy.deepcopy(results[part][name]) for name in names} for part in parts}))


def _text(answer: Any) -> str:
    """What a filter left as an answer: the one element of a list; nothing where it found nothing."""
    only = answer[0] if isinstance(answer, (list, tuple)) and answer else answer
    return "" if only == INVALID else str(only)


def _variables(template: str) -> set[str]:
    """The names that a template looks up in a document."""
    environment = jinja2.Environment()
    return jinja2.meta.find_undeclared_variables(environment.parse(template)) - environment.globals.keys()


def _reason(error: BaseException) -> str:
    """The first line of what lies behind an error: datasets wraps the reason in general words."""
    return _first_line(error.__cause__ if isinstance(error, datasets.exceptions.DatasetsError) and error.__cause__ else error)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
