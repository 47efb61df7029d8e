"""How many items fit into one forward of a GPU: measured on the longest ones, before a run begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lsgap_bench.memory import forget_peak, free_bytes, give_back, peak_bytes, ran_out
from lsgap_bench.models.adapter import SpeechLM
from lsgap_bench.observe import Observer, Plan
from lsgap_bench.schema import Item
from lsgap_bench.store import Store
from lsgap_bench.text_states import cache_bytes

MOST = 64  # items: larger batches fill no GPU better, and pad more (tests/benchmarks/bench_gpu.py)
MEASURED = 4  # items of the larger of the two measured batches
SHARE = 0.9  # of the free memory
PROBED = 8  # tokens of a free answer in a measured batch; what a longer one takes is reckoned


def fitting(items: Sequence[Item], model: SpeechLM, plan: Plan) -> int:
    """The largest number of items per forward that the GPU of a model has room for, as far as it can be told beforehand.

    One of the longest items alone and a few of them together, under all conditions of the plan, tell what an item takes. Without a GPU:
    the plan's own batch size.
    """
    if model.device.type != "cuda" or len(items) < MEASURED:
        return plan.batch_size
    longest = sorted(items, key=lambda item: (-item.clip.seconds, -len(item.text), item.id))[:MEASURED]
    room = int(SHARE * free_bytes(model.device)) - cache_bytes(model.device)
    try:
        alone, together = (_taken(longest[:number], model, plan) for number in (1, MEASURED))
        return reckoned(alone, together, room, _growth(longest, model))
    except RuntimeError as error:
        if not ran_out(error):
            raise
        return 1
    finally:
        give_back()


def reckoned(alone: int, together: int, room: int, growth: int) -> int:
    """Items per forward, a multiple of 8 from 8 on.

    alone, together: bytes that one item and MEASURED items took beside the model. room: bytes that may be taken. growth: bytes by which the
    cache of an item grows while it is answered.
    """
    of_an_item = max((together - alone) // (MEASURED - 1), 1)
    fixed = max(alone - of_an_item, 0)
    size = max(1, min(MOST, (room - fixed) // (of_an_item + growth)))
    return size if size < 8 else size - size % 8


def _taken(items: Sequence[Item], model: SpeechLM, plan: Plan) -> int:
    """Most bytes that one batch of these items takes beside the model."""
    short = [replace(item, generation=replace(item.generation, max_new_tokens=PROBED)) for item in items]
    forget_peak(model.device)
    before = peak_bytes(model.device)
    Observer(short, model, replace(plan, batch_size=len(items), canary=0)).observe(Store())
    return peak_bytes(model.device) - before


def _growth(items: Sequence[Item], model: SpeechLM) -> int:
    """Bytes that the longest of the items' free answers adds to its cache; 0 where all have options."""
    tokens = max((item.generation.max_new_tokens for item in items if not item.options), default=0)
    if not tokens:
        return 0
    filled = model.prefill(model.encode([items[0].text], [items[0].system]))
    layers = getattr(filled.cache, "layers", ())
    held: int = sum(part.nbytes for layer in layers for part in (layer.keys, layer.values) if part is not None)
    return tokens * held // filled.batch.valid.numel()
