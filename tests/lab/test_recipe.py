"""Recipes and what may be changed in them from the command line."""

from __future__ import annotations

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.lab.recipe import changed, digest, preset


def test_a_field_is_set_by_its_path_and_nothing_else_changes() -> None:
    smoke = preset("smoke")
    noisy = changed(smoke, ["speech.snr=[10, 30]", "speech.speed=[0.7,1.5]", "hearing.schedule.rate=1", 'speech.accents=["en-us"]'])
    assert (noisy.speech.snr, noisy.speech.speed, noisy.hearing.schedule.rate) == ((10.0, 30.0), (0.7, 1.5), 1.0)
    assert noisy.speech.accents == ("en-us",)
    assert changed(noisy, ['speech.shares=[["owners", 2]]']).speech.shares == (("owners", 2),)
    longer = changed(smoke, ["alignment.schedule.steps=9", "alignment.checkpoints=[3, 9]"])  # neither holds without the other
    assert (longer.alignment.schedule.steps, longer.alignment.checkpoints) == (9, (3, 9))
    assert changed(noisy, ["speech.snr=null"]).speech.snr is None
    back = changed(noisy, ["speech.speed=[0.88, 1.25]"])
    assert back.speech.speed == smoke.speech.speed
    assert (back.text, back.alignment, back.matching) == (smoke.text, smoke.alignment, smoke.matching)
    assert digest(noisy.to_dict()) != digest(smoke.to_dict())


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("speech.snrr=[1, 2]", "did you mean 'snr'"),
        ("speach.snr=[1, 2]", "did you mean 'speech'"),
        ("speech.snr", "has no value"),
        ("speech.snr=ten", "is no JSON"),
        ("speech.snr=10", "not of the kind"),
        ("speech.snr=[30, 10]", "not of the kind"),
        ("speech.speed=null", "not of the kind"),
        ("speech.utterances=1.5", "not of the kind"),
        ("text.batch=true", "not of the kind"),
        ("speech=1", "set one of speech.utterances"),
        ("alignment.schedule.steps=9", "is not the last step"),
        ("size.width=3", "has no parts"),
        ("alignment.checkpoints=[1]", "is not the last step"),
        ('alignment.strategy="lor"', "did you mean 'lora'"),
        ('size="nanno"', "did you mean 'nano'"),
    ],
)
def test_what_cannot_be_set_is_said_in_one_line(setting: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as found:
        changed(preset("smoke"), [setting])
    assert "\n" not in str(found.value)


def test_a_whole_and_its_part_cannot_both_be_set() -> None:
    with pytest.raises(UsageError, match="give one of the two"):
        changed(preset("smoke"), ["text=1", "text.batch=2"])


def test_a_part_of_a_recipe_holds_what_a_stage_depends_on() -> None:
    assert preset("smoke").part("size") == {"size": "nano", "shared_seed": 0, "embedded": False}


def test_a_strategy_brings_its_own_rates() -> None:
    full, lora = preset("sweep", strategy="full").alignment, preset("sweep", strategy="lora").alignment
    assert lora.schedule.rate > full.schedule.rate
    assert lora.schedule.steps == full.schedule.steps
