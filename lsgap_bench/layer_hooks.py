"""The two layer hooks of the fused pass: one reduces the states of each layer to metric values, one edits the spoken states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lsgap_bench.blocks import Pooled
from lsgap_bench.errors import UsageError, with_kind
from lsgap_bench.interventions import controls
from lsgap_bench.interventions.patching import assign, edit_at
from lsgap_bench.memory import ran_out
from lsgap_bench.metrics.layer_pair import LayerPair, Words
from lsgap_bench.metrics.logit_pair import LogitPair
from lsgap_bench.metrics.paths import Paths
from lsgap_bench.models.adapter import Batch
from lsgap_bench.partners import item_seed
from lsgap_bench.registry import Metric, interventions
from lsgap_bench.schema import SIDES, Condition, Item
from lsgap_bench.text_states import Texts

Curves = dict[str, dict[str, tuple[float, ...]]]
"""metric -> side -> one value per layer 0..L, or a single one for a metric of the logits or of all layers together."""


ROOM = 1 << 31  # bytes of states, in float32, that are reduced at once on a GPU


class Measure:
    """Reduces the states of each layer to the metrics' values at once and keeps nothing else but, if wanted, the mean states.

    On a GPU, where starting many small computations takes longer than computing, a few layers wait for each other and are reduced together,
    as if they were more rows of one.

    plugins: of the needs "states", "paths" and "logits". pooled: whether to keep mean states. texts: of every item its own text and its
    partners', in the order of SIDES; rows of item 0 first. heard_words: int64 (B, Ts), the word said at each speech position, -1 for none;
    None where no task says it.
    """

    def __init__(
        self, plugins: Sequence[Metric], batch: Batch, texts: Texts, pooled: bool = False, heard_words: Tensor | None = None
    ) -> None:
        self._layered = [plugin for plugin in plugins if plugin.needs == "states"]
        self._over_layers = [plugin for plugin in plugins if plugin.needs == "paths"]
        self._final = [plugin for plugin in plugins if plugin.needs == "logits"]
        self._batch, self._texts, self._wanted = batch, texts, pooled
        self._words = None if heard_words is None or texts.words is None else Words(heard_words, texts.words)
        self._together = _together(batch, texts)
        self._waiting: list[Tensor] = []
        self._reduced = 0  # layers
        self._values: list[Tensor] = []
        self._paths: list[Tensor] = []
        self._means: list[tuple[Tensor, Tensor]] = []

    def __call__(self, layer: int, hidden: Tensor) -> None:
        """hidden: (B, T, D), left as it is."""
        self._waiting.append(self._batch.content(hidden))
        if len(self._waiting) == self._together:
            self._reduce()

    def _reduce(self) -> None:
        """The values of the waiting layers; each of them is as many rows as the batch has items and texts."""
        speech, rows, items = self._waiting, len(self._texts.mask), len(self._batch)
        self._waiting = []
        if not speech:
            return
        layers = range(self._reduced, self._reduced + len(speech))
        self._reduced = layers.stop
        text = self._texts.states[layers.start : layers.stop].flatten(0, 1)
        heard, read = (mask.repeat(len(layers), 1) for mask in (self._batch.content_mask, self._texts.mask))
        words = self._words and Words(*(side.repeat(len(layers), 1) for side in self._words))
        pair = LayerPair(torch.cat(speech), text, heard, read, words)
        if self._layered:
            where = f"layer {layers.start}" if len(layers) == 1 else f"layers {layers.start} to {layers.stop - 1}"
            values = torch.stack([_computed(plugin, pair, len(layers) * rows, where) for plugin in self._layered])
            self._values.append(values.reshape(-1, len(layers), rows).transpose(0, 1))
        if self._over_layers:
            self._paths.append(pair.cosine_path.positions.reshape(len(layers), rows, -1))
        if self._wanted:
            means = pair.mean_speech.reshape(len(layers), items, -1), pair.pooled_text.reshape(len(layers), rows, -1)
            self._means.append(means)

    def curves(self, heard: Tensor) -> list[Curves]:
        """The curves of each item. heard: logits after the spoken prompts, (B, V). Only here do the values leave the device."""
        self._reduce()
        found: list[Curves] = [{} for _ in range(len(heard))]
        tables = []
        if self._layered:
            tables.append((self._layered, torch.cat(self._values)))  # (L + 1, metrics, items * sides)
        if self._over_layers:
            paths = Paths(torch.cat(self._paths)[1:])  # layer 0 is no part of a path through the model
            tables.append((self._over_layers, self._single(self._over_layers, paths, "the paths")))
        if self._final and self._texts.logits is not None:
            tables.append((self._final, self._single(self._final, LogitPair(heard, self._texts.logits), "the logits")))
        for plugins, table in tables:
            values = table.double().cpu().reshape(len(table), len(plugins), len(heard), len(SIDES))
            for row, curves in enumerate(found):
                for m, plugin in enumerate(plugins):
                    curves[plugin.name] = {side: tuple(values[:, m, row, s].tolist()) for s, side in enumerate(SIDES)}
        return found

    def _single(self, plugins: Sequence[Metric], given: Paths | LogitPair, where: str) -> Tensor:
        """Values of metrics that have one for all layers, (1, metrics, items * sides)."""
        return torch.stack([_computed(plugin, given, len(self._texts.mask), where) for plugin in plugins])[None]

    def pooled(self) -> list[Pooled]:
        """The mean states of each item."""
        self._reduce()
        speech, text = (torch.cat(means).transpose(0, 1).float().cpu() for means in zip(*self._means, strict=True))  # (B, L + 1, D)
        text = text.reshape(len(speech), len(SIDES), *speech.shape[1:])
        return [Pooled(*of_item) for of_item in zip(speech, text, strict=True)]


def _together(batch: Batch, texts: Texts) -> int:
    """How many layers are reduced together: one on a CPU, whose cache they would leave; on a GPU as many as ROOM has place for."""
    if texts.states.device.type == "cpu":
        return 1
    width = texts.states.shape[-1]
    of_a_layer = 4 * width * (batch.content_mask.numel() + texts.mask.numel())
    return max(1, ROOM // max(of_a_layer, 1))


class Edit:
    """Applies one intervention, or a control of it, to the spoken states, at one layer or at every layer.

    texts: as for `Measure`; it uses the own ones, or the partners' that the control names. choices: of the protocol; `path`,
    `shared_position` and `edited_selection` are read.
    """

    def __init__(
        self, condition: Condition, items: Sequence[Item], batch: Batch, texts: Texts, seed: int, choices: Mapping[str, Any]
    ) -> None:
        self._condition, self._items, self._batch, self._seed, self._choices = condition, items, batch, seed, choices
        self._edit = interventions[str(condition.intervention)].edit
        self._control = controls.BY_NAME[condition.control]
        used = slice(SIDES.index(self._control.text), None, len(SIDES))
        self._states, self._mask = texts.states[:, used], texts.mask[used]
        self._replaced: list[Tensor] = []
        self._tokens: Tensor | None = None

    def __call__(self, layer: int, hidden: Tensor) -> Tensor | None:
        """hidden: (B, T, D) -> the edited states, None at a layer that is left alone."""
        if self._condition.layer not in ("all", layer):
            return None
        speech = self._batch.content(hidden)
        tokens = self._assigned(speech, layer)
        patched = edit_at(tokens, speech, self._states[layer], self._edit_of(tokens, layer))
        self._replaced.append(patched.replaced)
        return self._batch.with_content(hidden, patched.states)

    def _edit_of(self, tokens: Tensor, layer: int) -> Callable[[Tensor, Tensor], Tensor]:
        """The plug-in's edit, handed what the control puts in place of the text states."""
        handed = self._control.handed
        if handed is None:
            return self._checked
        # an edit gets the rows of one item after the other, so their numbers tell whose they are
        rows = (tokens >= 0).sum(dim=1).tolist()
        seeds = self._seeds(f"{self._condition.control}@{layer}")
        return lambda states, text: self._checked(states, handed(text, rows, seeds))

    def _assigned(self, speech: Tensor, layer: int) -> Tensor:
        """The text token that edits each speech position, (B, Ts), -1 for none: found in this layer, or in the first one for all."""
        if self._tokens is None or self._choices["edited_selection"] == "each":
            self._tokens = self._found(speech, layer)
        return self._tokens

    def _found(self, speech: Tensor, layer: int) -> Tensor:
        selection = str(self._condition.selection)
        generators = [torch.Generator().manual_seed(seed) for seed in self._seeds(f"{selection}@{layer}")]
        similarity, shared = self._choices["path"], self._choices["shared_position"]
        return assign(speech, self._states[layer], self._batch.content_mask, self._mask, selection, generators, similarity, shared)

    def _seeds(self, purpose: str) -> list[int]:
        return [item_seed(self._seed, item.id, purpose) for item in self._items]

    def _checked(self, speech: Tensor, text: Tensor) -> Tensor:
        """The plug-in's edit; UsageError where it fails or gives anything but finite states of the shape it was given."""
        name = self._condition.intervention
        try:
            edited: Tensor = self._edit(speech, text)
        except Exception as error:
            if ran_out(error):
                raise  # the run goes on with smaller batches
            raise UsageError(f"intervention '{name}' failed ({with_kind(error)}); correct the plug-in") from error
        if not isinstance(edited, Tensor) or edited.shape != speech.shape or not bool(edited.isfinite().all()):
            raise UsageError(f"intervention '{name}' gave {_told(edited)}; it must give finite states of shape {tuple(speech.shape)}")
        return edited

    def replaced(self) -> list[float]:
        """Distinct speech positions edited per item, mean over the edited layers."""
        means: list[float] = torch.stack(self._replaced).double().mean(0).tolist()
        return means


def _computed(plugin: Metric, pair: LayerPair | Paths | LogitPair, rows: int, where: str) -> Tensor:
    """A metric's values, (rows,); UsageError that names the plug-in where it fails or gives another shape."""
    try:
        values: Tensor = plugin.compute(pair)
    except Exception as error:
        if ran_out(error):
            raise  # the run goes on with smaller batches
        raise UsageError(f"metric '{plugin.name}' failed at {where} ({with_kind(error)}); correct the plug-in") from error
    if not isinstance(values, Tensor) or tuple(values.shape) != (rows,):
        raise UsageError(f"metric '{plugin.name}' gave {_told(values)} at {where}; it must give a tensor of shape {(rows,)}")
    return values


def _told(given: Any) -> str:
    """What a plug-in gave instead of what it should have."""
    if not isinstance(given, Tensor):
        return f"a {type(given).__name__}"
    return f"a tensor of shape {tuple(given.shape)}" + ("" if bool(given.isfinite().all()) else ", not all of it finite")
