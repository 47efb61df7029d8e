"""One item's alignment matrix and path, for the eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lsgap_bench.hearing import heard_wave
from lsgap_bench.metrics.functional import alignment_path
from lsgap_bench.metrics.layer_pair import LayerPair
from lsgap_bench.models.adapter import Content, SpeechLM
from lsgap_bench.schema import Item


@dataclass(frozen=True)
class AlignmentExample:
    """matrix: cosine, float64 (Ts, Tt). positions: int (Tt,), the path. tokens: the Tt text tokens. seconds: of the clip."""

    matrix: NDArray[np.float64]
    positions: NDArray[Any]
    tokens: list[str]
    seconds: float
    layer: int
    item: str


def alignment_example(model: SpeechLM, item: Item) -> AlignmentExample:
    """The cosine matrix of one item at the middle layer (paper section 5.1): two forwards."""
    layer = -(-model.num_layers // 2)
    wave = heard_wave(item.clip, model)
    (text, tokens), (speech, _) = (_states(model, content, item.system, layer) for content in (item.text, wave))
    pair = LayerPair(speech, text)
    positions = alignment_path(speech, text).positions[0]
    matrix = pair.cosine[0].double().cpu().numpy()
    return AlignmentExample(matrix, positions.cpu().numpy(), tokens, len(wave) / model.sampling_rate, layer, item.id)


def _states(model: SpeechLM, content: Content, system: str | None, layer: int) -> tuple[Tensor, list[str]]:
    """The content's states (1, N, D) after `layer`, and its tokens as strings."""
    batch = model.encode([content], [system])
    kept: list[Tensor] = []

    def keep(at: int, hidden: Tensor) -> None:
        if at == layer:
            kept.append(batch.content(hidden).float())

    model.prefill(batch, keep)
    return kept[0], model.content_strings(batch, 0)
