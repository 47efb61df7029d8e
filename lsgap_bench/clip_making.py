"""The missing clips of what a voice says in a run, all made at once before anything is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress

from tqdm import tqdm

from lsgap_bench.errors import UsageError
from lsgap_bench.harness import PairedTask
from lsgap_bench.schema import Condition, Item
from lsgap_bench.sieve import Sieved, sieved
from lsgap_bench.speech.synthesis import Manner, Utterance, made, missing, refuse_costs
from lsgap_bench.variants import of_item, own_clip, utterance


def make_clips(tasks: Iterable[PairedTask], limit: int | None = None) -> None:
    """Make what the cache lacks of the first `limit` documents of each task, side by side, with a progress bar.

    What cannot be made is said where its item is read, which may be passed over. UsageError where a voice can say nothing of what it is
    to say, as one that does not exist, and where making it would cost money.
    """
    _make([said for task in tasks for said in utterances(task, limit)])


def make_variants(items: Sequence[Item], conditions: Sequence[Condition], skip_bad_items: bool) -> Sieved:
    """The same for variants in which another voice says the words of some items.

    An item that it cannot say is left out if `skip_bad_items`, else UsageError.
    """
    names = [c.variant for c in conditions if c.variant is not None]
    said: list[Utterance] = []
    for item in items:
        with suppress(UsageError):  # told below
            said += [one for name in names if (one := utterance(item, of_item(item, name))) is not None]
    _make(said)
    return sieved(items, lambda item: [own_clip(item, of_item(item, name)) for name in names], skip_bad_items)


def _make(wanted: Sequence[Utterance]) -> None:
    lacking = missing(wanted)
    for voice in dict.fromkeys(said.manner for said in lacking):
        refuse_costs(voice, sum(said.manner == voice for said in lacking))
    failed: dict[Manner, list[UsageError]] = {}
    with tqdm(total=len(lacking), desc="making clips", unit="clip", disable=None if lacking else True) as bar:
        for said, error in made(lacking):
            if error is not None:
                failed.setdefault(said.manner, []).append(error)
            bar.update()
    asked = Counter(said.manner for said in set(wanted))  # also what is there: it must not depend on the cache what is refused
    for voice, errors in failed.items():
        if len(errors) == asked[voice]:
            raise UsageError(f"the voice '{voice.voice}' can make none of its {len(errors)} clips: {errors[0]}")


def utterances(task: PairedTask, limit: int | None) -> list[Utterance]:
    """What the voice of a task says; nothing for a task of recordings."""
    speech = task.paired_config.speech
    if speech is None:
        return []
    return [Utterance(said, speech.manner) for _, said in task.spoken_forms(limit) if isinstance(said, str)]
