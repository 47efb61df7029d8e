"""LayerPair and the metric plug-ins: the same numbers as the pure functions, for one text an item or several."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.layer_pair import LayerPair, Words
from lsgap_bench.registry import metrics
from lsgap_bench.schema import Clip, Item, Pair, Verdict

STATE_METRICS: dict[str, tuple[str, bool | None]] = {
    "pooled_cosine": ("cosine", True),
    "pooled_euclidean": ("distance", False),
    "pooled_euclidean_relative": ("text norms", False),
    "alignment_path_distance_relative": ("text norms", False),
    "monotonic_path_score": ("cosine", True),
    "speech_norm": ("norm", None),
    "text_norm": ("norm", None),
    "alignment_path_score": ("cosine", True),
    "alignment_path_score_euclidean": ("distance", False),
    "path_monotonicity": ("Spearman rho", True),
    "path_monotonicity_euclidean": ("Spearman rho", True),
    "path_consistency": ("fraction", True),
}


def batch(n_texts: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    speech, text = torch.randn(4, 12, 16, generator=generator), torch.randn(4 * n_texts, 6, 16, generator=generator)
    speech_mask, text_mask = torch.rand(4, 12, generator=generator) < 0.7, torch.rand(4 * n_texts, 6, generator=generator) < 0.7
    speech_mask[:, 0], text_mask[:, :2] = True, True
    return speech, text, speech_mask, text_mask


def mean_norm(states: Tensor, mask: Tensor) -> Tensor:
    """Row by row, with numpy."""
    rows = zip(states.double().numpy(), mask.numpy(), strict=True)
    return torch.tensor([np.linalg.norm(row[kept], axis=1).mean() for row, kept in rows], dtype=torch.float32)


def expected(*given: Tensor) -> dict[str, Tensor]:
    by_cosine, by_distance = F.alignment_path(*given), F.alignment_path(*given, similarity="euclidean")
    speech_norm, text_norm = (mean_norm(given[side], given[side + 2]) for side in (0, 1))
    return {
        "pooled_euclidean_relative": F.pooled_euclidean(*given) / text_norm,
        "alignment_path_distance_relative": F.alignment_path_score(*given, similarity="euclidean") / text_norm,
        "monotonic_path_score": F.monotonic_path_score(*given),
        "speech_norm": speech_norm,
        "text_norm": text_norm,
        "pooled_cosine": F.pooled_cosine(*given),
        "pooled_euclidean": F.pooled_euclidean(*given),
        "alignment_path_score": F.alignment_path_score(*given),
        "alignment_path_score_euclidean": F.alignment_path_score(*given, similarity="euclidean"),
        "path_monotonicity": F.path_monotonicity(by_cosine.positions, given[3]),
        "path_monotonicity_euclidean": F.path_monotonicity(by_distance.positions, given[3]),
        "path_consistency": F.path_consistency(by_cosine.positions, by_distance.positions, given[3]),
    }


def test_every_plug_in_declares_its_facts() -> None:
    for name, (unit, higher_is_better) in STATE_METRICS.items():
        metric = metrics[name]
        assert (metric.needs, metric.unit, metric.higher_is_better) == ("states", unit, higher_is_better)
        assert metric.source
        assert metric.summary.endswith(".")


@pytest.mark.parametrize("name", STATE_METRICS)
def test_a_plug_in_gives_what_its_pure_function_gives(name: str) -> None:
    given = batch()
    torch.testing.assert_close(metrics[name].compute(LayerPair(*given)), expected(*given)[name], equal_nan=True)


@pytest.mark.parametrize("name", STATE_METRICS)
def test_texts_laid_beside_one_speech_give_what_each_gives_alone(name: str) -> None:
    speech, text, speech_mask, text_mask = batch(n_texts=3)
    together = metrics[name].compute(LayerPair(speech, text, speech_mask, text_mask)).view(4, 3)
    for side in range(3):
        alone = expected(speech, text[side::3], speech_mask, text_mask[side::3])[name]
        torch.testing.assert_close(together[:, side], alone, equal_nan=True)


def test_relative_distances_do_not_change_when_all_states_are_scaled() -> None:
    speech, text, *masks = batch()
    for name in ("pooled_euclidean_relative", "alignment_path_distance_relative"):
        plain, scaled = (metrics[name].compute(LayerPair(by * speech, by * text, *masks)) for by in (1, 40))
        torch.testing.assert_close(scaled, plain)


@pytest.mark.parametrize("name", ["word_alignment_score", "word_agreement"])
def test_a_word_metric_is_absent_without_word_times_and_there_with_them(name: str) -> None:
    speech, text, speech_mask, text_mask = batch(n_texts=3)
    assert metrics[name].compute(LayerPair(speech, text, speech_mask, text_mask)).isnan().all()
    said = torch.arange(12).div(3, rounding_mode="floor").repeat(4, 1).masked_fill(~speech_mask, -1)
    written = torch.arange(6).div(2, rounding_mode="floor").repeat(12, 1).masked_fill(~text_mask, -1)
    together = metrics[name].compute(LayerPair(speech, text, speech_mask, text_mask, Words(said, written))).view(4, 3)
    for side in range(3):
        alone = LayerPair(speech, text[side::3], speech_mask, text_mask[side::3], Words(said, written[side::3]))
        torch.testing.assert_close(together[:, side], metrics[name].compute(alone), equal_nan=True)
    assert together[:, 0].isfinite().all()


def test_a_missing_partner_is_absent_and_the_item_itself_is_not() -> None:
    speech, text, speech_mask, text_mask = batch(n_texts=3)
    text_mask[1] = False
    layer = LayerPair(speech, text, speech_mask, text_mask)
    for name in STATE_METRICS:
        values = metrics[name].compute(layer)
        assert math.isnan(values[1]) == (name != "speech_norm"), name  # the own speech is there whatever the partner
        assert not math.isnan(values[0]), name


def test_matrices_agree_with_scipy_and_close_padded_speech() -> None:
    speech, text, speech_mask, text_mask = batch(n_texts=2)
    layer = LayerPair(speech, text, speech_mask, text_mask)
    assert layer.cosine.shape == layer.distance.shape == (8, 12, 6)
    assert torch.equal(layer.speech_mask, speech_mask.repeat_interleave(2, dim=0))
    for row in range(8):
        kept, words = layer.speech_mask[row], text_mask[row]
        s, t = layer.speech[row][kept].double().numpy(), layer.text[row][words].double().numpy()
        np.testing.assert_allclose(layer.cosine[row][kept][:, words], 1 - cdist(s, t, "cosine"), atol=1e-5)
        np.testing.assert_allclose(layer.distance[row][kept][:, words], cdist(s, t), atol=1e-4)
        assert (layer.cosine[row][~kept] == -math.inf).all()
        assert (layer.distance[row][~kept] == math.inf).all()


def test_the_recipe_of_the_design_for_a_new_metric_works() -> None:
    given = batch()
    layer = LayerPair(*given)
    torch.testing.assert_close(F.masked_mean(layer.cosine.amax(dim=1), layer.text_mask), F.alignment_path_score(*given))


def test_a_matrix_is_computed_once_per_layer() -> None:
    layer = LayerPair(*batch())
    assert layer.cosine.data_ptr() == layer.cosine.data_ptr()
    assert layer.distance is layer.distance
    assert layer.cosine_path is layer.cosine_path


def test_texts_that_do_not_divide_among_the_items_are_refused() -> None:
    with pytest.raises(ValueError, match=r"speech \(4, 2, 3\) and text \(6, 2, 3\)"):
        LayerPair(torch.zeros(4, 2, 3), torch.zeros(6, 2, 3))


def test_modality_gap_is_the_text_score_minus_the_speech_score() -> None:
    clip = Clip("0" * 64, 16_000, 16_000, read=bytes)
    item = Item(id="t-0", task="t", text="q", clip=clip, target="a", cluster="t-0", family="t")
    right, wrong = Verdict("a", 1.0, True, True), Verdict("b", 0.25, False, True)
    gap = metrics["modality_gap"]
    assert (gap.needs, gap.unit, gap.higher_is_better) == ("answers", "points", False)
    assert gap.compute(Pair(item, {}, {"text": right, "speech": wrong})) == 0.75
    assert math.isnan(gap.compute(Pair(item, {}, {"text": right})))
