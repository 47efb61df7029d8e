"""The missing clips of tasks whose questions a voice says, all made at once before anything is run."""

from __future__ import annotations

from collections.abc import Iterable

from tqdm import tqdm

from lsgap_bench.errors import UsageError
from lsgap_bench.harness import PairedTask
from lsgap_bench.speech.synthesis import Utterance, made, missing, refuse_costs


def make_clips(tasks: Iterable[PairedTask], limit: int | None = None) -> None:
    """Make what the cache lacks of the first `limit` documents of each task, side by side, with a progress bar.

    What cannot be made is said where its item is read, which may be passed over. UsageError where nothing at all can be made, as of a
    voice that does not exist, and where making it would cost money.
    """
    lacking = [said for task in tasks for said in missing(utterances(task, limit))]
    for voice in dict.fromkeys(said.manner for said in lacking):
        refuse_costs(voice, sum(said.manner == voice for said in lacking))
    if lacking:
        with tqdm(total=len(lacking), desc="making clips", unit="clip") as bar:
            failed = []
            for _, error in made(lacking):
                failed += [error] if error else []
                bar.update()
        if len(failed) == len(lacking):
            raise UsageError(f"none of the {len(lacking)} clips to be made can be made: {failed[0]}")


def utterances(task: PairedTask, limit: int | None) -> list[Utterance]:
    """What the voice of a task says; nothing for a task of recordings."""
    speech = task.paired_config.speech
    if speech is None:
        return []
    return [Utterance(said, speech.manner) for _, said in task.spoken_forms(limit) if isinstance(said, str)]
