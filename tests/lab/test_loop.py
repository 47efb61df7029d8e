"""The training loop: rates by hand arithmetic, and a run that was killed ends with the very weights of one that was not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

import pytest
import torch
from torch import Tensor, nn

from lsgap_bench.errors import UsageError
from lsgap_bench.lab import loop
from lsgap_bench.lab.loop import Clock, Paced, Schedule, TimeIsUp, computes_in_bfloat16, step_random, train

SCHEDULE = Schedule(steps=9, rate=0.05, warmup=3)


class Toy:
    """A small net with dropout, on targets drawn anew at every step, so that both sources of chance matter."""

    name = "toy"

    def __init__(self, weight: float = 1.0, at: Mapping[int, Callable[[], object]] | None = None) -> None:
        torch.manual_seed(0)
        self.module: nn.Module = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.Linear(6, 1))
        with torch.no_grad():
            self.module[0].weight.mul_(weight)
        self.at, self.steps = at or {}, []

    def learned(self) -> Sequence[Paced]:
        return [Paced(list(self.module.parameters()))]

    def losses(self, step: int, random: Random) -> Mapping[str, Tensor]:
        self.at.get(step, lambda: None)()
        self.steps.append(step)
        error = self.module(torch.randn(5, 4)) - random.random()
        return {"square": error.pow(2).mean(), "bias": 0.1 * error.abs().mean()}


class UpAfter(Clock):
    """A clock that is up once it has been asked so many times."""

    def __init__(self, asked: int) -> None:
        super().__init__()
        self.left = asked

    @property
    def is_up(self) -> bool:
        self.left -= 1
        return self.left < 0


def interrupt() -> None:
    raise KeyboardInterrupt


def weights(stage: Toy) -> list[Tensor]:
    return [p.detach().clone() for p in stage.module.parameters()]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def whole(tmp_path: Path) -> list[Tensor]:
    """The weights of a run without interruption."""
    stage = Toy()
    before = weights(stage)
    train(stage, SCHEDULE, 7, tmp_path / "whole.pt", Clock())
    assert not same(before, weights(stage))
    return weights(stage)


def test_the_rate_warms_up_in_a_line_and_falls_by_half_a_cosine_to_the_floor():
    schedule = Schedule(steps=100, rate=2.0, warmup=10, floor=0.1)
    assert schedule.rate_at(0) == pytest.approx(2 * 0.1)  # a tenth of the warm-up, cosine still 1
    assert schedule.rate_at(25) == pytest.approx(2 * (0.5 * (1 + math.sqrt(0.5)) * 0.9 + 0.1))
    assert schedule.rate_at(50) == pytest.approx(2 * 0.55)
    assert schedule.rate_at(100) == pytest.approx(2 * 0.1)
    assert schedule.rate_at(4) == pytest.approx(2 * 0.5 * (0.5 * (1 + math.cos(math.pi / 25)) * 0.9 + 0.1))
    assert Schedule(steps=4, rate=1.0, warmup=0).rate_at(0) == 1.0


def test_the_random_numbers_of_a_step_depend_on_seed_name_and_step_alone():
    one, tensor = step_random(1, "toy", 5).random(), torch.rand(3)
    torch.rand(99)
    assert (one, tensor.tolist()) == (step_random(1, "toy", 5).random(), torch.rand(3).tolist())
    others = {step_random(*key).random() for key in ((2, "toy", 5), (1, "top", 5), (1, "toy", 6))}
    assert len(others | {one}) == 4


@pytest.mark.parametrize("after", [1, 4, 8])
def test_a_run_whose_time_is_up_goes_on_to_the_same_weights(tmp_path: Path, whole: list[Tensor], after: int):
    file = tmp_path / "deep" / "state.pt"
    with pytest.raises(TimeIsUp, match=f"at step {after} of 9 of toy; the same command goes on"):
        train(Toy(), SCHEDULE, 7, file, UpAfter(after - 1))
    later = Toy(weight=3.0)  # other weights to start with, which the saved ones must replace
    train(later, SCHEDULE, 7, file, Clock())
    assert later.steps == list(range(after, 9))
    assert same(weights(later), whole)


def test_a_run_that_is_killed_goes_on_from_the_last_saved_step_to_the_same_weights(
    tmp_path: Path, whole: list[Tensor], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    file = tmp_path / "state.pt"
    with pytest.raises(KeyboardInterrupt):
        train(Toy(at={5: interrupt}), SCHEDULE, 7, file, Clock())
    later = Toy(weight=3.0)
    train(later, SCHEDULE, 7, file, Clock())
    assert later.steps == [5, 6, 7, 8]
    assert same(weights(later), whole)


def test_a_run_killed_before_anything_was_saved_starts_anew_with_the_same_result(tmp_path: Path, whole: list[Tensor]):
    file = tmp_path / "state.pt"
    with pytest.raises(KeyboardInterrupt):
        train(Toy(at={5: interrupt}), SCHEDULE, 7, file, Clock())
    assert not file.exists()
    later = Toy()
    train(later, SCHEDULE, 7, file, Clock())
    assert same(weights(later), whole)


def test_parameters_learn_at_their_own_pace(tmp_path: Path):
    """AdamW's first step is the rate long in every weight, whatever its gradient (without weight decay)."""

    class Halved(Toy):
        def learned(self) -> Sequence[Paced]:
            return [Paced(list(self.module[0].parameters())), Paced(list(self.module[2].parameters()), 0.25)]

    stage = Halved()
    before = weights(stage)
    train(stage, Schedule(steps=1, rate=0.01, warmup=0, weight_decay=0.0), 7, tmp_path / "state.pt", Clock())
    moved = [float((b - a).abs().max()) for a, b in zip(before, weights(stage), strict=True)]
    assert moved == pytest.approx([0.01, 0.01, 0.0025, 0.0025], rel=1e-3)


