"""Pure functions on states: pooled similarities, the alignment path and what is read from it (paper, sections 4 and 5.1-5.2).

Shapes: speech (B, Ts, D), text (B, Tt, D), masks bool (B, Ts) and (B, Tt), None = all. float32 and float64 are kept, narrower types are
computed in float32. Padding never changes a result, whatever it holds; an item with no text or no speech token gives NaN; a zero vector has
cosine 0 with everything. Shapes that do not fit raise ValueError.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Similarity = Literal["cosine", "euclidean"]

# Scores of equal or rescaled states come out of a matrix product up to 8 units of rounding apart; closer than this they tie.
TIE_UNITS = 12


class AlignmentPath(NamedTuple):
    """For each text token the speech position most similar to it, chosen independently (no monotonic constraint).

    positions: int64 (B, Tt), indices into the padded speech axis; -1 where the text is padding or the item has no speech.
    scores: (B, Tt), the cosine or the distance at that position; NaN where the position is -1.
    """

    positions: Tensor
    scores: Tensor
    similarity: Similarity = "cosine"


class SquaredDistances(NamedTuple):
    """values: (B, N, Ts), squared; text: (B, N), squared norms of the centred text, which set the size of the rounding errors."""

    values: Tensor
    text: Tensor


def pooled_cosine(speech: Tensor, text: Tensor, speech_mask: Tensor | None = None, text_mask: Tensor | None = None) -> Tensor:
    """Cosine (B,) of the mean speech state and the mean text state, -1..1 (section 4)."""
    speech, text, speech_mask, text_mask = content(speech, text, speech_mask, text_mask)
    return cosine(pool(speech, speech_mask), pool(text, text_mask))


def pooled_euclidean(speech: Tensor, text: Tensor, speech_mask: Tensor | None = None, text_mask: Tensor | None = None) -> Tensor:
    """Euclidean distance (B,) of the mean speech state and the mean text state (section 4)."""
    speech, text, speech_mask, text_mask = content(speech, text, speech_mask, text_mask)
    return distance(pool(speech, speech_mask), pool(text, text_mask))


def alignment_path(
    speech: Tensor,
    text: Tensor,
    speech_mask: Tensor | None = None,
    text_mask: Tensor | None = None,
    similarity: Similarity = "cosine",
) -> AlignmentPath:
    """The most similar speech position of each text token; of equally similar ones the first (section 5.1)."""
    speech, text, speech_mask, text_mask = content(speech, text, speech_mask, text_mask)
    if similarity == "cosine":
        return cosine_path(cosine_matrix(speech, text, speech_mask), text_mask)
    if similarity == "euclidean":
        return euclidean_path(speech, text, squared_distances(speech, text, speech_mask, pool(speech, speech_mask)), text_mask)
    raise ValueError(f"similarity is '{similarity}'; write 'cosine' or 'euclidean'")


def alignment_path_score(
    speech: Tensor,
    text: Tensor,
    speech_mask: Tensor | None = None,
    text_mask: Tensor | None = None,
    similarity: Similarity = "cosine",
) -> Tensor:
    """Mean score (B,) along the alignment path of one layer (section 5.2): a cosine, or a distance (lower is better)."""
    scores = alignment_path(speech, text, speech_mask, text_mask, similarity).scores
    return scores.mean(dim=1) if text_mask is None else masked_mean(scores, text_mask.bool())


def monotonic_path_score(speech: Tensor, text: Tensor, speech_mask: Tensor | None = None, text_mask: Tensor | None = None) -> Tensor:
    """Best mean cosine (B,) over the paths that give each text token one speech position and never step back.

    Between the best free path (`alignment_path_score`, an upper bound) and what order allows; Tt vectorised steps over the positions.
    """
    speech, text, speech_mask, text_mask = content(speech, text, speech_mask, text_mask)
    return best_monotonic(cosine_matrix(speech, text, speech_mask), text_mask)


def linear_cka(x: Tensor, y: Tensor) -> float:
    """Linear centred kernel alignment, 0..1, of two tables (n, Dx) and (n, Dy) with a row per item: pooled states of one layer.

    |Yc' Xc|_F^2 / (|Xc' Xc|_F |Yc' Yc|_F) of the centred tables (Kornblith et al. 2019, eq. 4), in float64. NaN for fewer than two items or
    a side that does not vary. The estimate of few items is high whatever they hold; `block_hsic` makes one without that bias. ValueError
    for tables of different lengths.
    """
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise ValueError(f"x {tuple(x.shape)} and y {tuple(y.shape)} must be (n, Dx) and (n, Dy), a row per item")
    a, b = (table.to(_widest(table)) - table.to(_widest(table)).mean(dim=0) for table in (x, y))
    if len(x) > max(x.shape[1], y.shape[1]):
        cross, own_x, own_y = b.T @ a, a.T @ a, b.T @ b
        return float(cross.square().sum() / (own_x.norm() * own_y.norm()))
    gram_x, gram_y = a @ a.T, b @ b.T
    return float((gram_x * gram_y).sum() / (gram_x.norm() * gram_y.norm()))


def block_hsic(x: Tensor, y: Tensor) -> Tensor:
    """Unbiased Hilbert-Schmidt independence criterion of linear kernels: (..., 3) of (x, y), (x, x), (y, y).

    x: (..., m, Dx), y: (..., m, Dy), the same m >= 4 items row by row. HSIC_1 of Song et al. 2012, eq. 5; its mean over blocks of items
    gives linear CKA without a bias of the block size (Nguyen et al. 2021, eq. 3). NaN for fewer than four items.
    """
    kernels = []
    for table in (x, y):
        exact = table.to(_widest(table))
        centred = exact - exact.mean(dim=-2, keepdim=True)  # changes nothing but the rounding, for states share a large component
        gram = centred @ centred.mT
        kernels.append(gram - torch.diag_embed(gram.diagonal(dim1=-2, dim2=-1)))
    k, q = kernels
    return torch.stack([_hsic(k, q), _hsic(k, k), _hsic(q, q)], dim=-1)


def kl_divergence(p_logits: Tensor, q_logits: Tensor) -> Tensor:
    """Kullback-Leibler divergence KL(p || q) in nats (...,) of two distributions given by their logits (..., V), in float32 or float64."""
    dtype = torch.promote_types(torch.promote_types(p_logits.dtype, q_logits.dtype), torch.float32)
    p, q = (logits.to(dtype).log_softmax(dim=-1) for logits in (p_logits, q_logits))
    return torch.nn.functional.kl_div(q, p, reduction="none", log_target=True).sum(dim=-1)


def path_monotonicity(positions: Tensor, text_mask: Tensor | None = None) -> Tensor:
    """Spearman's rho (B,) of token order and speech position, ties averaged; NaN for a constant path or fewer than two tokens.

    positions: int64 (B, Tt); negative ones are padding.
    """
    return pooled_path_monotonicity(positions[None], text_mask)


def pooled_path_monotonicity(positions: Tensor, text_mask: Tensor | None = None) -> Tensor:
    """`path_monotonicity` (B,) over the paths of several layers at once: each token counts once per layer, all positions share one ranking.

    positions: int64 (layers, B, Tt); negative ones are padding, the same in every layer.
    """
    valid = _valid_tokens(positions[0], text_mask)
    keys = positions.masked_fill(~valid, torch.iinfo(positions.dtype).max).transpose(0, 1).flatten(1).contiguous()
    ascending = keys.sort(dim=1).values
    n = valid.sum(dim=1, keepdim=True)
    # Twice the centred ranks are integers, so that ties, constancy and perfect order are exact.
    both_ends = torch.searchsorted(ascending, keys) + torch.searchsorted(ascending, keys, right=True)
    position_ranks = (both_ends - len(positions) * n).reshape(len(n), len(positions), -1)
    token_ranks = (2 * valid.cumsum(dim=1) - 1 - n)[:, None].expand(position_ranks.shape)
    x, y = (ranks.masked_fill(~valid[:, None], 0).to(_widest(positions)) for ranks in (token_ranks, position_ranks))
    return (x * y).sum(dim=(1, 2)) / ((x * x).sum(dim=(1, 2)) * (y * y).sum(dim=(1, 2))).sqrt()


def path_consistency(positions_a: Tensor, positions_b: Tensor, text_mask: Tensor | None = None) -> Tensor:
    """Share (B,) of text tokens that two paths put at the same speech position, 0..1 (section 5.1). Negative positions are padding."""
    if positions_a.shape != positions_b.shape:
        raise ValueError(f"positions differ in shape: {tuple(positions_a.shape)} and {tuple(positions_b.shape)}")
    valid = _valid_tokens(positions_a, text_mask) & (positions_b >= 0)
    return masked_mean((positions_a == positions_b).to(_widest(positions_a)), valid)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the last axis where the mask is True; NaN where it never is. values, mask: (..., N)."""
    return values.masked_fill(~mask, 0).sum(dim=-1) / mask.sum(dim=-1)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine over the last axis; 0 with a zero vector."""
    return (unit(a) * unit(b)).sum(dim=-1)


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distance over the last axis by direct subtraction: exactly 0 for equal vectors."""
    return _lengths(a - b)


