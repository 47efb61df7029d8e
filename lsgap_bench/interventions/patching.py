"""The step inside a forward hook: path of the layer, selection of tokens, edit of the speech states they are aligned to, no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from lsgap_bench.interventions.functional import Generators, select_tokens
from lsgap_bench.metrics.functional import AlignmentPath, Similarity, alignment_path

Edit = Callable[[Tensor, Tensor], Tensor]
SharedPosition = Literal["best", "first", "last"]


class Patched(NamedTuple):
    """states: (B, Ts, D), dtype of the speech given. replaced: int64 (B,), distinct speech positions edited."""

    states: Tensor
    replaced: Tensor


def patch(
    speech: Tensor,
    text: Tensor,
    speech_mask: Tensor | None,
    text_mask: Tensor | None,
    edit: Edit,
    selection: str = "all",
    generators: Generators = None,
    similarity: Similarity = "cosine",
    shared: SharedPosition = "best",
) -> Patched:
    """Edit the speech states (B, Ts, D) that the selected text tokens (B, Tt, D) are aligned to (section 5.3).

    edit: (speech (N, D), text (N, D)) -> (N, D), one call, in float32 or float64. selection, generators: see `select_tokens`.
    similarity: of the path, and of the selection by it. shared: which of several selected tokens at one speech position wins, the one
    aligned best (of equal ones the first), or the first or last in reading order. All other states are bit-equal to those given.
    """
    tokens = assign(speech, text, speech_mask, text_mask, selection, generators, similarity, shared)
    return edit_at(tokens, speech, text, edit)


def assign(
    speech: Tensor,
    text: Tensor,
    speech_mask: Tensor | None,
    text_mask: Tensor | None,
    selection: str = "all",
    generators: Generators = None,
    similarity: Similarity = "cosine",
    shared: SharedPosition = "best",
) -> Tensor:
    """Which text token edits each speech position, int64 (B, Ts), -1 where none does; the arguments are those of `patch`."""
    path = alignment_path(speech, text, speech_mask, text_mask, similarity)
    return _token_of_each_position(path, select_tokens(path, selection, text_mask, generators), speech.shape[1], shared)


def edit_at(token: Tensor, speech: Tensor, text: Tensor, edit: Edit) -> Patched:
    """`patch` where the token of each speech position is known, as `assign` gives it."""
    item, position = (token >= 0).nonzero(as_tuple=True)
    exact = torch.promote_types(speech.dtype, torch.float32)
    edited = edit(speech[item, position].to(exact), text[item, token[item, position]].to(exact))
    states = speech.clone()
    states[item, position] = edited.to(speech.dtype)
    return Patched(states, (token >= 0).sum(dim=1))


def _token_of_each_position(path: AlignmentPath, chosen: Tensor, n_positions: int, shared: SharedPosition) -> Tensor:
    winners_first = _late(path, shared).masked_fill(~chosen, torch.inf).argsort(dim=1, stable=True)
    ranks = winners_first.argsort(dim=1)
    # One column more than there are positions takes the tokens that were not chosen, and one rank more stands for no token.
    targets = path.positions.masked_fill(~chosen, n_positions)
    lowest = ranks.new_full((len(ranks), n_positions + 1), chosen.shape[1]).scatter_reduce(1, targets, ranks, "amin")
    return torch.nn.functional.pad(winners_first, (0, 1), value=-1).gather(1, lowest[:, :n_positions])


def _late(path: AlignmentPath, shared: SharedPosition) -> Tensor:
    """(B, Tt), the lower the sooner a token wins a position."""
    if shared == "best":
        return -path.scores if path.similarity == "cosine" else path.scores
    order = torch.arange(path.scores.shape[1], device=path.scores.device, dtype=torch.float32).expand(path.scores.shape)
    return order if shared == "first" else -order
