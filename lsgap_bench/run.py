"""The whole flow: names -> tasks and model -> lm-eval's loop over the fused pass -> pairs -> record."""

from __future__ import annotations

import dataclasses
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lsgap_bench.batch_size import fitting
from lsgap_bench.block_curves import block_rows
from lsgap_bench.checks import collect_checks
from lsgap_bench.clip_making import make_clips, make_variants
from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.example import AlignmentExample, alignment_example
from lsgap_bench.forecast import Forecast, forecast
from lsgap_bench.harness import PairedLM, left_out, load_tasks, pairs_of, run_harness
from lsgap_bench.hearing import with_sound, within_hearing
from lsgap_bench.judged_pairs import check_judge, judged_pairs
from lsgap_bench.judging import needs_judge, unread_of
from lsgap_bench.kept_items import item_rows
from lsgap_bench.lacking import refuse_lacking, refuse_unlike, unmeasured
from lsgap_bench.models.adapter import SpeechLM, where
from lsgap_bench.observe import Observer, Plan, observations_by_item
from lsgap_bench.option_lists import spreads
from lsgap_bench.panel import panel_of
from lsgap_bench.plugins import load_plugins
from lsgap_bench.reading import with_known_words
from lsgap_bench.records import Rows, to_plain
from lsgap_bench.registry import models
from lsgap_bench.resources import DEMO_MODEL
from lsgap_bench.run_folder import save_run
from lsgap_bench.run_log import run_log
from lsgap_bench.run_record import log_record, record_of
from lsgap_bench.run_rows import curve_rows, sample_rows
from lsgap_bench.run_state import Passed, Run
from lsgap_bench.schema import CANARY, BlockTerms, Condition, Item, Observation, Pair, Record
from lsgap_bench.settings import Settings
from lsgap_bench.store import check_writable, open_store
from lsgap_bench.systems import companions_of, forecast_companions, make, observe_companions, release
from lsgap_bench.task_config import parse_generation
from lsgap_bench.text_controls import forecast_text_controls, observe_text_controls, transcripts, with_known_spoken_words
from lsgap_bench.variants import longest, refuse_unknown

logger = logging.getLogger(__name__)

CANARY_ITEMS = 48


