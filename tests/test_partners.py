from __future__ import annotations

import dataclasses
import random
import time

import pytest

from lsgap_bench.partners import draw_partners, item_seed
from lsgap_bench.schema import Clip, Item

CLIP = Clip("0" * 64, 16_000, 16_000, bytes)


def made(number: int, tasks: int = 3, families: int = 3, voices: int = 2) -> tuple[list[Item], dict[str, int]]:
    """Items of several tasks, every question in several voices, with random text lengths."""
    items, lengths = [], {}
    for k in range(number):
        task, question = k % tasks, k // (tasks * voices)
        length = random.Random(f"{task} {question}").randrange(5, 12)
        item = Item(f"t{task}/{k}", f"t{task}", f"question {question} of {task}", CLIP, "a", f"t{task} {question}", f"f{task % families}")
        items.append(item)
        lengths[item.id] = length
    return items, lengths


ITEMS, LENGTHS = made(240)
PARTNERS = draw_partners(ITEMS, LENGTHS, seed=0)


def test_a_partner_is_another_question_of_another_family_or_of_the_same_task() -> None:
    for item in ITEMS:
        other, same = PARTNERS[item.id].other_task, PARTNERS[item.id].same_task
        assert other is not None
        assert same is not None
        assert other.family != item.family
        assert same.task == item.task
        for partner in (other, same):
            assert partner.cluster != item.cluster
            assert partner.text != item.text


def test_no_allowed_item_is_nearer_in_length_than_the_partner() -> None:
    for item in ITEMS:
        differing = [i for i in ITEMS if i.cluster != item.cluster and i.text != item.text]
        for partner, allowed in (
            (PARTNERS[item.id].other_task, [i for i in differing if i.family != item.family]),
            (PARTNERS[item.id].same_task, [i for i in differing if i.task == item.task]),
        ):
            assert partner is not None
            distance = abs(LENGTHS[partner.id] - LENGTHS[item.id])
            assert distance == min(abs(LENGTHS[i.id] - LENGTHS[item.id]) for i in allowed)


def test_partners_do_not_depend_on_the_order_of_the_items() -> None:
    shuffled = random.Random(1).sample(ITEMS, len(ITEMS))
    assert draw_partners(shuffled, LENGTHS, seed=0) == PARTNERS


def test_another_seed_draws_other_partners() -> None:
    other = draw_partners(ITEMS, LENGTHS, seed=1)
    moved = sum(other[i.id].other_task != PARTNERS[i.id].other_task for i in ITEMS)
    assert moved > len(ITEMS) / 2


def test_the_partners_are_spread_over_the_equally_near() -> None:
    lengths = dict.fromkeys(LENGTHS, 7)
    chosen = {p.same_task.id for p in draw_partners(ITEMS, lengths, seed=0).values() if p.same_task}
    assert len(chosen) > len(ITEMS) / 3


def test_there_is_no_partner_of_another_task_in_a_run_of_one_family() -> None:
    items, lengths = made(12, tasks=2, families=1)
    partners = draw_partners(items, lengths, seed=0)
    assert all(p.other_task is None and p.same_task is not None for p in partners.values())


def test_one_question_in_several_voices_has_no_partner() -> None:
    items, lengths = made(2, tasks=1)
    assert all(p.other_task is None and p.same_task is None for p in draw_partners(items, lengths, seed=0).values())


def test_the_same_words_in_another_cluster_are_no_partner() -> None:
    items, lengths = made(4, tasks=1)
    same_words = [dataclasses.replace(i, text="the same words") for i in items]
    assert all(p.same_task is None for p in draw_partners(same_words, lengths, seed=0).values())


def test_a_clip_is_lent_by_the_same_task_where_there_is_one() -> None:
    partners = PARTNERS[ITEMS[0].id]
    assert partners.clip_donor == partners.same_task
    assert dataclasses.replace(partners, same_task=None).clip_donor == partners.other_task


def test_an_items_seed_depends_on_all_its_parts_and_fits_a_generator() -> None:
    seeds = {item_seed(seed, item, purpose) for seed in (0, 1) for item in ("a/1", "a/2") for purpose in ("x", "y")}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("families", [1, 5])
def test_five_thousand_items_of_one_length_take_seconds_at_most(families: int) -> None:
    items, _ = made(5000, tasks=5, families=families)
    started = time.perf_counter()
    draw_partners(items, dict.fromkeys((i.id for i in items), 20), seed=0)
    assert time.perf_counter() - started < 5
