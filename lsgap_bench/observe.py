"""The fused pass: one forward per item and condition, from which the answer, the representation metrics and their nulls all come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lsgap_bench.answers import Answering, digests, without_answer
from lsgap_bench.blocks import Block, Pool, draw_blocks
from lsgap_bench.errors import UsageError
from lsgap_bench.hearing import heard_wave, heard_words
from lsgap_bench.interventions import controls
from lsgap_bench.keys import Asked, decisive
from lsgap_bench.layer_hooks import Edit, Measure
from lsgap_bench.memory import give_back, ran_out
from lsgap_bench.models.adapter import Batch, Prefill, SpeechLM, Waveform, chunks, gives, prefilled
from lsgap_bench.partners import Partners, draw_partners, item_seed
from lsgap_bench.protocols import DEFAULT, observed_otherwise, protocol_called
from lsgap_bench.registry import Metric, metrics
from lsgap_bench.schema import CANARY, SIDES, BlockTerms, Condition, Item, Observation
from lsgap_bench.speech.clips import fit, pcm_sha256, silence
from lsgap_bench.store import Store, key_of
from lsgap_bench.text_states import Form, TextRun, Texts, form_of, of_one_kind, sorted_forms
from lsgap_bench.variants import VariantClips

TEXT = Condition.parse("text")
CANARY_CONDITIONS = tuple(map(Condition.parse, CANARY))
NO_TEXT = "the run holds no other item of the same task with another text and cluster, whose text the control needs"
WINDOW = 256  # items of like text length that are ordered by clip length
Progress = Callable[[int], object]


@dataclass(frozen=True)
class Plan:
    """What to observe. conditions: in the order of the report. metrics: names of the representation metrics. batch_size: items per forward.

    canary: so many items, drawn from seed and id, are also run on silence and on another item's clip; 0 for none. choices: of the
    protocol, all of them.
    """

    conditions: tuple[Condition, ...]
    metrics: tuple[str, ...] = ()
    batch_size: int = 16
    seed: int = 0
    canary: int = 0
    choices: Mapping[str, str] = field(default_factory=lambda: protocol_called(DEFAULT).settled({}))

    @property
    def normed(self) -> bool:
        """Whether layer L is after the final norm."""
        return self.choices["final_norm"] == "included"

    def plugins(self, *needs: str) -> tuple[Metric, ...]:
        """The representation metric plug-ins of some needs, or all."""
        found = [metrics[name] for name in self.metrics]
        return tuple(plugin for plugin in found if not needs or plugin.needs in needs)


class Observer:
    """Observes items with one model under one plan.

    `observe` is the only method to call; the others are its steps. Making an Observer checks that every text and every option can be
    encoded (UsageError), before anything is run. batch_sizes: the sizes that were tried; more than one after memory ran out.
    """

    def __init__(self, items: Sequence[Item], model: SpeechLM, plan: Plan) -> None:
        self.model, self.plan = model, plan
        self.batch_sizes: list[int] = []
        self.lengths = self._text_lengths(items)
        self.items = _ordered(items, self.lengths)
        self.partners: dict[str, Partners] = draw_partners(self.items, self.lengths, plan.seed)
        self._variants = VariantClips(items, plan.seed)
        drawn = sorted((i.id for i in items), key=lambda i: item_seed(plan.seed, i, "canary"))
        self._canaries = set(drawn[: plan.canary])
        options = sorted({option for item in self.items for option in item.options})
        self._answering = Answering(model, options, plan.seed)
        self._alone = not gives(model, "states")  # each item is asked by itself, so what is answered is not asked again with its batch
        self._forms = sorted_forms(self.items, self.lengths)
        self._speakers: dict[Form, list[Item]] = {form: [] for form in self._forms}
        for item in self.items:
            self._speakers[form_of(item)].append(item)
        self._keys: dict[tuple[str, str], str] = {}
        spoken = any(c.name == "speech" for c in plan.conditions)
        in_turn = sorted(self.items, key=lambda item: item.id in self._canaries)
        self._blocks = draw_blocks(in_turn) if spoken and plan.plugins("blocks") else []
        plain = next((c for c in plan.conditions if c.name == "speech"), TEXT)
        self._keys_by_id = {item.id: self._key(item, plain) for item in self.items} if self._blocks else {}

    def observe(
        self, store: Store[Observation], progress: Progress = lambda done: None, blocks: Store[BlockTerms] | None = None
    ) -> dict[tuple[str, str], Observation]:
        """(item id, condition name) -> observation, for every condition of the plan and, on the canary items, the canary's.

        Every observation goes to `store` as soon as its batch is done; what the store holds already is not computed again, but for items
        of a block whose terms `blocks` (None: in memory) does not hold yet: its states were lost with the run that made them. progress:
        called with the number of items that are done. Where memory runs out, the rest is run in batches of half the size; UsageError when
        not even one item fits.
        """
        self._store, self._progress, self._done = store, progress, 0
        self._terms: Store[BlockTerms] = Store() if blocks is None else blocks
        self._pool = Pool(self._blocks, self.plan.plugins("blocks"))
        for block in self._blocks:
            if self._block_key(block) in self._terms:
                self._pool.settle(block)
        size = self.plan.batch_size
        while not self._completed(size):
            give_back()
            size //= 2
        return {(item.id, c.name): store[self._key(item, c)] for item in self.items for c in self._conditions_of(item)}

    def block_terms(self) -> list[BlockTerms]:
        """What the blocks of items gave, after `observe`."""
        return [self._terms[self._block_key(block)] for block in self._blocks]

    def forwards(self) -> dict[str, int]:
        """How many forwards a whole run takes, by form, beside the tokens of free answers."""
        return self._passes(self.plan.batch_size)

    def requests(self) -> dict[str, int]:
        """How many prompts a whole run asks, by form: what is asked of a server one by one."""
        return self._passes(1)

    def _passes(self, size: int) -> dict[str, int]:
        spoken = [sum(c.modality == "speech" for c in self._conditions_of(batch[0])) for batch in self._batches(size)]
        written = TEXT in self.plan.conditions or self._needs_states()
        return {"text": len(of_one_kind(self._forms, size)) if written else 0, "speech": sum(spoken)}

    def _completed(self, size: int) -> bool:
        """Whether everything is in the store now; False where memory ran out, its tensors free again."""
        self.batch_sizes.append(size)
        try:
            self._observe(size)
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
            if size == 1:
                raise UsageError(
                    f"{self.model.name} does not fit on {self.model.device} with even one item per batch; choose a smaller dtype, another "
                    "device or --model_args device_map=auto"
                ) from None
            return False
        return True

    def _observe(self, size: int) -> None:
        logits = bool(self.plan.plugins("logits"))
        texts = TextRun(self.model, self._to_run(self._forms), size, self._needs_states(), self._answer_texts, logits, self.plan.normed)
        passed = 0
        for batch in self._batches(size):
            missing = [c for c in self._conditions_of(batch[0]) if not all(self._done_with(item, c) for item in batch)]
            if TEXT in missing:
                texts.ensure(self._to_run([form_of(item) for item in batch]))
            # the canary directly after plain speech, in batches of the same shape: a deaf model's logits are then bit-equal
            spoken = sorted((c for c in missing if c.modality == "speech"), key=lambda c: c.intervention is not None)
            for items, conditions in self._asked_together(batch, spoken):
                self._observe_speech(items, conditions, texts)
            passed += len(batch)
            self._progress(max(0, passed - self._done))
            self._done = max(self._done, passed)

    def _batches(self, size: int) -> Iterator[list[Item]]:
        """Batches of one answer type; the canary items keep to themselves, so that their conditions cost no other item a forward."""
        for is_canary in (False, True):
            members = [item for item in self.items if (item.id in self._canaries) == is_canary]
            yield from (members[part] for part in of_one_kind(members, size))

    def _conditions_of(self, item: Item) -> list[Condition]:
        """The conditions of an item, which are those of its whole batch."""
        extra = [c for c in CANARY_CONDITIONS if c not in self.plan.conditions and item.id in self._canaries]
        return [*self.plan.conditions, *extra]

    def _asked_together(
        self, batch: Sequence[Item], conditions: Sequence[Condition]
    ) -> Iterator[tuple[Sequence[Item], Sequence[Condition]]]:
        if not self._alone:
            yield from [(batch, conditions)] if conditions else []
            return
        for condition in conditions:
            yield [item for item in batch if not self._stored(item, condition)], [condition]

    def _needs_states(self) -> bool:
        spoken = any(c.name == "speech" for c in self.plan.conditions)
        return bool(self.plan.metrics and spoken) or any(c.intervention for c in self.plan.conditions)

    # ------------------------------------------------------------------------------------------------ the written side

    def _text_lengths(self, items: Sequence[Item]) -> dict[str, int]:
        distinct = sorted({(item.text, item.system) for item in items}, key=lambda t: (t[0], t[1] or ""))
        length: dict[tuple[str, str | None], int] = {}
        for part in chunks(len(distinct), 256):
            batch = self.model.encode([t for t, _ in distinct[part]], [s for _, s in distinct[part]])
            length.update(zip(distinct[part], batch.content_mask.sum(1).tolist(), strict=True))
        return {item.id: length[(item.text, item.system)] for item in items}

    def _answer_texts(self, forms: Sequence[Form], batch: Batch, prefill: Prefill) -> None:
        if TEXT not in self.plan.conditions or all(self._answered(form) for form in forms):
            return
        first = [self._speakers[form][0] for form in forms]
        sha256 = digests(prefill.last_logits)
        self._store.add(
            (self._key(item, TEXT), Observation(item.id, TEXT.name, prompt=batch.prompts[row], logits_sha256=sha256[row], **answer))
            for row, answer in self._answering.answers(first, prefill)
            for item in self._speakers[forms[row]]
        )

    # ------------------------------------------------------------------------------------------------ the spoken side

    def _observe_speech(self, items: Sequence[Item], conditions: Sequence[Condition], texts: TextRun) -> None:
        own = [heard_wave(item.clip, self.model) for item in items]
        plain: tuple[Batch, list[Waveform]] | None = None  # kept for the interventions, which edit what is heard of the own clip
        needed = any(c.intervention or c.name == "speech" for c in conditions) and self._needs_states()
        stacked = self._stack(items, texts) if needed else None
        for condition in conditions:
            if condition.sound == "own" and plain is not None:
                batch, waves = plain
            else:
                waves = [self._wave(item, condition, wave) for item, wave in zip(items, own, strict=True)]
                batch = self.model.encode(waves, [item.system for item in items])
                plain = (batch, waves) if condition.sound == "own" else plain
            self._observe_condition(items, condition, batch, waves, stacked)

    def _observe_condition(
        self, items: Sequence[Item], condition: Condition, batch: Batch, waves: Sequence[Waveform], texts: Texts | None
    ) -> None:
        measured = texts and condition.name == "speech" and self.plan.metrics
        heard = heard_words(items, batch.content_mask, self.model.max_seconds) if measured else None
        measure = Measure(self.plan.plugins(), batch, texts, bool(self._blocks), heard) if texts and measured else None
        edit = Edit(condition, items, batch, texts, self.plan.seed, self.plan.choices) if texts and condition.intervention else None
        filled = prefilled(self.model, batch, edit or measure, self.plan.normed)
        sha256 = digests(filled.last_logits)
        curves = measure.curves(filled.last_logits) if measure else [{} for _ in items]
        replaced = edit.replaced() if edit else [None] * len(items)
        self._store.add(
            (
                self._key(items[row], condition),
                Observation(
                    items[row].id,
                    condition.name,
                    prompt=batch.prompts[row],
                    logits_sha256=sha256[row],
                    pcm_sha256=pcm_sha256(waves[row]),
                    curves=curves[row],
                    replaced=replaced[row],
                    partners=self._partner_ids(items[row], condition, bool(curves[row])),
                    **answer,
                )
                if (why := self._lacking(items[row], condition)) is None
                else without_answer(items[row], condition, why, batch.prompts[row]),
            )
            for row, answer in self._answering.answers(items, filled)
        )
        if measure and self._blocks:
            states = dict(zip((item.id for item in items), measure.pooled(), strict=True))
            self._terms.add((self._block_key(block), terms) for block, terms in self._pool.add(states))

    def _lacking(self, item: Item, condition: Condition) -> str | None:
        """What the run does not hold for an item under a condition: a partner's text for a control, other clips for a variant."""
        if condition.variant is not None:
            return self._variants.lacking(item, condition.variant)
        text = self.partners[item.id].text_of(controls.BY_NAME[condition.control].text, item)
        return NO_TEXT if text is None else None

    def _wave(self, item: Item, condition: Condition, own: Waveform) -> Waveform:
        """The waveform of a condition; but for a variant of the own clip's length, so that nothing but the sound differs."""
        if condition.variant is not None:
            return self._variants.wave(item, condition.variant, self.model.sampling_rate, self.model.max_seconds)
        donor = self.partners[item.id].clip_donor
        if condition.clip == "own":
            return own
        if condition.clip == "silence" or donor is None:
            return silence(own)
        return fit(heard_wave(donor.clip, self.model), len(own))

    def _stack(self, items: Sequence[Item], texts: TextRun) -> Texts:
        """Own text, then the partners', of every item in turn, in the order of SIDES: rows of item 0, rows of item 1, ..."""
        rows: list[Form | None] = []
        for item in items:
            partners = self.partners[item.id]
            rows += [form_of(item), *(form_of(p) if p else None for p in (partners.other_task, partners.same_task))]
        return texts.stack(rows)

    def _partner_ids(self, item: Item, condition: Condition, measured: bool) -> dict[str, str]:
        """Whose text made the nulls, or was handed to the edit; whose clip was played, under `clip`."""
        text = controls.BY_NAME[condition.control].text
        sides = SIDES[1:] if measured else () if text == "matched" else (text,)
        partners = self.partners[item.id]
        used: dict[str, Item | None] = {side: partners.text_of(side, item) for side in sides}
        if condition.clip == "other":
            used["clip"] = partners.clip_donor
        return {role: partner.id for role, partner in used.items() if partner}

    # ------------------------------------------------------------------------------------------------ keys

    def _stored(self, item: Item, condition: Condition) -> bool:
        return self._key(item, condition) in self._store

    def _answered(self, form: Form) -> bool:
        return all(self._stored(item, TEXT) for item in self._speakers[form])

    def _to_run(self, forms: Sequence[Form]) -> Sequence[Form]:
        return [form for form in forms if not self._answered(form)] if self._alone else forms

    def _done_with(self, item: Item, condition: Condition) -> bool:
        return self._stored(item, condition) and not (condition.name == "speech" and self._pool.wants(item.id))

    def _block_key(self, block: Block) -> str:
        """Of the keys of its items, which hold all that decides their states, and the metrics' code."""
        return key_of(block=block.name, items=[self._keys_by_id[item] for item in block.items])

    def _key(self, item: Item, condition: Condition) -> str:
        place = (item.id, condition.name)
        if place not in self._keys:
            choices = observed_otherwise(self.plan.choices)
            made = self._variants.decisive(item, condition.variant) if condition.variant is not None else {}
            asked = Asked(item, condition, self.partners[item.id], self.plan.seed, choices, self._answering.scored, made)
            self._keys[place] = key_of(**decisive(asked, self.model.fingerprint, self.plan.metrics))
        return self._keys[place]


def _ordered(items: Sequence[Item], lengths: Mapping[str, int]) -> list[Item]:
    """Options first; then the longest, so that too large a batch fails at once.

    Within a window of like text length by clip length: a batch pads little, and the texts that it and its partners need are few groups
    of the written side. (By clip length alone, 5,000 items of a 7B model would run each text 29 times, for want of memory to keep it.)
    """
    by_text = sorted(items, key=lambda i: (not i.options, -lengths[i.id], i.id))
    window = {item.id: k // WINDOW for k, item in enumerate(by_text)}
    return sorted(by_text, key=lambda i: (not i.options, window[i.id], -i.clip.seconds, i.id))


def observations_by_item(found: Mapping[tuple[str, str], Observation]) -> dict[str, dict[str, Observation]]:
    """Regroup (item id, condition) -> observation into item id -> condition -> observation."""
    grouped: dict[str, dict[str, Observation]] = {}
    for (item, condition), observation in found.items():
        grouped.setdefault(item, {})[condition] = observation
    return grouped
