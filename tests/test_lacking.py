"""What a model cannot give: refused by name, or absent with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.lacking import NO_OPTIONS, NO_STATES, refuse_lacking, refuse_unlike, unmeasured, unmeasured_of
from lsgap_bench.models.adapter import EVERYTHING
from lsgap_bench.schema import Condition


class Model:
    """Gives everything, for it says nothing else."""

    name = "demo_model"


class Mute(Model):
    """Answers only."""

    gives = frozenset({"answers"})


WHOLE: Any = Model()
MUTE: Any = Mute()
PLAIN, EDITED = Condition.parse("speech"), Condition.parse("speech+identity:all@0")


def test_a_model_that_gives_everything_lacks_nothing() -> None:
    refuse_lacking(WHOLE, [PLAIN, EDITED], ["arc_easy"])
    refuse_unlike(WHOLE, EVERYTHING, ["days"])
    assert unmeasured(WHOLE, ["pooled_cosine", "option_margin"]) == {}


def test_what_cannot_be_done_is_refused_by_its_name() -> None:
    refuse_lacking(MUTE, [PLAIN], [])
    with pytest.raises(UsageError, match=r"condition 'speech\+identity:all@0': the model gives answers only"):
        refuse_lacking(MUTE, [PLAIN, EDITED], [])
    with pytest.raises(UsageError, match="arc_easy are text tasks of lm-eval"):
        refuse_lacking(MUTE, [PLAIN], ["arc_easy"])


def test_systems_that_answer_options_in_two_ways_are_not_compared() -> None:
    refuse_unlike(MUTE, frozenset({"answers"}), ["days"])
    refuse_unlike(MUTE, EVERYTHING, [])
    with pytest.raises(UsageError, match="days: demo_model scores the options and the base writes an answer"):
        refuse_unlike(WHOLE, frozenset({"answers"}), ["days"])
    with pytest.raises(UsageError, match="days: the base scores the options and demo_model writes an answer"):
        refuse_unlike(MUTE, EVERYTHING, ["days"])


def test_every_metric_that_has_no_value_has_its_reason() -> None:
    found = unmeasured(MUTE, ["pooled_cosine", "next_token_kl", "linear_cka", "option_margin", "modality_gap"])
    assert found == {**dict.fromkeys(("pooled_cosine", "next_token_kl", "linear_cka"), NO_STATES), "option_margin": NO_OPTIONS}
    assert unmeasured_of({"plan": {"unmeasured": found}}) == found
    assert unmeasured_of({}) == {}
