"""A task in both forms as lm-eval's evaluation loop takes it: its requests, its filters, its results."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from tqdm import tqdm

from lsgap_bench.errors import UsageError
from lsgap_bench.harness.items import ROW, PairedItems
from lsgap_bench.judging import Unread, judge, known, needs_judge, paired
from lsgap_bench.lm_face import Observed
from lsgap_bench.schema import CANARY, Generation, Item, Observation, Pair, Verdict

INVALID = "[invalid]"  # what lm-eval's extraction filters leave where they find nothing


class PairedTask(PairedItems):
    """A task whose every document is one question in both forms.

    Reached from YAML by `class: !function lsgap_bench.harness.PairedTask`. Under plain lm-eval it runs its written side; `lsgap` calls
    `pair` first, and then one request per document carries the item with both forms to the model.
    """

    def pair(
        self, system: str | None, generation: Callable[[Generation], Generation], skip_bad_items: bool, unread: Unread = "chance"
    ) -> None:
        """Ask for both forms. system: the system turn of both. generation: settings of the YAML -> settings of the run."""
        self.paired = True
        self.system = "\n".join(part for part in (system, str(self.config.description or "")) if part) or None
        self.gen_kwargs = generation(self.paired_config.generation)
        self.skip_bad_items = skip_bad_items
        self.unread = unread

    def build_all_requests(self, **kwargs: Any) -> None:
        """One request per document; without pairing, lm-eval's own way."""
        if not self.paired:
            super().build_all_requests(**kwargs)
            return
        shares = {key: kwargs[key] for key in ("limit", "rank", "world_size", "samples") if kwargs.get(key) is not None}
        documents = list(self.doc_iterator(**shares))
        with tqdm(documents, desc=f"reading {self.task_name}", unit="clip", leave=False, disable=None) as reading:
            self._instances = [self.construct_requests(doc, "", metadata=(self.task_name, number, 1)) for number, doc in reading]

    def construct_requests(self, doc: Mapping[str, Any], ctx: str, **kwargs: Any) -> Any:
        """One `observe` request that carries the item; without pairing, the requests of lm-eval for the written side."""
        if not self.paired:
            return super().construct_requests(doc, ctx, **kwargs)
        metadata = kwargs["metadata"]
        try:
            item: Item | UsageError = self.item(doc, metadata[1])
        except UsageError as error:
            if not self.skip_bad_items:
                raise
            item = error
        text = item.text if isinstance(item, Item) else ""
        return Instance(request_type="observe", doc=doc, arguments=(text, item), idx=0, metadata=metadata)

    def apply_filters(self) -> None:
        """The filter pipelines, each over the answers of one condition at a time."""
        if not self.paired:
            super().apply_filters()
            return
        for ensemble in self._filters:
            answers: dict[int, dict[str, str]] = {}
            for condition in {c for inst in self._instances for c in inst.resps[0].observations}:
                shadows = [
                    Instance(
                        request_type="observe", doc=i.doc, arguments=i.arguments, idx=k, resps=[i.resps[0].observations[condition].answer]
                    )
                    for k, i in enumerate(self._instances)
                    if condition in i.resps[0].observations
                ]
                ensemble.apply(shadows)
                for shadow in shadows:
                    answers.setdefault(shadow.idx, {})[condition] = _text(shadow.filtered_resps[ensemble.name])
            for k, inst in enumerate(self._instances):
                seen: Observed = inst.resps[0]
                kept = {c: dataclasses.replace(o, answer=answers[k][c]) for c, o in seen.observations.items()}
                inst.filtered_resps[ensemble.name] = dataclasses.replace(seen, observations=kept)

    def pair_of(self, observed: Observed) -> Pair | None:
        """Every condition's answer scored by the same rules; None for a document that was left out."""
        item = observed.item
        if item is None or not observed.observations:
            return None
        return paired(item, observed.observations, self.paired_config.scorer, self.unread, self.paired_config.other_scorers)

    def joined(self, found: Mapping[str, Mapping[str, Observation]]) -> list[Pair]:
        """The pairs with observations made after the evaluation loop: item id -> name -> observation. Filtered and scored as all others."""
        for inst in self._instances:
            seen: Observed = inst.resps[0]
            later = found.get(seen.item.id, {}) if seen.item else {}
            inst.resps[0] = dataclasses.replace(seen, observations={**seen.observations, **later})
        self.apply_filters()
        scored = [self.pair_of(inst.filtered_resps[self._filters[0].name]) for inst in self._instances]
        return [pair for pair in scored if pair is not None]

    def process_results(self, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        """Scores per condition and the gap, as fractions; metrics of a `metric_list` as `NAME:text` and `NAME:speech`.

        No score of a scorer that needs a judge's votes, which are asked for after the loop.
        """
        if not self.paired:
            own = super().process_results(doc, results) if self._metric_fn_list else {}
            return own if needs_judge(self.paired_config.scorer) else {"text": self._written(doc, results).score, **own}
        pair = self.pair_of(results[0])
        if pair is None:
            return {}
        scores: dict[str, Any] = {condition: verdict.score for condition, verdict in pair.verdicts.items() if condition not in CANARY}
        if {"text", "speech"} <= scores.keys():
            scores["gap"] = scores["text"] - scores["speech"]
        for condition in ("text", "speech") if self._metric_fn_list else ():
            if condition in pair.observations and self._judgeable(pair.observations[condition]):
                own = super().process_results(doc, self._as_lm_eval(pair.observations[condition]))
                scores.update({f"{metric}:{condition}": value for metric, value in own.items()})
        return scores

    def _judgeable(self, observation: Observation) -> bool:
        """Whether lm-eval's own metrics have what they read: of an item with options that was answered freely they have not."""
        return self.OUTPUT_TYPE != "multiple_choice" or bool(observation.option_logprobs)

    def _as_lm_eval(self, observation: Observation) -> list[Any]:
        """An observation in the form that lm-eval's own metrics expect."""
        if self.OUTPUT_TYPE == "multiple_choice":
            return [(logprob, False) for logprob in observation.option_logprobs]
        return [observation.answer]

    def _written(self, doc: Mapping[str, Any], results: Sequence[Any]) -> Verdict:
        """The verdict of plain lm-eval's run on the written side."""
        name = f"{self.paired_config.task}/{doc[ROW]}"
        asked = self.question(doc, name)
        choice = self.OUTPUT_TYPE == "multiple_choice"
        answer = asked.options[max(range(len(results)), key=lambda k: results[k][0])] if choice else _text(results[0])
        shown = known(self.fields_of(doc, asked), id=name, text=asked.text, target=asked.target, chance=asked.chance)
        return judge(self.paired_config.scorer, answer, shown, self.unread)

    def aggregation(self) -> dict[str, Any]:
        """Means; a metric of `metric_list` by its own rule, for either form."""
        return _Defaulting(
            {f"{m}:{c}": rule for m, rule in self._aggregation_list.items() for c in ("text", "speech")} | self._aggregation_list
        )

    def higher_is_better(self) -> dict[str, bool]:
        """A gap is better small, everything else large."""
        own = {f"{m}:{c}": better for m, better in self._higher_is_better.items() for c in ("text", "speech")}
        return {"text": True, "speech": True, "gap": False, **own}


class _Defaulting(dict[str, Any]):
    """Aggregations by name; what is not named is averaged, because every condition of a run is a score."""

    def __missing__(self, key: str) -> Any:
        return mean


def _text(answer: Any) -> str:
    """What a filter left as an answer: the first element of a list; nothing where it found nothing."""
    only = next(iter(answer), None) if isinstance(answer, (list, tuple)) else answer
    return "" if only is None or only == INVALID else str(only)
