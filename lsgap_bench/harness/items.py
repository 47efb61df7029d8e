"""From a paired task's YAML and its data to items: what is loaded, which columns are there, what each document asks in both forms."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import jinja2
import jinja2.meta
import lm_eval
from lm_eval.api.registry import AGGREGATION_REGISTRY, METRIC_REGISTRY
from lm_eval.api.task import ConfigurableTask
from lm_eval.config.task import TaskConfig
from lm_eval.tasks._yaml_loader import load_yaml
from lm_eval.utils import apply_template

from lsgap_bench.data_files import check_text
from lsgap_bench.data_sources import Unreachable, contents_of, local_data, of_the_hub, remedy, state_of
from lsgap_bench.documents import audio_bytes, beside, check_options, check_rendered, listed, resolve_target, word_spans
from lsgap_bench.errors import UsageError, did_you_mean, first_line, with_kind
from lsgap_bench.harness.failures import BROKEN, reason_of
from lsgap_bench.judging import Unread, check, known_of
from lsgap_bench.schema import Clip, Generation, Item
from lsgap_bench.speech.clips import clip_from_bytes
from lsgap_bench.speech.synthesis import clip_of
from lsgap_bench.speech_block import spoken_form
from lsgap_bench.spoken_of import taken_over
from lsgap_bench.task_checks import STRUCTURAL, check_metrics
from lsgap_bench.task_config import PairedConfig, fraction, split_config
from lsgap_bench.yaml_files import merged

ROW = "lsgap_row"
INDEX = "__index_level_0__"  # a column that datasets adds to a CSV
_WORDS = {"keep_default_na": False}  # of a CSV: an answer "None" is a word, and an empty cell turns 7 into 7.0

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


class PairedItems(ConfigurableTask):  # type: ignore[misc]
    """The half of a `PairedTask` that ends with its items."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        config = {k: v for k, v in config.items() if k not in STRUCTURAL}
        source = str((config.get("metadata") or {}).get("config_source", "inline"))
        config = {**config, "metadata": {**_included_metadata(source), **(config.get("metadata") or {})}}
        original: dict[str, Any] = {}
        if config.get("spoken_of") is not None:
            config, original = taken_over(config, Path(lm_eval.__file__).parent / "tasks", load_yaml, source)
        self.paired_config, theirs = split_config(config, config_keys(), source, original)
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
            raise UsageError(f"{source}: the task cannot be built ({with_kind(error)}); correct the file") from None
        for name in _SHOWN_FIRST:
            delattr(self, name)

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        """Load the data; `data_files` and a local `dataset_path` are relative to the YAML file. Checks the split and the columns."""
        ours, arguments, name = self.paired_config, dict(dataset_kwargs or {}), str(self.config.dataset_path)
        for key in {"split", "streaming"} & arguments.keys():
            raise ours.wrong(f"dataset_kwargs: {key}", arguments[key], "is refused; leave it out and name the split as test_split")
        if name == "csv":
            arguments = _WORDS | arguments  # of a folder or the hub it is known only afterwards
        named = "data_files" in arguments and not of_the_hub(name)  # then dataset_path is a format, whatever folder is called so
        local = None if named else local_data(name, Path(ours.source).parent)
        if named:
            arguments["data_files"] = beside(arguments["data_files"], ours)
            check_text(arguments["data_files"], arguments, ours)
        elif local is not None:
            self.DATASET_PATH, self.folder = str(local), local
            check_text(local, arguments, ours)
            # datasets knows a folder with a README again by the README alone, and would give another copy's rows, or yesterday's
            arguments.setdefault("cache_dir", str(Path(datasets.config.HF_DATASETS_CACHE) / "local" / contents_of(local)))
        try:
            super().download(arguments, **kwargs)
            if any(part.info.builder_name == "csv" for part in self.dataset.values()) and not _WORDS.keys() & arguments.keys():
                super().download(arguments | _WORDS, **kwargs)
        except StopIteration:  # of datasets, for JSON lines without a line
            raise ours.wrong("dataset_path", name, "cannot be loaded (its files hold no rows); give files with data") from None
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            way_out = "correct what data_files names" if named else remedy(name, local, Path(ours.source).parent)
            refused = ours.wrong("dataset_path", name, f"cannot be loaded ({reason_of(error)}); {way_out}")
            unreachable = isinstance(error, ConnectionError) and local is None and of_the_hub(name)
            raise Unreachable(str(refused), name) if unreachable else refused from None
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
        if ours.speech:
            _check_say(ours, [*columns, "text", "options"])
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
        asked = self.question(doc, where)
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
            fields=self.fields_of(doc, asked),
            variants=ours.variants,
            spoken=spoken,
            manner=ours.speech.manner.beside_voice if ours.speech else {},
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
                yield number, self._spoken(doc, self.question(doc, where), where)
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

    def question(self, doc: Mapping[str, Any], where: str) -> Question:
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
                f"{where}: {key}: {template!r} cannot be rendered ({first_line(error)}); correct the template or the data"
            ) from None

    def _chance(self, doc: Mapping[str, Any]) -> Any:
        chance = self.paired_config.chance
        return apply_template(chance, doc) if isinstance(chance, str) and chance != "auto" else chance

    def fields_of(self, doc: Mapping[str, Any], asked: Question) -> dict[str, Any]:
        """What a scorer may look at: the document's columns, the options as they were rendered, and the voice where there is one."""
        columns = {k: v for k, v in doc.items() if k not in (ROW, self.paired_config.word_times)}
        if self.paired_config.speech is not None:
            columns["voice"] = self.paired_config.speech.manner.voice
        return columns | ({"options": asked.options} if asked.options else {})


def config_keys() -> list[str]:
    """The keys of lm-eval's task configuration."""
    return [field.name for field in dataclasses.fields(TaskConfig)]


def _included_metadata(source: str) -> dict[str, Any]:
    """The metadata of a YAML and of what it includes, of which lm-eval keeps the YAML's own only."""
    known = merged(Path(source)).get("metadata") if Path(source).is_file() else None
    return known if isinstance(known, dict) else {}


def _check_say(ours: PairedConfig, names: Sequence[str]) -> None:
    """UsageError where the words for the voice are a template that fails on every row. names: what it may look up."""
    assert ours.speech is not None
    try:
        unknown = sorted(_variables(ours.speech.say) - set(names))
    except jinja2.TemplateSyntaxError as error:
        raise ours.wrong("speech: say", ours.speech.say, f"cannot be rendered ({error}); correct the template") from None
    if unknown:
        raise ours.wrong("speech: say", ours.speech.say, f"looks up '{unknown[0]}', which is no column; {did_you_mean(unknown[0], names)}")


def _variables(template: str) -> set[str]:
    """The names that a template looks up in a document."""
    environment = jinja2.Environment()
    return jinja2.meta.find_undeclared_variables(environment.parse(template)) - environment.globals.keys()