@dataclass(frozen=True)
class Evaluation:
    """A finished run. record: the leaderboard line. results: lm-eval's own results. pairs: task -> items with all observations.

    rows: what samples.jsonl, layers.parquet and blocks.parquet hold, of which the record is made.
    """

    record: Record
    results: Mapping[str, Any]
    pairs: Mapping[str, Sequence[Pair]]
    rows: Rows
    folder: Path | None = None
    example: AlignmentExample | None = None

    def table(self) -> str:
        """What the terminal shows."""
        from lsgap_bench.report import run_tables

        return run_tables(self.record)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON types, as in record.json."""
        plain: dict[str, Any] = to_plain(self.record)
        return plain

    def save(self, folder: str | Path) -> Path:
        """Write the files and plots of a run folder, record.json at last; returns the folder."""
        items = item_rows(pair.item for of_task in self.pairs.values() for pair in of_task)
        return save_run(Path(folder), self.record, self.results, self.rows, items, self.example)


def evaluate(**arguments: Any) -> Evaluation:
    """Run a model on paired tasks; the arguments are the fields of `Settings`, as `lsgap run` takes them.

    Without `output_path` nothing is written. UsageError for bad input, before anything is run; TypeError for an unknown argument.
    """
    for name in arguments:
        if name not in inspect.signature(Settings).parameters:
            raise TypeError(f"evaluate() has no argument '{name}'; {did_you_mean(name, inspect.signature(Settings).parameters)}")
    started = datetime.now(timezone.utc)
    run = prepare(Settings(**arguments))
    with run_log(run.folder) as begin_log:
        logger.info("settings: %s", dataclasses.asdict(run.settings))
        logger.info("model: %s on %s", dict(run.model.info), where(run.model))
        passed = _pass(run, begin_log)
        pairs, systems = _beside(run, passed)
        pairs, judge = judged_pairs(pairs, run.rules, run.panel, unread_of(run.plan.choices))
        rows = _rows(run, pairs)
        record = record_of(run, passed, pairs, rows, systems, judge, started)
        evaluation = Evaluation(record, passed.results, pairs, rows, run.folder, passed.example)
        log_record(record, run.skipped)
        if run.folder is not None:
            evaluation.save(run.folder)
            logger.info("files: %s", ", ".join(sorted(path.name for path in run.folder.iterdir())))
    return evaluation


setattr(evaluate, "__signature__", inspect.signature(Settings).replace(return_annotation=Evaluation))  # noqa: B010 - for help() and editors


def prepare(settings: Settings) -> Run:
    """Resolve every name and check every setting; what costs little first, and nothing is written but into the caches."""
    load_plugins(settings.include_path)
    choices, conditions, names = settings.rules.settled(settings.choices), settings.parsed_conditions(), settings.representation_metrics()
    companions, panel = companions_of(settings), panel_of(settings.judge, settings.judge_args)
    if settings.output_path is not None:
        check_writable(Path("lsgap_results" if settings.output_path == "auto" else settings.output_path))
    generation = partial(parse_generation, settings.gen_kwargs, "--gen_kwargs")
    generation()
    within_hearing((), None, settings.long_clips)
    settings.check_batch_size()
    tasks = load_tasks(settings.task_names(), settings.include_path)
    for task in tasks.paired.values():
        task.pair(settings.system_instruction, lambda base: generation(base=base), settings.skip_bad_items, unread_of(choices))
    check_judge(panel, {name: task.paired_config.scorer for name, task in tasks.paired.items()})
    unpaired = sorted(tasks.by_name.keys() - tasks.paired.keys())
    if unpaired and (settings.gen_kwargs or settings.system_instruction):
        raise UsageError(
            f"{', '.join(unpaired)} are text tasks of lm-eval, which run as lm-eval defines them; leave out --gen_kwargs and "
            "--system_instruction"
        )
    if companions.asked and not tasks.paired:
        raise UsageError(f"{', '.join(unpaired)} are text tasks of lm-eval, which have no spoken side; leave out --systems")
    refuse_unknown(conditions, {name: task.paired_config.variants for name, task in tasks.paired.items()})
    turns = sorted({task.system for task in tasks.paired.values() if task.system})
    models[settings.model]  # an unknown name is said before anything is loaded
    make_clips(tasks.paired.values(), settings.limit)
    base = companions.check(turns)
    model = _model(settings)
    refuse_lacking(model, conditions, unpaired)
    if base is not None:
        refuse_unlike(model, base, [name for name, task in tasks.paired.items() if task.OUTPUT_TYPE == "multiple_choice"])
    _check_layers(conditions, model)
    for turn in turns:
        model.check_system(turn)
    canary = CANARY_ITEMS if any(c.name == "speech" for c in conditions) else 0
    absent = unmeasured(model, [*names, *settings.answer_metrics()])
    measured = tuple(name for name in names if name not in absent)
    fused, controls = (tuple(c for c in conditions if (c.read == "text") == own) for own in (True, False))
    plan = Plan(fused, measured, settings.items_per_batch(model), settings.seed, canary, choices)
    return Run(settings, tasks, model, plan, settings.folder(model), companions, absent, panel, controls=controls)


def _model(settings: Settings) -> SpeechLM:
    arguments = dict(settings.model_args)
    if settings.demo:
        arguments["pretrained"] = str(DEMO_MODEL)
    if settings.device is not None:
        arguments["device"] = settings.device
    model: SpeechLM = make(models[settings.model], arguments, "--model_args", None, "models")
    if not hasattr(model, "sampling_rate"):
        raise UsageError(f"model '{settings.model}' reads and does not hear; give it as --base beside a speech language model")
    return model


def _warn_of_last_layer(conditions: Sequence[Condition], model: SpeechLM) -> list[str]:
    """Edits that no answer can show."""
    late = [c.name for c in conditions if c.layer == model.num_layers]
    named = late[0] if len(late) == 1 else f"{len(late)} conditions (@{model.num_layers})" if late else ""
    return [f"{named}: the clip's states after the last block are in no answer, so to edit them gains 0 by construction"] if late else []


def _check_layers(conditions: Sequence[Condition], model: SpeechLM) -> None:
    for condition in conditions:
        if isinstance(condition.layer, int) and condition.layer > model.num_layers:
            raise UsageError(
                f"condition '{condition.name}': {model.name} has layers 0 to {model.num_layers}, not {condition.layer}; choose one of these"
            )


def _pass(run: Run, begin_log: Callable[[], None]) -> Passed:
    """lm-eval's loop over the fused pass of the speech language model, and its checks."""
    lm = PairedLM(run.model, partial(_observe, run=run, begin_log=begin_log), run.plan.batch_size)
    results = run_harness(lm, run.tasks, run.settings.limit)
    begin_log()
    pairs = pairs_of(results, run.tasks)
    run.skipped += left_out(results, run.tasks)
    counts = {"truncated_clips": run.truncated, "skipped_items": len(run.skipped)}
    first = next((pair.item for of_task in pairs.values() for pair in of_task), None)
    known = _warn_of_last_layer(run.plan.conditions, run.model)
    checks = collect_checks(run.model, pairs, run.batch_sizes, counts, known) if first else {}
    example = alignment_example(run.model, first) if first and run.plan.metrics else None
    return Passed(results, pairs, run.model.info, where(run.model), checks, example)


