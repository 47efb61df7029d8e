"""What a model would be asked, before it is run: both prompts of the first item of each task, taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lsgap_bench.harness import build_tasks
from lsgap_bench.hearing import heard_wave
from lsgap_bench.models.adapter import SpeechLM
from lsgap_bench.prompt_pair import Prompts, taken_apart
from lsgap_bench.yaml_files import read_catalog


@dataclass(frozen=True)
class Preview:
    """The prompts of one item, as the model's template makes them. apart: None where they differ in more than the content."""

    item: str
    written: str
    spoken: str
    apart: Prompts | None

    @property
    def lines(self) -> list[str]:
        """As the terminal shows them: what both share, and under `<` and `>` what each has of its own."""
        if self.apart is None:
            differ = f"FAILED  {self.item}: the prompts differ in more than the content"
            return [differ, f"    < {self.written!r}", f"    > {self.spoken!r}"]
        before, wrapper, after = self.apart
        text = self.written[len(before) : len(self.written) - len(after)]
        return [f"passed  {self.item}", f"      {before!r}", f"    < {text!r}", f"    > {wrapper!r}", f"      {after!r}"]


def previews(model: SpeechLM, names: Sequence[str], include_path: Sequence[str], system: str | None = None) -> list[Preview]:
    """Of the first item of each paired task among `names` (all there are, if none is named). system: the system turn of a run."""
    catalog = read_catalog(include_path)
    found = []
    for task in build_tasks(list(names) or sorted(catalog.names), catalog).paired.values():
        task.pair(system, lambda base: base, False, "chance")
        item = next(iter(task.items(1)))
        if item.system:
            model.check_system(item.system)
        contents = (item.text, heard_wave(item.clip, model))
        written, spoken = (model.encode([content], [item.system]).prompts[0] for content in contents)
        found.append(Preview(item.id, written, spoken, taken_apart(written, spoken, item.text)))
    return found
