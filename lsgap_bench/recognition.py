"""What the cascade's recognizer wrote down: its word error rate, by task and by voice, and how much of the gap that explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lsgap_bench.bootstrap import ClusterSums, Floats, Weights, independent_blocks, mean_interval, present_items, weighted, why_no_mean
from lsgap_bench.schema import NOT_MADE, NOT_RUN, Estimate, Recognition, absent
from lsgap_bench.stats import group_mean
from lsgap_bench.task_tables import TaskTable, weights_of

_RESAMPLES = 10_000
_FAULTLESS = "a transcript without an error"


def recognition_of(tables: Sequence[TaskTable]) -> Recognition:
    """Word error rates, and the gap split by item, of one task or the mean over several; what is absent says why."""
    filled = [table for table in tables if table.items]
    if not filled or not all("cascade" in table.systems for table in filled):
        return Recognition(wer=NOT_RUN, loss=NOT_RUN, rest=NOT_RUN, gap_heard=NOT_RUN, loss_heard=NOT_RUN)

    def lacking(*names: str) -> str | None:
        return next((f"{name} was not run" for name in names if not all(name in {**t.scores, **t.systems} for t in filled)), None)

    gap = [table.score("text") - table.score("speech") for table in tables]
    loss = [table.system("base") - table.system("cascade") for table in tables]
    rest = [whole - part for whole, part in zip(gap, loss, strict=True)]
    counted = None if all(table.transcripts for table in filled) else NOT_MADE.why
    return Recognition(
        wer=absent(counted, "WER") if counted else word_error_rate([counts_of(table) for table in tables], weights_of(tables)),
        wer_by_voice={} if counted else _by_voice(tables),
        loss=_mean(tables, loss, lacking("base")),
        rest=_mean(tables, rest, lacking("base", "text", "speech")),
        gap_heard=_mean(tables, _heard(tables, gap), counted or lacking("text", "speech"), _FAULTLESS),
        loss_heard=_mean(tables, _heard(tables, loss), counted or lacking("base"), _FAULTLESS),
    )


def word_error_rate(parts: Sequence[tuple[Floats, Floats, Sequence[str]]], weights: Weights = None) -> Estimate:
    """The errors of a task over its words, mean over tasks, with its 95 % interval; a fraction, unit "WER".

    parts: (errors (items,), words (items,), clusters) per task, NaN in both = absent. weights: as for `group_mean`. Errors and words of a
    resample come from the same draw of clusters; otherwise as `group_mean`. Not the mean of the items' own rates, in which a word of a
    short question would count more.
    """
    errors = [present_items(of_items, clusters) for of_items, _, clusters in parts]
    words = [present_items(of_items, clusters) for _, of_items, clusters in parts]
    n = sum(len(part.values) for part in errors)
    if why := why_no_mean(errors, "words to compare"):
        return absent(why, "WER", n)
    sides = zip(independent_blocks(weighted(errors, weights)), independent_blocks(words), strict=True)
    blocks = [ClusterSums(wrong.totals, said.totals) for wrong, said in sides]
    value = float(np.concatenate([block.means for block in blocks]).mean())
    low, high, method, why = mean_interval(blocks, _RESAMPLES, 0)
    return Estimate(value, low, high, n, "WER", f"all errors over all words, {method}", why)


def _by_voice(tables: Sequence[TaskTable]) -> dict[str, Estimate]:
    """Of every voice that speaks in each of the tasks."""
    common = set.intersection(*({voice for voice in table.voices if voice} for table in tables))
    return {voice: word_error_rate([counts_of(table, voice) for table in tables], weights_of(tables)) for voice in sorted(common)}


def counts_of(table: TaskTable, voice: str | None = None) -> tuple[Floats, Floats, Sequence[str]]:
    """Errors, words and clusters of a task's items, or of those that a voice speaks."""
    errors, words = table.transcript("word_errors"), table.transcript("reference_words")
    if voice is not None:
        others = np.array([name != voice for name in table.voices])
        errors, words = np.where(others, np.nan, errors), np.where(others, np.nan, words)
    return errors, words, table.clusters


def _heard(tables: Sequence[TaskTable], values: Sequence[Floats]) -> list[Floats]:
    """The values of the items whose transcript has no error, NaN for the others."""
    return [np.where(table.transcript("word_errors") == 0, of, np.nan) for table, of in zip(tables, values, strict=True)]


def _mean(tables: Sequence[TaskTable], values: Sequence[Floats], lacking: str | None, what: str = "a value") -> Estimate:
    """In points. lacking: why there is none. what: an item must have to be in it."""
    parts = [(of, table.clusters) for table, of in zip(tables, values, strict=True)]
    why = lacking or why_no_mean([present_items(*part) for part in parts], what)
    return absent(why) if why else group_mean(parts, weights=weights_of(tables))