@pytest.mark.parametrize("able", ["amx_bf16", "avx512_bf16", None])
def test_bfloat16_is_used_only_where_the_processor_computes_in_it(able: str | None, monkeypatch: pytest.MonkeyPatch):
    known = {"avx2": True, "avx512_f": True, "amx_bf16": False, "avx512_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {**known, **({able: True} if able else {})})
    assert computes_in_bfloat16("cpu") is (able is not None)


def test_another_seed_gives_other_weights(tmp_path: Path, whole: list[Tensor]):
    stage = Toy()
    train(stage, SCHEDULE, 8, tmp_path / "other.pt", Clock())
    assert not same(weights(stage), whole)


def test_checkpoints_are_called_after_their_steps_in_evaluation_mode_and_once_over_all_parts_of_a_run(tmp_path: Path):
    called: list[tuple[int, bool, int]] = []
    for limit in (3, 2, 99):  # the time is up after step 4, after step 7, and never
        stage = Toy()
        begun = {99: 7, 2: 4, 3: 0}[limit]
        marks = {
            step: lambda step=step, stage=stage, begun=begun: called.append((step, stage.module.training, begun + len(stage.steps)))
            for step in (0, 1, 4, 8, 9)
        }
        try:
            train(stage, SCHEDULE, 7, tmp_path / "state.pt", UpAfter(limit), marks)
        except TimeIsUp:
            assert stage.module.training
    assert called == [(0, False, 0), (1, False, 1), (4, False, 4), (8, False, 8), (9, False, 9)]
    train(Toy(), SCHEDULE, 7, tmp_path / "state.pt", Clock(), {0: interrupt, 9: interrupt})  # all done: nothing is called again


def test_what_a_checkpoint_does_does_not_change_the_weights(tmp_path: Path, whole: list[Tensor]):
    stage = Toy()
    train(stage, SCHEDULE, 7, tmp_path / "state.pt", Clock(), {4: lambda: stage.module(torch.randn(7, 4))})
    assert same(weights(stage), whole)


def test_time_that_is_up_at_the_last_step_is_the_end_of_the_run(tmp_path: Path, whole: list[Tensor]):
    stage = Toy()
    train(stage, SCHEDULE, 7, tmp_path / "state.pt", UpAfter(8))
    assert same(weights(stage), whole)


def test_the_seconds_of_all_parts_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])

    def tick() -> None:
        now[0] += 10.0

    ticking = dict.fromkeys(range(9), tick)
    file = tmp_path / "state.pt"
    with pytest.raises(TimeIsUp):
        train(Toy(at=ticking), SCHEDULE, 7, file, Clock(deadline=35.0))  # is up after the fourth step, at 40
    now[0] = 1000.0
    assert train(Toy(at=ticking), SCHEDULE, 7, file, Clock()) == 90.0
    assert Clock.minutes(2).deadline == now[0] + 120
    assert not Clock.minutes(None).is_up


def test_a_state_that_is_not_of_this_stage_is_refused_with_its_name(tmp_path: Path):
    file = tmp_path / "state.pt"
    for wrong in (lambda: file.write_bytes(b"half"), lambda: torch.save({"module": {}, "optimizer": {}, "step": 1}, file)):
        wrong()
        with pytest.raises(UsageError, match=r"state\.pt is not a state of this stage .*; delete it to train toy anew"):
            train(Toy(), SCHEDULE, 7, file, Clock())
