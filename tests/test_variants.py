"""Variants of a clip: what YAML may say, whose clips are heard in a babble, and what an observation of one depends on."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import demo_run
import numpy as np
import pytest
from demo_run import items, model, observe, plan

from lsgap_bench import variants
from lsgap_bench.clip_making import make_variants
from lsgap_bench.errors import UsageError
from lsgap_bench.hearing import within_hearing
from lsgap_bench.observe import Observer
from lsgap_bench.registry import code_of, effects
from lsgap_bench.schema import Condition, Item
from lsgap_bench.speech import synthesis
from lsgap_bench.speech.clips import clip_from_bytes, decode, encode, pcm_sha256
from lsgap_bench.speech.synthesis import Manner
from lsgap_bench.store import Store
from lsgap_bench.variants import (
    SHIPPED,
    VariantClips,
    checked_variants,
    longest,
    of_item,
    own_clip,
    refuse_unknown,
    variant_of,
    variants_told,
)

SOME = items(8)  # three tasks; every question in two voices
RATE = 16_000


def waves(name: str, of: Any = SOME, seed: int = 0) -> dict[str, Any]:
    clips = VariantClips(of, seed)
    return {item.id: clips.wave(item, name, RATE, None) for item in of}


def with_own(declared: dict[str, Any]) -> tuple[Item, ...]:
    return tuple(dataclasses.replace(item, variants=declared) for item in SOME)


# -------------------------------------------------------------------------------------------------- what YAML may say


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_variant_is_one_that_yaml_could_declare(name: str) -> None:
    assert checked_variants({name: SHIPPED[name]}, "t.yaml: variants") == {name: SHIPPED[name]}


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (["noise10"], r"\['noise10'\] is no mapping; write a name"),
        ({"own": {"speed": 2}}, "'own' cannot name a variant"),
        ({"a b": {"speed": 2}}, "'a b' cannot name a variant"),
        ({3: {"speed": 2}}, "3 cannot name a variant"),
        ({"x": {}}, "x: {} says nothing of a clip"),
        ({"x": "loud"}, "x: 'loud' says nothing of a clip"),
        ({"x": {"noize": "white"}}, "x: no effect has the key 'noize'; did you mean 'noise'"),
        ({"x": {"noise": "white"}}, "x: snr is missing; the effect 'noise' needs it"),
        ({"x": {"snr": 3}}, "x: noise is missing"),
        ({"x": {"noise": "white", "snr": 300}}, "x: snr: 300 is out of range"),
        ({"x": {"voice": 3}}, "x: voice 3 is no ENGINE:VOICE"),
        ({"x": {"voice": "en-gb"}}, "x: voice 'en-gb' is no ENGINE:VOICE; write for example espeak:en-us"),
        ({"x": {"voice": "espek:en"}}, "x: no voice engine is called 'espek'; did you mean 'espeak'"),
    ],
)
def test_what_is_wrong_in_yaml_is_named_in_one_line(declared: Any, said: str) -> None:
    with pytest.raises(UsageError, match=f"^t.yaml: variants: {said}") as caught:
        checked_variants(declared, "t.yaml: variants")
    assert "\n" not in str(caught.value)


def test_effects_act_in_their_own_order_however_they_are_written() -> None:
    given = {"band": "telephone", "volume": -3, "snr": 5, "noise": "white", "speed": 2}
    made = variant_of(given, "x")
    assert [step.effect.name for step in made.steps] == ["speed", "noise", "volume", "band"]
    assert made.lengthens == 0.5
    by_hand = decode(SOME[0].clip, RATE)
    for step in made.steps:
        rng = np.random.default_rng(variants.item_seed(0, SOME[0].id, f"effect {step.effect.name}"))
        by_hand = step.effect.apply(by_hand, RATE, rng, [], **step.parameters)
    np.testing.assert_array_equal(waves("x", with_own({"x": given})[:1])[SOME[0].id], by_hand)


def test_a_variant_of_the_tasks_own_takes_the_place_of_the_shipped_one() -> None:
    plain, own = waves("fast"), waves("fast", with_own({"fast": {"speed": 2}}))
    for item in SOME[:3]:
        frames = len(decode(item.clip, RATE))
        assert (len(plain[item.id]), len(own[item.id])) == (round(frames / 1.5), round(frames / 2))


def test_a_variant_that_one_task_lacks_is_refused_with_the_nearest_one() -> None:
    asked = [Condition.parse("text"), Condition.parse("speech=hall")]
    refuse_unknown(asked, {"a": {"hall": {"speed": 2}}})
    with pytest.raises(UsageError, match=r"condition 'speech=hall': task b has no variant 'hall'"):
        refuse_unknown(asked, {"a": {"hall": {"speed": 2}}, "b": {}})
    with pytest.raises(UsageError, match=r"no variant 'silent'; did you mean 'silence'"):
        refuse_unknown([Condition.parse("speech=silent")], {"b": {}})


def test_the_record_says_every_parameter_of_what_was_run_and_whose_voice_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "engine_called", lambda name: SimpleNamespace(fingerprint=lambda voice: f"{name} 1 {voice}"))
    asked = [Condition.parse(name) for name in ("text", "speech", "speech=crowd", "speech=scots")]
    crowd = {"noise": "babble", "snr": 5, "band": "telephone"}
    declared = {"crowd": crowd, "scots": {"voice": "espeak:en-gb-scotland", "speed": 0.8}, "unused": {"speed": 2}}
    told = variants_told(asked, {"a": declared, "b": declared}, {"b": Manner("espeak:en-us", speed=1.25)})
    assert told.keys() == {"a", "b"}
    assert told["a"]["crowd"] == {**crowd, "talkers": 6}
    assert told["a"]["scots"]["speed"] == 0.8
    assert told["a"]["scots"]["voice"]["voice"] == "espeak:en-gb-scotland"
    assert told["a"]["scots"]["voice"]["engine_version"].startswith("espeak 1")
    assert [told[task]["scots"]["voice"]["speed"] for task in ("a", "b")] == [1.0, 1.25]  # of the words, before the tempo
    assert variants_told(asked[:2], {"a": {}}, {}) == {}


# -------------------------------------------------------------------------------------------------- waveforms


def test_the_same_seed_gives_the_same_bytes_whatever_the_order_and_another_item_or_seed_other_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = waves("noise0")
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path))  # where none of them is kept
    again, other = waves("noise0", SOME[::-1]), waves("noise0", seed=1)
    assert {name: pcm_sha256(wave) for name, wave in first.items()} == {name: pcm_sha256(wave) for name, wave in again.items()}
    twice = (dataclasses.replace(SOME[0], id="one"), dataclasses.replace(SOME[0], id="two"))
    one, two = waves("noise0", twice).values()
    assert pcm_sha256(one) != pcm_sha256(two)
    assert all(pcm_sha256(first[item.id]) != pcm_sha256(other[item.id]) for item in SOME)


@pytest.mark.parametrize("name", ["noise0", "babble0"])
def test_a_kept_waveform_is_found_again_only_where_nothing_that_made_it_has_changed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {
        "as before": (SOME, 0, RATE),
        "rate": (SOME, 0, 8_000),
        "seed": (SOME, 1, RATE),
        "clip": ([dataclasses.replace(SOME[0], clip=SOME[2].clip), *SOME[1:]], 0, RATE),
        "clips of others": ([SOME[0], *(dataclasses.replace(item, clip=SOME[2].clip) for item in SOME[1:])], 0, RATE),
    }
    VariantClips(SOME, 0).wave(SOME[0], name, RATE, None)
    for what, (pool, seed, rate) in asked.items():
        found = VariantClips(pool, seed).wave(pool[0], name, rate, None)
        with monkeypatch.context() as apart:
            apart.setenv("LSGAP_CACHE", str(tmp_path / what))
            made = VariantClips(pool, seed).wave(pool[0], name, rate, None)
        assert found.tobytes() == made.tobytes(), what


def test_a_babble_is_of_other_questions_of_the_same_task_and_never_of_the_own_words() -> None:
    by_clip: dict[str, list[Item]] = {}
    for item in (pool := items(16)):
        by_clip.setdefault(item.clip.sha256, []).append(item)
    clips = VariantClips(pool, 0)
    for item in pool:
        others = [by_clip[sha256][0] for sha256 in clips.decisive(item, "babble0")["others"]]
        assert len(others) == len({other.id for other in others}) == 6
        assert all(other.text != item.text and other.cluster != item.cluster for other in others)
        assert {other.task for other in others} == {item.task}  # which holds seven other questions in two voices
    drawn = {tuple(clips.decisive(item, "babble0")["others"]) for item in pool}
    assert len(drawn) > len(pool) / 2


def test_a_babble_of_the_own_question_would_hold_its_words_so_a_run_without_others_has_none() -> None:
    alone = SOME[:2]  # one question in two voices
    assert alone[0].text == alone[1].text
    assert VariantClips(alone, 0).lacking(alone[0], "babble0") == "it takes 6 clips of other questions, and the run holds 0"
    seen = observe(alone, plan("speech=babble0", "speech=noise0"))
    assert seen[alone[0].id, "speech=babble0"].absent == "it takes 6 clips of other questions, and the run holds 0"
    assert seen[alone[0].id, "speech=noise0"].absent is None


def test_the_clips_of_one_cluster_are_not_heard_in_each_others_babble() -> None:
    pool = [dataclasses.replace(item, cluster="one speaker") for item in items(16)]
    apart = [dataclasses.replace(pool[0], cluster="another"), *pool[1:]]
    assert VariantClips(pool, 0).lacking(pool[0], "babble0") == "it takes 6 clips of other questions, and the run holds 0"
    assert VariantClips(apart, 0).lacking(apart[0], "babble0") is None


def test_where_a_task_is_small_the_rest_of_the_run_talks_too() -> None:
    few = [*items(2), *items(8, demo_run.TASKS[1:])]
    own, others = few[0], VariantClips(few, 0).decisive(few[0], "babble0")["others"]
    assert len(others) == 6
    assert not {other.clip.sha256 for other in few if other.text == own.text} & set(others)


def test_a_waveform_is_made_once_for_all_runs_and_again_only_where_its_file_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path))
    made = waves("babble0")
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.wav")}
    assert len(files) == len(SOME)
    damaged = min(files)
    damaged.write_bytes(damaged.read_bytes()[:-4] + b"\x00\x00\x00\x3f")  # a last sample of 0.5
    read = waves("babble0")
    assert {name: pcm_sha256(wave) for name, wave in read.items()} == {name: pcm_sha256(wave) for name, wave in made.items()}
    assert [path for path in files if path.stat().st_mtime_ns != files[path]] == [damaged]
    waves("babble0", seed=1), waves("babble10")
    assert len(list(tmp_path.rglob("*.wav"))) == 3 * len(SOME)


def test_what_lies_behind_the_models_window_is_cut_after_the_effects() -> None:
    clips, item = VariantClips(SOME, 0), SOME[0]
    whole = clips.wave(item, "slow", RATE, None)
    assert len(whole) == round(len(decode(item.clip, RATE)) / 0.75)
    np.testing.assert_array_equal(clips.wave(item, "slow", RATE, 2.0), whole[: 2 * RATE])


def test_a_clip_that_only_its_slow_variant_makes_too_long_meets_the_policy_for_long_clips() -> None:
    item = SOME[0]
    asked = [Condition.parse(name) for name in ("text", "speech", "speech=slow", "speech=noise0")]
    assert longest(item, asked) == pytest.approx(item.clip.seconds / 0.75)
    assert longest(item, asked[:2]) == longest(item, [Condition.parse("speech=fast")]) == item.clip.seconds
    window = item.clip.seconds * 1.1
    with pytest.raises(UsageError, match=rf"{item.id} with {item.clip.seconds / 0.75:.1f} s in its longest variant; add --long_clips"):
        within_hearing([item], window, "refuse", lambda item: longest(item, asked))
    assert within_hearing([item], window, "truncate", lambda item: longest(item, asked)).truncated == 1
    assert list(within_hearing([item], window, "refuse", lambda item: longest(item, asked[:2])).items) == [item]


def test_another_voice_says_the_spoken_form_and_the_effects_act_on_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Manner]] = []
    said = 0.3 * np.sin(np.arange(RATE) / 9).astype(np.float32)
    encoded = encode(said, RATE, "wav-float")

    def clip_of(text: str, manner: Manner) -> Any:
        asked.append((text, manner))
        return clip_from_bytes(lambda: encoded, "made")

    monkeypatch.setattr("lsgap_bench.variants.clip_of", clip_of)
    declared = {"scots": {"voice": "espeak:en-gb-scotland"}, "soft_scots": {"voice": "espeak:en-gb-scotland", "volume": -20}}
    first, second = (dataclasses.replace(i, variants=declared) for i in (dataclasses.replace(SOME[0], spoken="twenty one"), SOME[2]))
    clips = VariantClips([first, second], 0)
    np.testing.assert_allclose(clips.wave(first, "scots", RATE, None), said, atol=1e-6)
    np.testing.assert_allclose(clips.wave(second, "soft_scots", RATE, None), said / 10, atol=1e-6)
    assert asked == [("twenty one", Manner("espeak:en-gb-scotland")), (SOME[2].text, Manner("espeak:en-gb-scotland"))]
    assert longest(first, [Condition.parse("speech=scots")]) == max(first.clip.seconds, 1.0)
    made = clips.decisive(first, "scots")["voice"]
    assert made == ["espeak:en-gb-scotland", clip_from_bytes(lambda: encoded, "made").sha256]


def test_the_clips_of_another_voice_are_made_at_once_and_in_words_also_for_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path))
    declared = {"scots": {"voice": "espeak:en-gb-scotland"}, "quiet_scots": {"voice": "espeak:en-gb-scotland", "volume": -20}}
    item = dataclasses.replace(SOME[0], text="Is 7 more than 3?", variants=declared)
    asked = [Condition.parse(name) for name in ("text", "speech", "speech=scots", "speech=quiet_scots", "speech=noise0")]
    assert list(make_variants([item], asked, False).items) == [item]
    [said] = [json.loads(path.read_text()) for path in tmp_path.rglob("*.json")]
    assert said["text"] == "Is seven more than three?"
    assert said["sha256"] == own_clip(item, of_item(item, "scots")).sha256


def test_an_item_that_another_voice_cannot_say_is_refused_or_left_out_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path))
    declared = {"scots": {"voice": "espeak:en-gb-scotland"}}
    good, bad = (dataclasses.replace(SOME[k], text=text, variants=declared) for k, text in enumerate(["yes", "\\undefinedcommand"]))
    asked = [Condition.parse("speech=scots")]
    with pytest.raises(UsageError, match=rf"{bad.id}: another voice has no words for .*; leave its variant out, or add --skip_bad_items"):
        make_variants([good, bad], asked, False)
    made = make_variants([good, bad], asked, True)
    assert list(made.items) == [good]
    assert [line.partition(":")[0] for line in made.bad] == [bad.id]
    assert list(make_variants([good, bad], [Condition.parse("speech=noise0")], False).items) == [good, bad]


# -------------------------------------------------------------------------------------------------- the fused pass


def test_a_variant_is_asked_as_speech_is_and_its_waveform_is_told_apart() -> None:
    some = items(2)
    seen = observe(some, plan("speech", "speech=noise0", "speech=telephone", "speech=fast", metrics=["pooled_cosine"]))
    for item in some:
        of = {name: seen[item.id, name] for name in ("speech", "speech=noise0", "speech=telephone", "speech=fast")}
        assert len({one.pcm_sha256 for one in of.values()}) == len({one.logits_sha256 for one in of.values()}) == 4
        assert len({one.prompt for one in of.values()}) == 1
        assert of["speech"].curves
        assert not of["speech=noise0"].curves  # the representation is measured on plain speech alone
        noisy = VariantClips(some, 0).wave(item, "noise0", model().sampling_rate, model().max_seconds)
        assert of["speech=noise0"].pcm_sha256 == pcm_sha256(noisy)
        lengths = [one.content_tokens for one in of.values()]
        assert lengths[0] == lengths[1] == lengths[2]
        assert lengths[3] == pytest.approx(lengths[0] / 1.5, abs=2)


def test_a_tone_that_is_slowed_takes_as_many_positions_as_it_is_long() -> None:
    item = dataclasses.replace(SOME[0], variants={"half": {"speed": 0.5}})
    seen = observe([item], plan("speech", "speech=half"))
    tokens = [seen[item.id, name].content_tokens or math.nan for name in ("speech", "speech=half")]
    assert tokens[1] == pytest.approx(2 * tokens[0], abs=2)


def keys(some: Any, seed: int = 0) -> dict[str, dict[str, str]]:
    observer = Observer(some, model(), plan("speech", *(f"speech={name}" for name in ("noise0", "telephone", "babble0", "x")), seed=seed))
    return {c.name: {item.id: observer._key(item, c) for item in some} for c in observer.plan.conditions}


def test_an_observation_is_made_again_where_the_effect_its_parameters_or_its_noise_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = keys(with_own({"x": {"volume": -6}}))
    assert len({key for of_condition in first.values() for key in of_condition.values()}) == 5 * len(SOME)
    softer = keys(with_own({"x": {"volume": -12}}))
    assert {name for name in first if first[name] != softer[name]} == {"speech=x"}
    seeded = keys(with_own({"x": {"volume": -6}}), seed=1)
    assert first["speech"] == seeded["speech"]
    assert not set(first["speech=noise0"].values()) & set(seeded["speech=noise0"].values())
    fewer = keys(with_own({"x": {"volume": -6}})[:-2])
    assert {name for name in first if any(first[name][item] != key for item, key in fewer[name].items())} == {"speech=babble0"}
    newer = {effects["band"].apply: "changed"}
    monkeypatch.setattr("lsgap_bench.registry.code_of", lambda plugin: newer.get(plugin, code_of(plugin)))
    changed = keys(with_own({"x": {"volume": -6}}))
    assert {name for name in first if first[name] != changed[name]} == {"speech=telephone"}


def test_what_is_in_the_store_is_not_asked_again() -> None:
    counted, store = demo_run.Counted(), Store()  # type: ignore[var-annotated]
    asked = plan("speech", "speech=noise0")
    first = Observer(items(2), counted, asked).observe(store)
    before = len(counted.spoken)
    assert Observer(items(2), counted, asked).observe(store) == first
    assert len(counted.spoken) == before > 0
