"""The modality gap as a module of Hugging Face `evaluate`: load it by `lsgap_bench.evaluate_module("modality_gap")`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import datasets
import evaluate
import numpy as np

from lsgap_bench.differences import paired_p_value
from lsgap_bench.evaluate_modules.values import CITATION, cluster_column, cluster_names, fractions, plain
from lsgap_bench.stats import paired_gap

_DESCRIPTION = """\
The modality gap of a speech language model: the score of the written question minus the score of the spoken one, same model, same items, in
points (0-100), with a 95 % interval over clusters of dependent items and a paired test.
"""
_INPUTS = """
Args:
    text_scores: score of each item's written question, 0 to 1 (right or wrong, or graded); NaN = absent, and the item is left out.
    speech_scores: score of each item's spoken question.
    clusters: a name per item; items of one name (the same question in several voices) count as dependent. None: it stands alone.
    n_boot: resamples of the bootstrap, 10000 (from 50 clusters on; below, a t interval). seed: of the resampling, 0. Only in compute.

Returns:
    modality_gap, low, high: points, and the limits of the 95 % interval; `method` says how it was made.
    text, speech: the two mean scores in points, of the same n items.
    n: items with both scores.
    p_value: two-sided; `test` names the test.
    why: only where something is absent (NaN), the reason.

Examples:

    >>> import evaluate, lsgap_bench
    >>> gap = evaluate.load(lsgap_bench.evaluate_module("modality_gap"))
    >>> gap.add_batch(text_scores=[1, 1, 1, 0], speech_scores=[1, 0, 1, 0])
    >>> gap.add_batch(text_scores=[1, 1, 1, 0], speech_scores=[0, 0, 1, 0])
    >>> result = gap.compute()
    >>> result["text"], result["speech"], result["modality_gap"], result["n"]
    (75.0, 37.5, 37.5, 8)
    >>> result["p_value"], result["test"]
    (0.25, 'exact McNemar')
"""


class ModalityGap(evaluate.Metric):  # type: ignore[misc]
    """Score of the written minus score of the spoken question, in points."""

    def _info(self) -> evaluate.MetricInfo:
        score = datasets.Value("float64")
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features({"text_scores": score, "speech_scores": score, "clusters": datasets.Value("string")}),
            reference_urls=["https://arxiv.org/abs/2510.12116"],
        )

    def add_batch(self, *, text_scores: Any, speech_scores: Any, clusters: Iterable[object] | None = None) -> None:
        """Add items. ValueError for scores outside 0 to 1."""
        text, speech = fractions(text_scores, "text_scores"), fractions(speech_scores, "speech_scores")
        super().add_batch(text_scores=text, speech_scores=speech, clusters=cluster_column(clusters, len(text)))

    def add(self, *, text_scores: float, speech_scores: float, clusters: object = None) -> None:
        """Add one item."""
        self.add_batch(text_scores=[text_scores], speech_scores=[speech_scores], clusters=[clusters])

    def _compute(
        self, text_scores: list[float], speech_scores: list[float], clusters: list[str], n_boot: int = 10_000, seed: int = 0
    ) -> dict[str, Any]:
        text, speech = np.array(text_scores, dtype=np.float64), np.array(speech_scores, dtype=np.float64)
        names, both = cluster_names(clusters), ~np.isnan(text - speech)
        p_value = paired_p_value(text, speech, names)
        return {
            **plain(paired_gap(text, speech, names, n_boot, seed), "modality_gap"),
            "text": 100 * float(text[both].mean()) if both.any() else math.nan,
            "speech": 100 * float(speech[both].mean()) if both.any() else math.nan,
            "p_value": p_value.value,
            "test": p_value.test,
        }
