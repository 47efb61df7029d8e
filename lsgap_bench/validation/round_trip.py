"""What a recognizer hears in the clips, against what they are said to say: a word error rate per clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from lsgap_bench.schema import Item
from lsgap_bench.speech.recognizers import Recognizer
from lsgap_bench.store import open_store
from lsgap_bench.systems import transcribe
from lsgap_bench.validation.findings import Finding
from lsgap_bench.word_errors import WordErrors, word_errors

_BATCH = 16  # clips


@dataclass(frozen=True)
class RoundTrip:
    """How to hear the clips again. max_wer: errors per word of a clip, above which it is told."""

    recognizer: Recognizer
    max_wer: float

    def hear(self, items: Sequence[Item], source: str) -> tuple[float | None, list[Finding]]:
        """The errors of all clips over all their words (None where there are no words), and a warning for each clip above `max_wer`."""
        with open_store(None, resume=False) as store, tqdm(total=len(items), desc="hearing", unit="clip", leave=False, disable=None) as bar:
            heard = transcribe(items, self.recognizer, None, _BATCH, store, bar.update)
        transcripts = {item.id: heard[item.id].transcript or "" for item in items}
        counted = {item.id: word_errors(item.spoken or item.text, transcripts[item.id]) for item in items}
        found = [counts for counts in counted.values() if counts]
        words = sum(counts.words for counts in found)
        wer = sum(counts.errors for counts in found) / words if words else None
        return wer, list(self._told(items, transcripts, counted, source))

    def _told(
        self, items: Sequence[Item], transcripts: dict[str, str], counted: dict[str, WordErrors | None], source: str
    ) -> Iterator[Finding]:
        for item in items:
            counts = counted[item.id]
            if counts and counts.errors > self.max_wer * counts.words:
                rate = counts.errors / counts.words
                yield Finding(f"{source}: {item.id}: WER {rate:.2f}: {item.spoken or item.text!r} was heard as {transcripts[item.id]!r}")
