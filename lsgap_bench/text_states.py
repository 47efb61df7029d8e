"""The written side of a run: every distinct written form goes through the model once, in fixed groups; a bounded cache keeps its states."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lsgap_bench.models.adapter import Batch, LayerHook, Prefill, SpeechLM, chunks, prefilled
from lsgap_bench.schema import Generation, Item

CPU_CACHE = 1 << 30  # bytes of states that are kept: every question of a tiny model
GPU_SHARE = 1 / 8  # of the device's memory: some 1,500 questions of a 7B model on 80 GB


@dataclass(frozen=True)
class Form:
    """All that decides a written run: items that share it (one question in several voices) share its forward."""

    text: str
    system: str | None
    options: tuple[str, ...]
    generation: Generation


def form_of(item: Item) -> Form:
    """The written form of an item."""
    return Form(item.text, item.system, item.options, item.generation)


@dataclass(frozen=True)
class Texts:
    """The content states of some forms: states (L + 1, rows, Tt, D), mask bool (rows, Tt).

    logits: after the prompt, (rows, V), NaN for an empty row; None where no metric asks for them. words: int64 (rows, Tt), the word of each
    token, -1 for none; None where the adapter does not know.
    """

    states: Tensor
    mask: Tensor
    logits: Tensor | None = None
    words: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that the states and logits take."""
        return self.states.nbytes + (0 if self.logits is None else self.logits.nbytes)


class TextRun:
    """Runs written forms in groups and hands out their states.

    forms: sorted by length, so that a group pads little. The groups are fixed by the forms and `size` alone: the same form always meets the
    same neighbours, so results do not depend on where a run was interrupted. wanted: whether to keep states; logits: the logits, too.
    on_group: called once per forward with what answers need. normed: see `SpeechLM.prefill`.
    """

    def __init__(
        self,
        model: SpeechLM,
        forms: Sequence[Form],
        size: int,
        wanted: bool,
        on_group: Callable[[Sequence[Form], Batch, Prefill], None],
        logits: bool = False,
        normed: bool = True,
    ) -> None:
        self._model, self._normed = model, normed
        self._groups = [forms[part] for part in of_one_kind(forms, size)]
        self._place = {form: (g, row) for g, group in enumerate(self._groups) for row, form in enumerate(group)}
        self._wanted, self._logits = wanted, logits
        self._on_group = on_group
        self._seen: set[int] = set()
        self._cache: OrderedDict[int, Texts] = OrderedDict()
        self._room = cache_bytes(model.device)

    def ensure(self, forms: Sequence[Form]) -> None:
        """Run the groups of these forms that have not run yet."""
        for group in sorted({self._place[form][0] for form in forms} - self._seen):
            self._run(group)

    def stack(self, forms: Sequence[Form | None]) -> Texts:
        """States of `forms`, row by row; a None gives an empty row (mask all False)."""
        rows: dict[int, list[tuple[int, int]]] = {}
        for row, form in enumerate(forms):
            if form is not None:
                group, source = self._place[form]
                rows.setdefault(group, []).append((row, source))
        picked = [(places, self._rows([source for _, source in places], group)) for group, places in sorted(rows.items())]
        width = max(part.mask.shape[1] for _, part in picked)
        first = picked[0][1]
        whole = _empty(first, len(forms), width)
        for places, part in picked:
            target = torch.tensor([row for row, _ in places], device=first.states.device)
            whole.states[:, target, : part.mask.shape[1]] = part.states
            whole.mask[target, : part.mask.shape[1]] = part.mask
            if whole.words is not None and part.words is not None:
                whole.words[target, : part.mask.shape[1]] = part.words
            if whole.logits is not None and part.logits is not None:
                whole.logits[target.to(whole.logits.device)] = part.logits
        return whole

    def _rows(self, rows: list[int], group: int) -> Texts:
        """A copy of some rows of a group, so that the group itself may leave the cache."""
        of = self._states(group)
        logits, words = (None if table is None else table[rows] for table in (of.logits, of.words))
        return Texts(of.states[:, rows], of.mask[rows], logits, words)

    def _states(self, group: int) -> Texts:
        if group not in self._cache:
            self._run(group)
        self._cache.move_to_end(group)
        return self._cache[group]

    def _run(self, group: int) -> None:
        forms = self._groups[group]
        batch = self._model.encode([form.text for form in forms], [form.system for form in forms])
        layers: list[Tensor] = []
        hook: LayerHook | None = (lambda layer, hidden: layers.append(batch.content(hidden))) if self._wanted else None
        filled = prefilled(self._model, batch, hook, self._normed)
        if group not in self._seen:
            self._seen.add(group)
            self._on_group(forms, batch, filled)
        if self._wanted:
            logits = filled.last_logits if self._logits else None
            self._cache[group] = Texts(torch.stack(layers), batch.content_mask, logits, batch.content_words)
            self._trim()

    def _trim(self) -> None:
        while len(self._cache) > 1 and sum(t.nbytes for t in self._cache.values()) > self._room:
            self._cache.popitem(last=False)


def _empty(like: Texts, rows: int, width: int) -> Texts:
    """Empty rows of the kind of some others."""
    states = like.states.new_zeros((like.states.shape[0], rows, width, like.states.shape[-1]))
    return Texts(
        states,
        torch.zeros((rows, width), dtype=torch.bool, device=states.device),
        None if like.logits is None else like.logits.new_full((rows, like.logits.shape[1]), torch.nan),
        None if like.words is None else like.words.new_full((rows, width), -1),
    )


def cache_bytes(device: torch.device) -> int:
    """Bytes of a device that kept text states may take."""
    if device.type != "cuda":
        return CPU_CACHE
    return int(GPU_SHARE * torch.cuda.get_device_properties(device).total_memory)


def of_one_kind(entries: Sequence[Form] | Sequence[Item], size: int) -> list[slice]:
    """Slices of at most `size` entries, none of which mixes entries with options and entries without; those with options come first."""
    border = sum(bool(entry.options) for entry in entries)
    return [*chunks(border, size), *(slice(p.start + border, p.stop + border) for p in chunks(len(entries) - border, size))]


def sorted_forms(items: Sequence[Item], lengths: Mapping[str, int]) -> list[Form]:
    """The distinct forms of some items, those with options first, each kind by text length. lengths: item id -> tokens."""
    length = {form_of(item): lengths[item.id] for item in items}
    return sorted(length, key=lambda f: (not f.options, -length[f], f.text, f.options, f.system or "", str(f.generation)))