def _beside(run: Run, passed: Passed) -> tuple[Mapping[str, Sequence[Pair]], Mapping[str, Any]]:
    """The pairs with the answers of base and cascade, and what is known of the two. The speech language model is let go first."""
    items = [pair.item for of_task in passed.pairs.values() for pair in of_task]
    if not run.companions.asked or not items:
        return passed.pairs, {}
    max_seconds = run.model.max_seconds
    del run.model
    release()
    with open_store(run.folder, resume=True) as store:  # even without --resume: this run has begun it
        beside = observe_companions(run.companions, items, run.plan, max_seconds, store, run.heard)
    for line in beside.left_out:
        logger.warning("left out of base and cascade: %s", line)
    return {name: task.joined(beside.found) for name, task in run.tasks.paired.items()}, beside.info


def _observe(items: Sequence[Item], run: Run, begin_log: Callable[[], None]) -> dict[str, dict[str, Observation]]:
    """The fused pass over all items of a run, with its store and its progress bar."""
    playable = _playable(items, run)
    run.plan = _sized(run, playable)
    observer = Observer(playable, run.model, run.plan)
    begin_log()
    resume = run.settings.resume
    with open_store(run.folder, resume) as store, open_store(run.folder, resume, BlockTerms) as blocks:
        kept = len(store)
        run.heard = transcripts(run.controls, run.companions, playable, run.plan, run.model.max_seconds, store)
        with tqdm(total=len(playable), unit="item", desc="observing") as bar:
            if kept:
                logger.info("%d observations are kept from before; those that nothing has changed for are not made again", kept)
                bar.set_postfix_str(f"{kept} observations kept from before")
            found = observer.observe(store, bar.update, blocks)
        found |= observe_text_controls(run.controls, playable, run.model, run.plan, found, run.heard, store)
    run.batch_sizes, run.blocks = observer.batch_sizes, observer.block_terms()
    return observations_by_item(found)


def _playable(items: Sequence[Item], run: Run) -> Sequence[Item]:
    """The items whose clips the model can hear and whose words it can read; what is left out and cut is counted in `run`.

    UsageError when none is left.
    """
    unfair = next((spread for spread in spreads(items) if spread.one_chance), None)
    if unfair:
        raise UsageError(unfair.line)
    voiced = make_variants(items, run.plan.conditions, run.settings.skip_bad_items)
    heard = within_hearing(voiced.items, run.model.max_seconds, run.settings.long_clips, lambda item: longest(item, run.plan.conditions))
    sound = with_sound(heard.items, run.model, run.settings.skip_bad_items)
    legible = with_known_words(sound.items, run.model, run.settings.skip_bad_items)
    said = with_known_spoken_words(run.controls, legible.items, run.model, run.settings.skip_bad_items)
    if not said.items:
        raise UsageError("no items are left to run; see --limit, --long_clips and --skip_bad_items")
    run.truncated = heard.truncated
    run.skipped += [*voiced.bad, *heard.skipped, *sound.bad, *legible.bad, *said.bad]
    return said.items


def _sized(run: Run, items: Sequence[Item]) -> Plan:
    """The plan with as many items per forward as fit, where that was left open."""
    if run.settings.batch_size != "auto":
        return run.plan
    size = fitting(items, run.model, run.plan)
    logger.info("batch size: %d items per forward", size)
    return dataclasses.replace(run.plan, batch_size=size)


def dry_run(**arguments: Any) -> Forecast:
    """What `evaluate` with the same arguments would do and about how long it would take; checks all input, and fills the caches only."""
    run = prepare(Settings(**arguments))
    items = [item for task in run.tasks.paired.values() for item in task.items(run.settings.limit)]
    playable, max_seconds = _playable(items, run), run.model.max_seconds
    run.plan = _sized(run, playable)
    told = dataclasses.replace(forecast(playable, run.model, run.plan), votes=_votes(run, playable))
    told = forecast_text_controls(run.controls, told, playable, run.model, run.plan, run.companions)
    del run.model
    release()
    return forecast_companions(run.companions, told, playable, run.plan, max_seconds)


def _votes(run: Run, items: Sequence[Item]) -> int:
    """How many votes a judge has to give at most."""
    if run.panel is None:
        return 0
    conditions = [c for c in (*run.plan.conditions, *run.controls) if c.name not in CANARY]
    waiting = sum(needs_judge(run.rules[item.task]) for item in items)
    return waiting * (len(conditions) + len(run.companions.asked)) * run.panel.votes


def _rows(run: Run, pairs: Mapping[str, Sequence[Pair]]) -> Rows:
    """What the files of a run hold, item by item."""
    everyone = [pair for of_task in pairs.values() for pair in of_task]
    return Rows(sample_rows(everyone, run.settings.answer_metrics()), curve_rows(everyone), block_rows(run.blocks))
