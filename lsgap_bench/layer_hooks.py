"""The two layer hooks of the fused pass: one reduces the states of each layer to metric values, one edits the spoken states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lsgap_bench.errors import UsageError
from lsgap_bench.interventions import controls
from lsgap_bench.interventions.patching import Patched, patch
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.models.adapter import Batch
from lsgap_bench.partners import item_seed
from lsgap_bench.registry import Metric, interventions
from lsgap_bench.schema import SIDES, Condition, Item
from lsgap_bench.text_states import Texts

Curves = dict[str, dict[str, tuple[float, ...]]]
"""metric -> side -> one value per layer 0..L."""


class Measure:
    """Reduces the states of each layer to the metrics' values at once and keeps nothing else.

    texts: of every item its own text and its partners', in the order of SIDES; rows of item 0 first.
    """

    def __init__(self, plugins: Sequence[Metric], batch: Batch, texts: Texts) -> None:
        self._plugins, self._batch, self._texts = plugins, batch, texts
        self._values: list[Tensor] = []

    def __call__(self, layer: int, hidden: Tensor) -> None:
        """hidden: (B, T, D), left as it is."""
        pair = LayerPair(self._batch.content(hidden), self._texts.states[layer], self._batch.content_mask, self._texts.mask)
        self._values.append(torch.stack([_computed(plugin, pair, layer) for plugin in self._plugins]))

    def curves(self) -> list[Curves]:
        """The curves of each item. Only here do the values leave the device."""
        values = torch.stack(self._values).double().cpu()  # (L + 1, metrics, items * sides)
        values = values.reshape(len(self._values), len(self._plugins), -1, len(SIDES))
        return [
            {
                plugin.name: {side: tuple(values[:, m, row, s].tolist()) for s, side in enumerate(SIDES)}
                for m, plugin in enumerate(self._plugins)
            }
            for row in range(values.shape[2])
        ]


class Edit:
    """Applies one intervention, or a control of it, to the spoken states, at one layer or at every layer.

    texts: as for `Measure`; it uses the own ones, or the partners' that the control names.
    """

    def __init__(self, condition: Condition, items: Sequence[Item], batch: Batch, texts: Texts, seed: int) -> None:
        self._condition, self._items, self._batch, self._seed = condition, items, batch, seed
        self._edit = interventions[str(condition.intervention)].edit
        self._control = controls.BY_NAME[condition.control]
        used = slice(SIDES.index(self._control.text), None, len(SIDES))
        self._states, self._mask = texts.states[:, used], texts.mask[used]
        self._replaced: list[Tensor] = []

    def __call__(self, layer: int, hidden: Tensor) -> Tensor | None:
        """hidden: (B, T, D) -> the edited states, None at a layer that is left alone."""
        if self._condition.layer not in ("all", layer):
            return None
        speech = self._batch.content(hidden)
        patched = self._patched(speech, layer, self._edit_of(speech, layer))
        self._replaced.append(patched.replaced)
        return self._batch.with_content(hidden, patched.states)

    def _edit_of(self, speech: Tensor, layer: int) -> Callable[[Tensor, Tensor], Tensor]:
        """The plug-in's edit, handed what the control puts in place of the text states."""
        handed = self._control.handed
        if handed is None:
            return self._checked
        # an edit gets the rows of one item after the other, so their numbers tell whose they are
        rows = self._patched(speech, layer, _unchanged).replaced.tolist()
        seeds = self._seeds(f"{self._condition.control}@{layer}")
        return lambda states, text: self._checked(states, handed(text, rows, seeds))

    def _patched(self, speech: Tensor, layer: int, edit: Callable[[Tensor, Tensor], Tensor]) -> Patched:
        selection = str(self._condition.selection)
        generators = [torch.Generator().manual_seed(seed) for seed in self._seeds(f"{selection}@{layer}")]
        return patch(speech, self._states[layer], self._batch.content_mask, self._mask, edit, selection, generators)

    def _seeds(self, purpose: str) -> list[int]:
        return [item_seed(self._seed, item.id, purpose) for item in self._items]

    def _checked(self, speech: Tensor, text: Tensor) -> Tensor:
        """The plug-in's edit; UsageError where it fails or gives anything but finite states of the shape it was given."""
        name = self._condition.intervention
        try:
            edited: Tensor = self._edit(speech, text)
        except torch.cuda.OutOfMemoryError:
            raise  # the run goes on with smaller batches
        except Exception as error:
            raise UsageError(f"intervention '{name}' failed ({type(error).__name__}: {error}); correct the plug-in") from error
        if not isinstance(edited, Tensor) or edited.shape != speech.shape or not bool(edited.isfinite().all()):
            raise UsageError(f"intervention '{name}' gave {_told(edited)}; it must give finite states of shape {tuple(speech.shape)}")
        return edited

    def replaced(self) -> list[float]:
        """Distinct speech positions edited per item, mean over the edited layers."""
        means: list[float] = torch.stack(self._replaced).double().mean(0).tolist()
        return means


def _unchanged(speech: Tensor, text: Tensor) -> Tensor:
    return speech


def _computed(plugin: Metric, pair: LayerPair, layer: int) -> Tensor:
    """A metric's values, (rows,); UsageError that names the plug-in where it fails or gives another shape."""
    try:
        values: Tensor = plugin.compute(pair)
    except torch.cuda.OutOfMemoryError:
        raise  # the run goes on with smaller batches
    except Exception as error:
        raise UsageError(
            f"metric '{plugin.name}' failed at layer {layer} ({type(error).__name__}: {error}); correct the plug-in"
        ) from error
    rows = pair.text_mask.shape[:1]
    if not isinstance(values, Tensor) or values.shape != rows:
        raise UsageError(f"metric '{plugin.name}' gave {_told(values)} at layer {layer}; it must give a tensor of shape {tuple(rows)}")
    return values


def _told(given: Any) -> str:
    """What a plug-in gave instead of what it should have."""
    if not isinstance(given, Tensor):
        return f"a {type(given).__name__}"
    return f"a tensor of shape {tuple(given.shape)}" + ("" if bool(given.isfinite().all()) else ", not all of it finite")
