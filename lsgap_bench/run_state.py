"""What a run is before its pass and what the pass leaves behind: names resolved, and everything that the record needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsgap_bench.example import AlignmentExample
from lsgap_bench.harness import Loaded
from lsgap_bench.models.adapter import SpeechLM
from lsgap_bench.observe import Plan
from lsgap_bench.panel import Panel
from lsgap_bench.schema import BlockTerms, Condition, Pair
from lsgap_bench.settings import Settings
from lsgap_bench.systems import Companions, Transcribed


@dataclass
class Run:
    """A run whose names are resolved. The second half is what the pass leaves for the record beside its observations.

    controls: the text controls, which are no part of the fused pass. unmeasured: representation metric that was asked for -> why the model
    has no value of it.
    """

    settings: Settings
    tasks: Loaded
    model: SpeechLM
    plan: Plan
    folder: Path | None
    companions: Companions
    unmeasured: Mapping[str, str]
    panel: Panel | None
    batch_sizes: Sequence[int] = ()
    truncated: int = 0
    skipped: list[str] = field(default_factory=list)
    blocks: Sequence[BlockTerms] = ()
    controls: Sequence[Condition] = ()
    heard: Transcribed = field(default_factory=Transcribed)

    @property
    def rules(self) -> dict[str, str]:
        """Task -> the name of its scorer."""
        return {name: task.paired_config.scorer for name, task in self.tasks.paired.items()}


@dataclass(frozen=True)
class Passed:
    """What the speech language model leaves behind: everything of it that the record needs, so that it can go before the next one comes."""

    results: Mapping[str, Any]
    pairs: Mapping[str, Sequence[Pair]]
    system: Mapping[str, Any]
    device: str
    checks: Mapping[str, Any]
    example: AlignmentExample | None
