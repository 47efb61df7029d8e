"""Pure functions of the interventions (paper, section 5.3): how a speech state is edited by its text state, and at which tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.metrics.functional import AlignmentPath, unit

Generators = torch.Generator | Sequence[torch.Generator] | None

_COUNTED = re.compile(r"(bottom|top|random)([1-9]\d*)")


def angle_projection(speech: Tensor, text: Tensor, mode: Literal["keep_norm", "orthogonal"] = "keep_norm") -> Tensor:
    """Give each speech state (N, D) the direction of its text state (N, D).

    keep_norm: |s| t/|t|, the speech norm in the text direction. orthogonal: <s, u> u with u = t/|t|, the component along the text.
    A zero text state has no direction: the speech state stays as it is. ValueError for another mode or shapes that differ.
    """
    _check_rows(speech, text)
    direction = unit(text)
    if mode == "keep_norm":
        length = _length(speech)
    elif mode == "orthogonal":
        length = (speech * direction).sum(dim=-1, keepdim=True)
    else:
        raise ValueError(f"mode is '{mode}'; write 'keep_norm' or 'orthogonal'")
    return torch.where(_length(text) == 0, speech, length * direction)


def length_normalization(speech: Tensor, text: Tensor) -> Tensor:
    """Give each speech state (N, D) the norm of its text state (N, D): |t| s/|s|, the speech direction kept.

    A zero speech state has no direction: it stays zero. ValueError for shapes that differ.
    """
    _check_rows(speech, text)
    return _length(text) * unit(speech)


def select_tokens(path: AlignmentPath, how: str = "all", text_mask: Tensor | None = None, generator: Generators = None) -> Tensor:
    """Which text tokens of a path have their speech state edited: bool (B, Tt), never at padding.

    how: `all`, or `bottomK`, `topK`, `randomK` such as bottom3: the K tokens of each item aligned worst (lowest cosine, largest
    distance), aligned best, or drawn by chance; all of them where the item has fewer; of equal ones the first.
    generator: for randomK; one for the batch, or one per item so that the draw does not depend on what else is in the batch.
    UsageError for another `how`; ValueError for a mask that does not fit.
    """
    valid = path.positions >= 0
    if text_mask is not None:
        if text_mask.shape != valid.shape:
            raise ValueError(f"text_mask {tuple(text_mask.shape)} does not fit the path {tuple(valid.shape)}")
        valid = valid & text_mask.bool()
    kind, count = parse_selection(how)
    if kind == "all":
        return valid
    keys = _random_keys(valid, generator) if kind == "random" else path.scores
    largest_first = (kind, path.similarity) in {("top", "cosine"), ("bottom", "euclidean")}
    keys = (-keys if largest_first else keys).masked_fill(~valid, torch.inf)
    ranks = keys.argsort(dim=1, stable=True).argsort(dim=1)
    return (ranks < count) & valid


def parse_selection(how: str) -> tuple[str, int]:
    """`bottom3` -> ("bottom", 3), `all` -> ("all", 0); UsageError for a name that `select_tokens` does not know."""
    counted = _COUNTED.fullmatch(how)
    if how != "all" and not counted:
        raise UsageError(f"no token selection is called '{how}'; {did_you_mean(how, ('all', 'bottom3', 'top3', 'random3'))}")
    return (counted[1], int(counted[2])) if counted else (how, 0)


def _random_keys(valid: Tensor, generator: Generators) -> Tensor:
    """Uniform numbers (B, Tt) at the valid tokens, in order, so that padding does not change what an item's generator draws."""
    if generator is None or isinstance(generator, torch.Generator):
        drawn = [torch.rand(int(valid.sum()), generator=generator, device=generator.device if generator else None)]
    else:
        counts = valid.sum(dim=1).tolist()
        drawn = [torch.rand(n, generator=g, device=g.device) for n, g in zip(counts, generator, strict=True)]
    return torch.zeros(valid.shape, device=valid.device).masked_scatter(valid, torch.cat(drawn).to(valid.device))


def _length(states: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(states, dim=-1, keepdim=True)
    return length


def _check_rows(speech: Tensor, text: Tensor) -> None:
    if speech.ndim != 2 or speech.shape != text.shape:
        raise ValueError(f"speech {tuple(speech.shape)} and text {tuple(text.shape)} must both be (N, D)")
