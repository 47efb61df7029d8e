"""The Alignment Path Score as a module of Hugging Face `evaluate`: load it by `lsgap_bench.evaluate_module("alignment_path_score")`."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

import datasets
import evaluate
import torch

from lsgap_bench.evaluate_modules.values import CITATION, States, cluster_column, cluster_names, plain, states
from lsgap_bench.metrics import functional
from lsgap_bench.partners import draw_partners
from lsgap_bench.schema import Clip, Item
from lsgap_bench.stats import difference, mean_estimate

_DESCRIPTION = """\
The Alignment Path Score (APS) of one layer: how similar each text state is to the most similar speech state of the same question, averaged
over text tokens and items, beside its null, the same speech against another item's text. A maximum over many speech states is high whatever
they hold, so only the part above the null is evidence of alignment.
"""
_INPUTS = """
Args:
    speech_states: for each item (speech tokens, width): hidden states of one layer at the speech positions, without padding. Lists,
        arrays or tensors on any device; kept as float32. Lengths may differ. An item without tokens has no score and is left out.
    text_states: for each item (text tokens, width), of the same layer, at the text tokens of the same question.
    clusters: a name per item; items of one name (the same question in several voices) count as dependent, and none is the other's
        null. None: it stands alone.
    similarity: "cosine" (-1 to 1, higher is better aligned) or "euclidean" (a distance, lower is better). Only in compute.
    n_boot: resamples of the bootstrap, 10000 (from 50 clusters on; below, a t interval). Only in compute.
    seed: of the resampling and of the partners, 0. Only in compute.

Returns:
    alignment_path_score, low, high: mean over items, and the limits of its 95 % interval; n: items; `method` says how it was made.
    scores: one per item, in the order added.
    null, null_low, null_high, null_n, null_method: the same of each item's speech against the text of another item (of another cluster,
        with other states, of the nearest length).
    above_null, above_null_low, ...: the paired difference; for a distance, below 0 is better.
    why, null_why, above_null_why: only where something is absent (NaN), the reason.

Examples:

    >>> import evaluate, lsgap_bench
    >>> aps = evaluate.load(lsgap_bench.evaluate_module("alignment_path_score"))
    >>> speech = [[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[0.0, -1.0], [0.0, -1.0]]]
    >>> text = [[[1.0, 0.0], [0.0, 1.0]], [[0.0, -1.0]]]
    >>> aps.add_batch(speech_states=speech, text_states=text)
    >>> result = aps.compute()
    >>> result["alignment_path_score"], result["scores"]
    (1.0, [1.0, 1.0])
    >>> result["null"], result["above_null"]
    (-0.25, 1.25)

In a training loop, states of a padded batch lose their padding by their mask:
`aps.add_batch(speech_states=[s[m] for s, m in zip(speech, speech_mask)], text_states=[t[m] for t, m in zip(text, text_mask)])`.
`evaluate` keeps the states on disk and hands them over as Python lists, about 32 bytes a number: some hundred items are enough for a curve.
"""
_NO_CLIP = Clip("", 0, 0, bytes)


class AlignmentPathScore(evaluate.Metric):  # type: ignore[misc]
    """Mean similarity of each text state with the most similar speech state of the same question, beside its null."""

    def _info(self) -> evaluate.MetricInfo:
        table = datasets.List(datasets.List(datasets.Value("float32")))
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features({"speech_states": table, "text_states": table, "clusters": datasets.Value("string")}),
            reference_urls=["https://arxiv.org/abs/2510.12116"],
        )

    def add_batch(self, *, speech_states: Any, text_states: Any, clusters: Iterable[object] | None = None) -> None:
        """Add items. ValueError for states that are not (tokens, width), or of different widths."""
        speech, text = states(speech_states, "speech_states"), states(text_states, "text_states")
        widths = {side.shape[1] for side in (*speech, *text) if side.size}
        if len(widths) > 1:
            raise ValueError(f"the states of one batch have widths {sorted(widths)}; give speech and text states of one layer")
        super().add_batch(speech_states=speech, text_states=text, clusters=cluster_column(clusters, len(speech)))

    def add(self, *, speech_states: Any, text_states: Any, clusters: object = None) -> None:
        """Add one item."""
        self.add_batch(speech_states=[speech_states], text_states=[text_states], clusters=[clusters])

    def _compute(
        self,
        speech_states: Sequence[Any],
        text_states: Sequence[Any],
        clusters: Sequence[str],
        similarity: functional.Similarity = "cosine",
        n_boot: int = 10_000,
        seed: int = 0,
    ) -> dict[str, Any]:
        speech, text = states(speech_states, "speech_states"), states(text_states, "text_states")
        names = cluster_names(clusters)
        partners = _partners(text, names, seed)
        scores = [_score(s, t, similarity) for s, t in zip(speech, text, strict=True)]
        null = [math.nan if k is None else _score(s, text[k], similarity) for s, k in zip(speech, partners, strict=True)]
        settings = (names, "cosine" if similarity == "cosine" else "distance", 1.0, n_boot, seed)
        found = {
            **plain(mean_estimate(scores, *settings), "alignment_path_score"),
            "scores": scores,
            **plain(mean_estimate(null, *settings), "null", "null_"),
            **plain(difference(scores, null, *settings), "above_null", "above_null_"),
        }
        if scores and partners == [None] * len(partners):
            found["null_why"] = found["above_null_why"] = "no item of another cluster with another text was given"
        return found


def _score(speech: States, text: States, similarity: functional.Similarity) -> float:
    """The score of one pair, each side (tokens, width); NaN where a side has no tokens."""
    if not (speech.size and text.size):
        return math.nan
    return float(functional.alignment_path_score(torch.from_numpy(speech)[None], torch.from_numpy(text)[None], similarity=similarity))


def _partners(text: Sequence[States], names: Sequence[str], seed: int) -> list[int | None]:
    """For each item the position of the one whose text makes its null: drawn as in a run, among the items that have text.

    The states stand for the words, so that the same question, asked twice, is no null of itself.
    """
    items = [Item(str(k), "given", hashlib.sha256(t.tobytes()).hexdigest(), _NO_CLIP, "", names[k], "given") for k, t in enumerate(text)]
    drawn = draw_partners([i for i, t in zip(items, text, strict=True) if t.size], {str(k): len(t) for k, t in enumerate(text)}, seed)
    others = [drawn[item.id].same_task if item.id in drawn else None for item in items]
    return [None if other is None else int(other.id) for other in others]