def unit(states: Tensor) -> Tensor:
    """The states divided by their norms over the last axis; a zero vector stays zero."""
    return states / _divisors(states)[..., None]


# ---- the parts that LayerPair keeps between metrics; text (B, N, D) may hold several texts of an item, one after the other ----


def content(
    speech: Tensor, text: Tensor, speech_mask: Tensor | None, text_mask: Tensor | None, texts_per_item: int = 1
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(speech, text, speech_mask, text_mask), states in float32 or float64 and zero at padding. ValueError for shapes that do not fit.

    Where there is no speech position at all (Ts = 0) one of padding is added, so that a maximum over positions exists.
    """
    shapes = f"speech {tuple(speech.shape)} and text {tuple(text.shape)}"
    if speech.ndim != 3 or text.ndim != 3:
        raise ValueError(f"{shapes} must both be (B, tokens, width)")
    if speech.shape[2] != text.shape[2] or speech.shape[0] * texts_per_item != text.shape[0]:
        raise ValueError(f"{shapes} differ in width or in the number of items: (B, Ts, D) and (B, Tt, D) are needed")
    dtype = torch.promote_types(torch.promote_types(speech.dtype, text.dtype), torch.float32)
    speech, speech_mask = _one_side("speech", speech.to(dtype), speech_mask)
    text, text_mask = _one_side("text", text.to(dtype), text_mask)
    if speech.shape[1] == 0:
        speech, speech_mask = torch.nn.functional.pad(speech, (0, 0, 0, 1)), torch.nn.functional.pad(speech_mask, (0, 1))
    return speech, text, speech_mask, text_mask


def pool(states: Tensor, mask: Tensor) -> Tensor:
    """Mean state (B, D) of states (B, N, D) that are zero at padding; NaN where the mask (B, N) is never True."""
    return states.sum(dim=1) / mask.sum(dim=1, keepdim=True)


def mean_norm(states: Tensor, mask: Tensor) -> Tensor:
    """Mean norm (B,) of states (B, N, D) that are zero at padding; NaN where the mask (B, N) is never True."""
    return _lengths(states).sum(dim=1) / mask.sum(dim=1)


def cosine_matrix(speech: Tensor, text: Tensor, speech_mask: Tensor) -> Tensor:
    """Cosines (B, N, Ts): minus infinity at padded speech, NaN for an item without speech."""
    products = torch.bmm(unit(text), speech.mT)
    return torch.addcmul(-_penalty(speech_mask, speech.dtype), products, _divisors(speech).reciprocal()[:, None])


def cosine_path(cosines: Tensor, text_mask: Tensor) -> AlignmentPath:
    """The path through a cosine matrix (B, N, Ts)."""
    scores = cosines.amax(dim=2)
    tie = TIE_UNITS * torch.finfo(scores.dtype).eps
    return _path(_first(cosines >= (scores - tie)[..., None]), scores, text_mask, "cosine")


def best_monotonic(cosines: Tensor, text_mask: Tensor) -> Tensor:
    """Best mean (B,) over non-decreasing paths through a cosine matrix (B, N, Ts); NaN without text or speech."""
    best = torch.zeros_like(cosines[:, 0]) if cosines.shape[1] else cosines.new_zeros(cosines.shape[0], cosines.shape[2])
    for token in range(cosines.shape[1]):
        # up to here the path may have ended at any earlier position, so a running maximum is all that order needs
        reached = best.cummax(dim=1).values + cosines[:, token]
        best = torch.where(text_mask[:, token, None], reached, best)
    return best.amax(dim=1) / text_mask.sum(dim=1)


def squared_distances(speech: Tensor, text: Tensor, speech_mask: Tensor, centre: Tensor) -> SquaredDistances:
    """Squared distances (B, N, Ts) by a matrix product: infinite at padded speech, NaN for an item without speech.

    centre: (B, D), taken from both sides first, because products of states with a large common component cancel.
    """
    speech, text = speech - centre[:, None], text - centre[:, None]
    speech_squares, text_squares = _lengths(speech).square(), _lengths(text).square()
    partial = torch.baddbmm(speech_squares[:, None] + _penalty(speech_mask, speech.dtype), text, speech.mT, alpha=-2)
    return SquaredDistances((partial + text_squares[..., None]).clamp_min(0), text_squares)


def euclidean_path(speech: Tensor, text: Tensor, squared: SquaredDistances, text_mask: Tensor) -> AlignmentPath:
    """The path through a matrix of squared distances, its scores computed again without the rounding of the product."""
    lowest = squared.values.amin(dim=2)
    tie = TIE_UNITS * torch.finfo(lowest.dtype).eps * (lowest + squared.text)
    positions = _first(squared.values <= (lowest + tie)[..., None])
    scores = distance(_rows(speech, positions), text)
    return _path(positions, scores.masked_fill(lowest.isnan(), torch.nan), text_mask, "euclidean")


def _path(positions: Tensor, scores: Tensor, text_mask: Tensor, similarity: Similarity) -> AlignmentPath:
    absent = ~text_mask | scores.isnan()
    return AlignmentPath(positions.masked_fill(absent, -1), scores.masked_fill(absent, torch.nan), similarity)


def _first(near: Tensor) -> Tensor:
    return near.to(torch.uint8).argmax(dim=2)


def _rows(states: Tensor, positions: Tensor) -> Tensor:
    """The states (B, N, D) at positions (B, N); whole rows are copied, seven times faster than by `gather`."""
    starts = torch.arange(0, states.shape[0] * states.shape[1], states.shape[1], device=states.device)
    return states.flatten(0, 1).index_select(0, (positions + starts[:, None]).flatten()).view(*positions.shape, states.shape[2])


def _hsic(k: Tensor, q: Tensor) -> Tensor:
    """HSIC_1 (...,) of two kernel matrices (..., m, m) with zero diagonals."""
    m = k.shape[-1]
    if m < 4:
        return k.new_full(k.shape[:-2], torch.nan)
    rows_k, rows_q = k.sum(dim=-1), q.sum(dim=-1)
    inner = (k * q).sum(dim=(-2, -1))
    outer = rows_k.sum(dim=-1) * rows_q.sum(dim=-1) / ((m - 1) * (m - 2))
    return (inner + outer - 2 * (rows_k * rows_q).sum(dim=-1) / (m - 2)) / (m * (m - 3))


def _divisors(states: Tensor) -> Tensor:
    lengths = _lengths(states)
    return lengths.masked_fill(lengths == 0, 1)


def _lengths(states: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(states, dim=-1)
    return lengths


def _penalty(speech_mask: Tensor, dtype: torch.dtype) -> Tensor:
    """(B, 1, Ts): 0 at speech, infinity at padding, NaN throughout an item without speech."""
    penalty = torch.zeros_like(speech_mask, dtype=dtype).masked_fill(~speech_mask, torch.inf)
    return penalty.masked_fill(~speech_mask.any(dim=1, keepdim=True), torch.nan)[:, None]


def _one_side(name: str, states: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    if mask is None:
        return states, torch.ones(states.shape[:2], dtype=torch.bool, device=states.device)
    if mask.shape != states.shape[:2]:
        raise ValueError(f"{name}_mask {tuple(mask.shape)} does not fit {name} {tuple(states.shape)}: {tuple(states.shape[:2])} is needed")
    return _zero_padding(states, mask.bool()), mask.bool()


def _zero_padding(states: Tensor, mask: Tensor) -> Tensor:
    # Bits are cleared because padding may hold NaN, which a product would keep; masked_fill is five times slower on a CPU.
    bits = torch.int64 if states.dtype == torch.float64 else torch.int32
    return (states.view(bits) & -mask.to(bits)[..., None]).view(states.dtype)


def _valid_tokens(positions: Tensor, text_mask: Tensor | None) -> Tensor:
    if text_mask is None:
        return positions >= 0
    if text_mask.shape != positions.shape:
        raise ValueError(f"text_mask {tuple(text_mask.shape)} does not fit positions {tuple(positions.shape)}")
    return (positions >= 0) & text_mask.bool()


def _widest(tensor: Tensor) -> torch.dtype:
    """float64 wherever the device has it (Apple's mps has not)."""
    return torch.float32 if tensor.device.type == "mps" else torch.float64
