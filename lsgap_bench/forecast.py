"""What a run will cost, before it is started: items, forwards, and time and memory measured on a sample of it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tabulate import tabulate

from lsgap_bench.memory import peak_bytes
from lsgap_bench.models.adapter import SpeechLM, gives
from lsgap_bench.observe import Observer, Plan
from lsgap_bench.schema import Item
from lsgap_bench.store import open_store


@dataclass(frozen=True)
class Forecast:
    """items per task; minutes of speech; forwards by form; seconds: reckoned from `sampled` items; peak_bytes: of memory.

    Of a model that only answers, forwards are requests, and nothing is measured: sampled is 0, seconds NaN.
    votes: of a judge, at most: answers that are alike share theirs.
    """

    items: dict[str, int]
    minutes: float
    forwards: dict[str, int]
    seconds: float
    sampled: int
    peak_bytes: int
    votes: int = 0

    def table(self) -> str:
        """What the terminal shows."""
        total = sum(self.items.values())
        unmeasured = "- (not measured: a dry run sends no request)"
        about = f"{self.seconds / 60:.1f} min (measured on {self.sampled} items)"
        asked = "forwards" if self.peak_bytes else "requests"
        rows = [
            *self.items.items(),
            ("items in all", total),
            ("speech", f"{self.minutes:.1f} min"),
            *((f"{asked}, {form}", number) for form, number in self.forwards.items()),
            *([("votes of the judge, at most", self.votes)] if self.votes else []),
            ("time, about", about if self.sampled else unmeasured),
            ("memory, at least", f"{self.peak_bytes / 2**30:.1f} GiB" if self.peak_bytes else unmeasured),
        ]
        return tabulate(rows, tablefmt="plain")


def forecast(items: Sequence[Item], model: SpeechLM, plan: Plan) -> Forecast:
    """Observe one batch, spread evenly over the clip lengths, and reckon from it; nothing is written.

    A model that only answers may cost money by the request: it is asked nothing.
    """
    whole = Observer(items, model, plan)
    per_task: dict[str, int] = {}
    for item in items:
        per_task[item.task] = per_task.get(item.task, 0) + 1
    minutes = sum(item.clip.seconds for item in items) / 60
    if not gives(model, "states"):
        return Forecast(per_task, minutes, whole.requests(), math.nan, sampled=0, peak_bytes=0)
    number = min(plan.batch_size, len(items))
    sample = spread(items, number)
    observer = Observer(sample, model, replace(plan, canary=0))
    started = time.perf_counter()
    with open_store(None, resume=False) as store:
        observer.observe(store)
    taken = time.perf_counter() - started
    return Forecast(
        items=per_task,
        minutes=minutes,
        forwards=whole.forwards(),
        seconds=taken * len(items) / number,
        sampled=number,
        peak_bytes=peak_bytes(model.device),
    )


def spread(items: Sequence[Item], number: int) -> list[Item]:
    """So many of the items, spread evenly over the clip lengths."""
    by_length = sorted(items, key=lambda i: i.clip.seconds)
    return [by_length[k * len(items) // number] for k in range(number)]
