"""The sweep: models of several sizes, strategies and seeds, each measured at every checkpoint by the benchmark itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from multiprocessing import active_children, get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from threading import RLock
from typing import Any

from tqdm import tqdm

from lsgap_bench.braces import expand
from lsgap_bench.lab.alignment_stage import STRATEGIES
from lsgap_bench.lab.architecture import SIZES
from lsgap_bench.lab.loop import Clock, TimeIsUp
from lsgap_bench.lab.recipe import Recipe, preset
from lsgap_bench.lab.train import Lab, Trained, base_of, hearing_of, matched_of, speech_of, train_model
from lsgap_bench.run import evaluate

Job = tuple[Recipe, Lab, "Measuring", Clock]
SEEDS = (0, 1, 2)
EVALUATIONS = "evaluations"
MATCHING = "matching"
"""The strategy that the checkpoints of the matching stage are tagged with: the encoder learns, the text model does not."""
_LAYERS = "{0,1,2,3,all}"
GRID = tuple(
    expand(
        [
            f"speech+{{angle_projection,length_normalization}}:{{bottom3,all,random3,top3}}@{_LAYERS}",
            f"speech+angle_projection:{{bottom3,all}}@{_LAYERS}=wrong_transcript",
            f"speech+angle_projection:{{bottom3,all}}@{_LAYERS}=random_direction",
        ]
    )
)


@dataclass(frozen=True)
class Measuring:
    """How checkpoints are measured. limit: items per task for the scores and metrics, None for all.

    grid: interventions and controls, tried on the last checkpoint of every run; grid_limit: items per task for them, 0 for no grid.
    """

    limit: int | None = None
    grid_limit: int | None = 20
    batch_size: int | str = "auto"
    tasks: tuple[str, ...] = ("lsgap_mini",)
    grid: tuple[str, ...] = GRID


def sweep_recipes(
    sizes: Sequence[str] = tuple(SIZES), strategies: Sequence[str] = STRATEGIES, seeds: Sequence[int] = SEEDS, base: str = "sweep"
) -> list[Recipe]:
    """The recipes of a sweep, the first seed of everything first, so that a sweep that is cut short still compares."""
    return [preset(base, size=size, strategy=strategy, seed=seed) for seed, size, strategy in product(seeds, sizes, strategies)]


def sweep(
    recipes: Sequence[Recipe],
    lab: Lab,
    measuring: Measuring = Measuring(),
    clock: Clock | None = None,
    processes: int = 1,
) -> list[Path]:
    """Train and measure every recipe; returns the run folders that `lsgap report series` takes. What is there already is not made again.

    processes: models trained side by side, each on an equal share of the threads. Raises TimeIsUp when the clock runs out.
    """
    clock = clock or Clock()
    lab = replace(lab, threads=lab.threads or max(1, (os.cpu_count() or 1) // processes))
    with _workers(processes) as pool:
        _lay_foundations(recipes, lab, clock, pool)
        matchings = list(pool.map(_one_matching, _jobs(_of_each_size(recipes), lab, measuring, clock)))
        runs = list(pool.map(_one_run, _jobs(recipes, lab, measuring, clock)))
        return [folder for folders in (*matchings, *runs) for folder in folders]


@contextmanager
def _workers(count: int) -> Iterator[Executor]:
    """Processes for whole trainings. When the time is up each of them saves its state and ends; at any other error they end at once."""
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin_worker) as pool:
        try:
            yield pool
        except TimeIsUp:
            pool.shutdown(cancel_futures=True)
            raise
        except BaseException:  # Ctrl-C among them: what was saved a minute ago is kept, and nobody waits for an hour
            for child in active_children():
                child.terminate()
            pool.shutdown(cancel_futures=True)
            raise


def _begin_worker() -> None:
    signal(SIGINT, SIG_IGN)  # the caller ends us
    tqdm.set_lock(RLock())  # tqdm's own lock is one between processes, and would be left behind


def _lay_foundations(recipes: Sequence[Recipe], lab: Lab, clock: Clock, pool: Executor) -> None:
    """Make what many recipes stand on, once each, before they start side by side: the speech, encoders and text models."""
    ears = {(r.speech, r.hearing, r.shared_seed): r for r in reversed(recipes)}.values()
    for recipe in ears:  # here, for a worker has no processes of its own to share it out to
        speech_of(recipe, lab)
    parts = [*((hearing_of, recipe) for recipe in ears), *((base_of, recipe) for recipe in _of_each_size(recipes))]
    list(pool.map(_one_part, [(make, recipe, lab, clock) for make, recipe in parts]))


def _of_each_size(recipes: Sequence[Recipe]) -> list[Recipe]:
    return list({(r.size, r.shared_seed): r for r in reversed(recipes)}.values())


def _jobs(recipes: Sequence[Recipe], lab: Lab, measuring: Measuring, clock: Clock) -> list[Job]:
    return [(recipe, lab, measuring, clock) for recipe in recipes]


def _one_part(job: tuple[Callable[..., object], Recipe, Lab, Clock]) -> None:
    make, recipe, lab, clock = job
    lab.prepare()
    make(recipe, lab, clock)


def _one_matching(job: Job) -> list[Path]:
    recipe, lab, measuring, clock = job
    lab.prepare()
    matched = matched_of(recipe, lab, clock)
    run = f"{recipe.size}-{MATCHING}"
    tags = {"run": run, "strategy": MATCHING, "size": recipe.size, "seed": recipe.shared_seed}
    return [
        _measure(checkpoint, f"{run}-step-{step:06d}", ("text", "speech"), measuring.limit, {**tags, "step": step}, lab, measuring, clock)
        for step, checkpoint in sorted(matched.checkpoints.items())
    ]


def _one_run(job: Job) -> list[Path]:
    recipe, lab, measuring, clock = job
    trained = train_model(recipe, lab, clock)
    return list(measured(trained, recipe, lab, measuring, clock))


def measured(trained: Trained, recipe: Recipe, lab: Lab, measuring: Measuring, clock: Clock) -> Iterator[Path]:
    """Measure the checkpoints of a run one by one; yields the run folder of each."""
    for step, checkpoint in sorted(trained.checkpoints.items()):
        tags = {"run": recipe.name, "step": step, "strategy": recipe.alignment.strategy, "size": recipe.size, "seed": recipe.seed}
        yield _measure(checkpoint, f"{recipe.name}-step-{step:06d}", ("text", "speech"), measuring.limit, tags, lab, measuring, clock)
        if checkpoint == trained.last and measuring.grid_limit:
            conditions = ("text", "speech", *measuring.grid)
            _measure(checkpoint, f"{recipe.name}-grid", conditions, measuring.grid_limit, tags, lab, measuring, clock)


def _measure(
    checkpoint: Path,
    name: str,
    conditions: Sequence[str],
    limit: int | None,
    tags: dict[str, Any],
    lab: Lab,
    measuring: Measuring,
    clock: Clock,
) -> Path:
    folder = lab.folder / EVALUATIONS / name
    if not (folder / "record.json").exists():
        clock.check(f"measuring {name}")
        evaluate(
            model_args={"pretrained": str(checkpoint)},
            tasks=measuring.tasks,
            conditions=conditions,
            limit=limit,
            batch_size=measuring.batch_size,
            device=lab.device,
            output_path=folder,
            tags=tags,
        )
    return folder
