"""Blocks of items: which items they hold, that nothing but their items decides their terms, and that little is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import demo_run
import numpy as np
import pytest
import torch

from lsgap_bench.block_curves import block_curves, block_rows
from lsgap_bench.blocks import QUESTIONS, Block, Pool, Pooled, draw_blocks
from lsgap_bench.errors import UsageError
from lsgap_bench.metrics import functional as F
from lsgap_bench.metrics.linear_cka import cka
from lsgap_bench.observe import Observer
from lsgap_bench.registry import Metric, metrics
from lsgap_bench.schema import BlockTerms, Item, Observation
from lsgap_bench.store import Store, open_store

ITEM = demo_run.items(1)[0]
CKA = metrics["linear_cka"]


def question(task: str, number: int, voice: int) -> Item:
    return dataclasses.replace(ITEM, id=f"{task}/{10 * number + voice}", task=task, cluster=f"{task} {number}")


def questions(task: str, number: int, voices: int = 1) -> list[Item]:
    return [question(task, n, voice) for n in range(number) for voice in range(voices)]


def test_every_item_is_in_one_block_with_items_of_its_task_and_of_other_clusters() -> None:
    items = [*questions("a", 50, voices=2), *questions("b", 20)]
    of = {item.id: item for item in items}
    blocks = draw_blocks(items)
    held = [name for block in blocks for name in block.items]
    assert sorted(held) == sorted(of)
    for block in blocks:
        assert {of[name].task for name in block.items} == {block.task}
        assert len({of[name].cluster for name in block.items}) == len(block.items)
        assert QUESTIONS / 2 <= len(block.items) <= 2 * QUESTIONS


def test_voices_of_the_same_questions_are_in_blocks_of_one_group() -> None:
    items = questions("a", 40, voices=3)
    of = {item.id: item.cluster for item in items}
    groups: dict[str, set[str]] = {}
    for block in draw_blocks(items):
        clusters = {of[name] for name in block.items}
        assert groups.setdefault(block.group, clusters) == clusters
    assert len(groups) == 2  # 40 questions in groups of about 16
    assert not set.intersection(*groups.values())


def test_fewer_than_four_questions_make_no_block() -> None:
    assert draw_blocks(questions("a", 3, voices=5)) == []
    assert len(draw_blocks(questions("a", 4))) == 1


def pooled(seed: int) -> Pooled:
    generator = torch.Generator().manual_seed(seed)
    return Pooled(torch.randn(3, 5, generator=generator), torch.randn(3, 3, 5, generator=generator))


def test_a_block_is_reduced_when_its_last_item_comes_and_then_nothing_of_it_is_kept() -> None:
    block = Block("a/0.0", "a", "a/0", tuple(f"a/{k}" for k in range(6)))
    pool = Pool([block], [CKA])
    states = {name: pooled(k) for k, name in enumerate(block.items)}
    for name in reversed(block.items[1:]):
        assert pool.wants(name)
        assert pool.add({name: states[name]}) == []
        assert not pool.wants(name)
    ((_, terms),) = pool.add({block.items[0]: states[block.items[0]], "in no block": pooled(99)})
    assert not pool._held
    assert pool.add(states) == []
    for side, name in enumerate(("matched", "other_task", "same_task")):
        for layer in range(3):
            x = torch.stack([states[item].speech[layer] for item in block.items])
            y = torch.stack([states[item].text[side, layer] for item in block.items])
            assert terms.terms["linear_cka"][name][layer] == pytest.approx(F.block_hsic(x, y).tolist())


def test_a_block_that_is_known_already_asks_for_nothing() -> None:
    block = Block("a/0.0", "a", "a/0", ("a/0", "a/1", "a/2", "a/3"))
    pool = Pool([block], [CKA])
    pool.settle(block)
    assert not any(map(pool.wants, block.items))
    assert pool.add({name: pooled(0) for name in block.items}) == []


@pytest.mark.parametrize(
    ("compute", "said"),
    [
        (lambda block: block.speech.sum(), r"metric 'planted' gave \(\) on a block; it must give a tensor of shape \(3, 3\) and one axis"),
        (lambda block: block.spech, r"metric 'planted' failed on a block \(AttributeError"),
    ],
)
def test_a_metric_of_blocks_that_is_wrong_is_named(compute: object, said: str) -> None:
    plugin = Metric("planted", compute, "blocks", "CKA", True, combine=cka)  # type: ignore[arg-type]
    block = Block("a/0.0", "a", "a/0", ("a/0", "a/1", "a/2", "a/3"))
    with pytest.raises(UsageError, match=said):
        Pool([block], [plugin]).add({name: pooled(0) for name in block.items})


# ---- in the fused pass ----


def terms_of(size: int, blocks: Store[BlockTerms] | None = None) -> list[BlockTerms]:
    observer = Observer(demo_run.items(8), demo_run.model(), demo_run.plan("text", "speech", metrics=["linear_cka"], batch_size=size))
    observer.observe(Store(), blocks=blocks)
    return observer.block_terms()


def test_neither_batch_size_nor_interruption_changes_what_a_block_gives(tmp_path: Path) -> None:
    whole = terms_of(size=8)
    assert whole
    for one, other in zip(whole, terms_of(size=5), strict=True):
        assert (one.block, one.items) == (other.block, other.items)
        a, b = (np.array(of.terms["linear_cka"]["matched"]) for of in (one, other))
        np.testing.assert_allclose(a, b, rtol=2e-3)
    with open_store(tmp_path, resume=True, kind=BlockTerms) as first:
        terms_of(8, first)
    with open_store(tmp_path, resume=True, kind=BlockTerms) as again:
        assert len(again) == len(whole)
        assert terms_of(8, again) == whole


def test_a_run_that_stopped_inside_a_block_makes_that_block_all_the_same() -> None:
    """The store holds every observation; the states of a block that was not whole went with the run."""
    items, plan = demo_run.items(8), demo_run.plan("text", "speech", metrics=["linear_cka"], batch_size=8)
    kept: Store[Observation] = Store()
    Observer(items, demo_run.model(), plan).observe(kept)
    observer = Observer(items, demo_run.model(), plan)
    observer.observe(kept)
    assert observer.block_terms() == terms_of(size=8)


# ---- curves ----


def rows(values: np.ndarray, groups: list[str], sizes: list[int]) -> list[dict[str, object]]:  # type: ignore[type-arg]
    """values: (blocks, layers, terms), the same for every side."""
    return [
        {
            "task": "a",
            "block": str(k),
            "group": groups[k],
            "item": [f"a/{k}-{i}" for i in range(sizes[k])],
            "metric": "linear_cka",
            "unit": "CKA",
            **dict.fromkeys(("matched", "other_task", "same_task"), values[k].tolist()),
        }
        for k in range(len(values))
    ]


def test_the_mean_of_the_rows_is_the_metric_of_the_weighted_mean_terms() -> None:
    values = np.random.default_rng(0).uniform(1, 2, (6, 4, 3))
    sizes = [16, 16, 8, 8, 12, 12]
    curves = block_curves("a", rows(values, ["0", "0", "1", "1", "2", "2"], sizes))["linear_cka"]
    assert curves.items == 72
    cross, x, y = np.average(values, axis=0, weights=sizes).T
    np.testing.assert_allclose(curves.sides["matched"].mean(axis=0), cross / np.sqrt(x * y), rtol=1e-6)


def test_the_spread_of_the_rows_is_that_of_the_jackknife_where_groups_are_many() -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(0.8, 1.2, (60, 1, 3)) + rng.uniform(-0.2, 0.2, (60, 1, 1))
    curves = block_curves("a", rows(values, [str(k) for k in range(60)], [16] * 60))["linear_cka"]
    own = curves.sides["matched"][:, 0]
    without = [cka(np.delete(values, k, axis=0).mean(axis=0))[0] for k in range(60)]
    jackknife = np.sqrt(59 / 60 * np.square(np.array(without) - np.mean(without)).sum())
    assert own.std(ddof=1) / np.sqrt(60) == pytest.approx(jackknife, rel=0.02)


def test_terms_survive_the_way_to_json_and_back() -> None:
    (first, *_) = terms_of(size=8)
    assert BlockTerms.from_dict(first.to_dict()) == first
    (row, *_) = block_rows([first])
    assert row["item"] == list(first.items)
