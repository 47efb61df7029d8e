from __future__ import annotations

import dataclasses

from made_items import made_item

from lsgap_bench.schema import Item
from lsgap_bench.validation.leak_checks import leak_findings

PAIR = [made_item(0, "Which animal barks?", "dog"), made_item(1, "Which animal purrs?", "cat")]


def lines(*items: Item, system: str | None = None) -> list[str]:
    found = leak_findings([dataclasses.replace(item, system=system) for item in items], "t.yaml")
    return [("problem: " if finding.problem else "") + finding.line for finding in found]


def test_a_question_that_stands_in_the_system_turn_is_a_problem() -> None:
    (line,) = lines(*PAIR, system="Answer this: which animal purrs? Be brief.")
    assert line.startswith("problem: t.yaml: t/1: the system turn holds the question 'Which animal purrs?'")


def test_a_system_turn_that_names_one_of_the_answers_is_a_warning_and_one_that_names_all_is_none() -> None:
    assert "it names the target 'dog' and not all the others" in lines(*PAIR, system="It is often a dog.")[0]
    assert lines(*PAIR, system="Say dog or cat.") == []
    assert lines(*PAIR, system="You know all dogs and catalogues.") == []


def test_questions_that_hold_their_target_are_told_together_unless_it_is_one_of_several_to_choose_from() -> None:
    told = [made_item(0, "Spell dog.", "dog"), made_item(1, "Spell cat.", "cat"), made_item(2, "Name a bird.", "hen")]
    assert [line.partition(";")[0] for line in lines(*told)] == ["t.yaml: 2 of 3 questions hold their own target, such as t/0 ('dog')"]
    assert lines(made_item(0, "A dog or a cat?", "dog", chance=0.5)) == []
    assert lines(made_item(0, "A dog or a cat?", "dog", options=("dog", "cat"))) == []
    assert lines(made_item(0, "Is a dog a cat, no or yes?", "no")) == []  # too short to be no accident
