"""The training loop of every stage: seeded step by step, bounded, and resumable after a kill with the same weights as without one."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from lsgap_bench.errors import UsageError

SAVE_EVERY = 60.0  # seconds between two saved states
_CLIP = 1.0  # largest norm of a step's gradient


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a stage learns: linear warm-up to `rate`, then half a cosine down to `floor` times it."""

    steps: int
    rate: float
    warmup: int = 100
    floor: float = 0.03
    weight_decay: float = 0.02

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        share = 0.5 * (1 + math.cos(math.pi * step / self.steps)) * (1 - self.floor) + self.floor
        return self.rate * min(1.0, (step + 1) / max(1, self.warmup)) * share


def computes_in_bfloat16(device: str) -> bool:
    """Whether a device multiplies in bfloat16 itself. A processor that only imitates it is ten times slower than in float32."""
    if torch.device(device).type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return device == "cpu" and any(able.get(name, False) for name in ("amx_bf16", "avx512_bf16"))


class Paced(NamedTuple):
    """Parameters that learn at `pace` times the rate of the schedule."""

    parameters: Sequence[nn.Parameter]
    pace: float = 1.0


class Stage(Protocol):
    """One stage of training. Everything random in it comes from the `Random` of a step, and from torch, seeded by the loop."""

    name: str
    module: nn.Module
    """All that is learned here, and all that a resumed run must get back."""

    def learned(self) -> Sequence[Paced]:
        """What the optimizer changes; parameters that need no gradient are left out."""

    def losses(self, step: int, random: Random) -> Mapping[str, Tensor]:
        """The weighted parts of a step's loss, each a scalar; their sum is what is learned from."""


class TimeIsUp(UsageError):
    """The time that was allowed is over; everything is saved, and the same command goes on."""


@dataclass
class Clock:
    """What is left of the time that a command may take; None without a limit."""

    deadline: float | None = None

    @classmethod
    def minutes(cls, limit: float | None) -> Clock:
        """A clock that runs out `limit` minutes from now."""
        return cls(None if limit is None else time.monotonic() + 60 * limit)

    @property
    def is_up(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def check(self, doing: str) -> None:
        """TimeIsUp when the time is over, before `doing` is begun."""
        if self.is_up:
            raise TimeIsUp(f"the time is over before {doing}; the same command goes on from there")


def step_random(seed: int, name: str, step: int) -> Random:
    """The random numbers of one step, which depend on nothing that came before; also seeds torch."""
    number = int.from_bytes(hashlib.sha256(f"{seed}/{name}/{step}".encode()).digest()[:8], "big") >> 1
    torch.manual_seed(number)
    return Random(number)


def train(
    stage: Stage,
    schedule: Schedule,
    seed: int,
    state_file: Path,
    clock: Clock,
    at_steps: Mapping[int, Callable[[], object]] | None = None,
) -> float:
    """Train a stage to the end of its schedule and return the seconds that it took, those of interrupted runs included.

    state_file: where module and optimizer are kept while the stage is not done; taken up where it exists. at_steps: called after so many
    steps (0: before the first), which is where checkpoints are written. Raises TimeIsUp, with everything saved, when the clock says so.
    """
    paced = [{"params": [p for p in group.parameters if p.requires_grad], "pace": group.pace} for group in stage.learned()]
    optimizer = torch.optim.AdamW(paced, lr=schedule.rate, weight_decay=schedule.weight_decay, betas=(0.9, 0.98))
    begun, seconds = _resumed(stage, optimizer, state_file)
    marks = dict(at_steps or {})
    if begun == 0 and 0 in marks:
        stage.module.eval()
        marks[0]()
    stage.module.train()
    saved = started = time.monotonic()
    with tqdm(total=schedule.steps, initial=begun, desc=stage.name, unit="step", mininterval=1.0, smoothing=0.05) as bar:
        for step in range(begun, schedule.steps):
            parts = _one_step(stage, optimizer, schedule.rate_at(step), step, seed)
            bar.update()
            if step % 20 == 0:
                bar.set_postfix_str(", ".join(f"{name} {float(value):.3f}" for name, value in parts.items()), refresh=False)
            if step + 1 in marks:
                stage.module.eval()
                marks[step + 1]()
                stage.module.train()
            now, time_is_up = time.monotonic(), clock.is_up
            if now - saved >= SAVE_EVERY or time_is_up:
                _save(stage, optimizer, step + 1, seconds + now - started, state_file)
                saved = now
            if time_is_up and step + 1 < schedule.steps:
                where = f"step {step + 1} of {schedule.steps} of {stage.name}"
                raise TimeIsUp(f"the time is over at {where}; the same command goes on from there")
    stage.module.eval()
    total = seconds + time.monotonic() - started
    _save(stage, optimizer, schedule.steps, total, state_file)
    return total


def _one_step(stage: Stage, optimizer: torch.optim.Optimizer, rate: float, step: int, seed: int) -> Mapping[str, Tensor]:
    for group in optimizer.param_groups:
        group["lr"] = rate * group["pace"]
    optimizer.zero_grad(set_to_none=True)
    parts = stage.losses(step, step_random(seed, stage.name, step))
    total = torch.stack(list(parts.values())).sum()
    total.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], _CLIP)
    optimizer.step()
    return {name: value.detach() for name, value in parts.items()}


def _save(stage: Stage, optimizer: torch.optim.Optimizer, step: int, seconds: float, file: Path) -> None:
    """Written beside and then moved, so that a kill leaves the state before or the state after."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".part")
    state = {"module": stage.module.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "seconds": seconds}
    torch.save(state, partial)
    partial.replace(file)


def _resumed(stage: Stage, optimizer: torch.optim.Optimizer, file: Path) -> tuple[int, float]:
    """(steps done, seconds taken), with module and optimizer as they were then."""
    if not file.exists():
        return 0, 0.0
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        stage.module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
    except Exception as error:
        raise UsageError(f"{file} is not a state of this stage ({type(error).__name__}); delete it to train {stage.name} anew") from None
    return int(state["step"]), float(state["seconds"])
