"""How many items fit, by hand arithmetic."""

from __future__ import annotations

import demo_run
import pytest

from lsgap_bench.batch_size import MOST, fitting, reckoned
from lsgap_bench.observe import TEXT, Plan


@pytest.mark.parametrize(
    ("alone", "together", "room", "growth", "size"),
    [
        (300, 600, 2_600, 0, 24),  # 100 an item, 200 fixed: 24 of them leave nothing
        (300, 600, 2_600, 20, 16),  # with 20 more an item: exactly 20, and 16 is the multiple of 8 below
        (300, 600, 900, 0, 7),  # fewer than 8 are not rounded
        (300, 600, 250, 0, 1),  # one at least: then memory runs out for good, and says so
        (300, 300, 10**9, 0, MOST),
        (50, 350, 850, 0, 8),  # nothing fixed
    ],
)
def test_the_room_is_shared_out_among_the_items(alone: int, together: int, room: int, growth: int, size: int) -> None:
    assert reckoned(alone, together, room, growth) == size


def test_without_a_gpu_the_plan_is_kept() -> None:
    plan = Plan((TEXT,), batch_size=5)
    assert fitting(demo_run.items(4), demo_run.model(), plan) == 5
