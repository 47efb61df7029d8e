"""Options are judged as they are: normalization must not make two of them equal."""

from __future__ import annotations

import pytest

from lsgap_bench import scorers


@pytest.mark.parametrize("rule", ["exact", "choice"])
@pytest.mark.parametrize("options", [["C", "C++"], ["an ant", "the ant"], ["+", "-"], ["50%", "50"]])
def test_of_two_options_that_differ_in_a_sign_only_the_target_is_right(rule: str, options: list[str]) -> None:
    for chosen in options:
        verdict = scorers.get(rule)(chosen, {"id": "1", "target": options[1], "options": options})
        assert verdict.extracted
        assert verdict.correct == (chosen == options[1])


@pytest.mark.parametrize("answer", ["The answer is B or C", "B and C", "answer: B/C", "B, or C."])
def test_an_answer_that_names_two_letters_names_none(answer: str) -> None:
    assert scorers.get("choice")(answer, {"id": "1", "target": "cat", "options": ["dog", "cat", "cow"]}).prediction is None


@pytest.mark.parametrize("rule", ["choice", "letter", "robust_mcq", "voicebench_mcq"])
def test_a_column_called_options_that_is_no_list_holds_no_options(rule: str) -> None:
    item = {"id": "1", "target": "B", "text": "Which one?", "options": "A. cat B. dog C. cow D. fox"}
    for answer, right in (("The answer is B.", True), ("The answer is D.", False)):
        verdict = scorers.get(rule)(answer, item)
        assert (verdict.prediction, verdict.correct) == (answer[-2], right)


def test_an_answer_that_is_a_part_of_such_a_column_is_normalized_as_any_other() -> None:
    assert scorers.get("exact")("Dog", {"id": "1", "target": "dog", "options": "Cat, Dog"}).correct
