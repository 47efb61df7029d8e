"""The scorer `robust_bbh`: a table of answers and what a person would read in each."""

# ruff: noqa: E501, RUF001 - the cases are answers as they came
from __future__ import annotations

import pytest

from lsgap_bench import scorers
from lsgap_bench.errors import UsageError

SPORTS, MOVES, LIES, ORDER = "sports_understanding_1", "navigate_1", "web_of_lies_1", "hyperbaton_1"
QUESTIONS = {
    LIES: "Vina tells the truth. Helene says Vina lies. Kandi says Helene tells the truth. Jamey says Kandi lies. "
    "Ka says Jamey lies. Does Ka tell the truth?",
    ORDER: "Which sentence has the correct adjective order:\nOptions:\n(A) medium-size archaic prismlike purple American car\n"
    "(B) archaic purple prismlike American medium-size car",
}
PLAINLY_WRONG = [  # of VoiceBench's own evaluator
    (ORDER, "B.", 1),
    (ORDER, "**B**", 1),
    (ORDER, "(B)", 1),
    (ORDER, "(A)", 0),
    (ORDER, "Option B", 1),
    (ORDER, "The correct adjective order is: age, colour, noun. The answer is B.", 1),
    (SPORTS, 'The sentence "Tom Brady took a penalty kick" is not plausible.', 0),
    (MOVES, "Do you return to the starting point? No.", 0),
    (LIES, "So Fidel must be lying.", 0),
    (SPORTS, "The answer is not hard: yes", 1),
    (SPORTS, "Normally he plays there, so yes", 1),
]
READINGS = [
    (MOVES, "The answer is not hard: yes", 1),
    (LIES, "The answer is not hard: no", 0),
    (SPORTS, "Yes, it is plausible.", 1),
    (SPORTS, "No, it isn't plausible.", 0),
    (SPORTS, "It's plausible.", 1),
    (SPORTS, "It is implausible.", 0),
    (SPORTS, "It's not implausible.", 1),
    (SPORTS, "That doesn't make sense.", 0),
    (SPORTS, "That makes sense.", 1),
    (SPORTS, "No, a penalty kick is a soccer term, and Tom Brady is a football player.", 0),
    (SPORTS, "Tom Brady is a quarterback in American football. A penalty kick is part of soccer. So the sentence isn't plausible.", 0),
    (SPORTS, "Kyle Anderson is a basketball player, and a three-pointer is part of basketball, so yes, it is plausible.", 1),
    (SPORTS, "This sentence seems unlikely, as hockey players do not shoot free throws.", 0),
    (SPORTS, "I don't think that's plausible.", 0),
    (SPORTS, "I think it's plausible.", 1),
    (SPORTS, "Well, yes.", 1),
    (SPORTS, "Hmm, no.", 0),
    (SPORTS, "Nope, not at all.", 0),
    (SPORTS, "Of course not.", 0),
    (SPORTS, "Absolutely, that is plausible.", 1),
    (SPORTS, "The sentence could be plausible in a different context, but as it stands it is not plausible.", 0),
    (SPORTS, "I'm not sure.", None),
    (SPORTS, "I cannot tell.", None),
    (SPORTS, "", None),
    (SPORTS, "There is no information.", None),
    (SPORTS, "It's hard to say, but I'd go with yes.", 1),
    (SPORTS, "Yes or no? I'd say no.", 0),
    (SPORTS, "The answer is yes or no.", None),
    (SPORTS, "THE ANSWER IS NO", 0),
    (SPORTS, "**No**", 0),
    (SPORTS, "$\\boxed{\\text{No}}$", 0),
    (SPORTS, "Answer: Yes", 1),
    (SPORTS, "The final answer is: no.", 0),
    (SPORTS, "Yes. No doubt about it.", 1),
    (SPORTS, "No one would doubt it: it is plausible.", 1),
    (SPORTS, "It is not possible for him to do that.", 0),
    (SPORTS, "No, that's not something that happens in baseball.", 0),
    (SPORTS, "There's nothing implausible about it, so yes.", 1),
    (MOVES, "No, you do not return to the starting point.", 0),
    (MOVES, "Yes, you return to the starting point.", 1),
    (MOVES, "You end up 3 steps to the left of the starting point, so no.", 0),
    (MOVES, "If you follow these instructions, you will end up back where you started.", 1),
    (MOVES, "You won't be back at the starting point.", 0),
    (MOVES, "You would not return to the start.", 0),
    (MOVES, "you're back at the start", 1),
    (MOVES, "You are 5 steps away from the starting point.", 0),
    (
        MOVES,
        "Let's see. Start at the origin facing north. Take 3 steps forward: (0, 3). Turn around. Take 3 steps: (0, 0). So you are back at the origin.",
        1,
    ),
    (
        MOVES,
        "We are at the starting point, facing north. After 4 steps we're at (0,4). We turn left and take 2 steps to (-2,4). This is not the starting point.",
        0,
    ),
    (MOVES, "Following these instructions, you return to the starting point.", 1),
    (MOVES, "Since you never turn around, you cannot return to the starting point.", 0),
    (MOVES, "The net displacement is zero.", 1),
    (MOVES, "The answer is yes, you do.", 1),
    (MOVES, "To return to the starting point, you need to take 2 more steps. So the answer is no.", 0),
    (MOVES, "No. You'd be one step to the right of where you started.", 0),
    (MOVES, "You do not end up where you started.", 0),
    (MOVES, "Okay so if I take five steps forward and five steps back, I'm back where I started. So yes!", 1),
    (MOVES, "Not quite.", 0),
    (MOVES, "It doesn't bring you back to your starting point.", 0),
    (MOVES, "Yes", 1),
    (MOVES, "no", 0),
    (LIES, "Ka lies.", 0),
    (LIES, "Ka tells the truth.", 1),
    (LIES, "No, Ka lies.", 0),
    (LIES, "Yes, Ka tells the truth.", 1),
    (LIES, "Vina tells the truth, so Helene lies, so Kandi lies, so Jamey tells the truth, so Ka lies.", 0),
    (
        LIES,
        "Vina tells the truth. Helene says Vina lies, so Helene is lying. Kandi says Helene tells the truth, so Kandi lies. Jamey says Kandi lies, which is true. Ka says Jamey lies. Therefore Ka does not tell the truth.",
        0,
    ),
    (LIES, "Ka is lying.", 0),
    (LIES, "Ka is not lying.", 1),
    (LIES, "Ka is telling the truth because Jamey lies.", 1),
    (LIES, "Ka is a liar.", 0),
    (LIES, "Ka doesn't tell the truth.", 0),
    (LIES, "So the answer is: No", 0),
    (LIES, "Ka must be telling the truth. So yes.", 1),
    (LIES, "It is impossible to know.", None),
    (LIES, "We know that Vina tells the truth. Ka lies. Kandi tells the truth.", 0),
    (ORDER, "medium-size archaic prismlike purple American car", 0),
    (ORDER, "The correct one is archaic purple prismlike American medium-size car.", 1),
    (ORDER, "The first sentence has the correct adjective order.", 0),
    (ORDER, "The second one.", 1),
    (ORDER, "Sentence B has the correct adjective order.", 1),
    (ORDER, "It's not A, so it's B.", 1),
    (ORDER, "Option A is incorrect. Option B is correct.", 1),
    (ORDER, "A is right because size comes before age.", 0),
    (ORDER, "A", 0),
    (ORDER, "a", 0),
    (ORDER, "I think B sounds more natural.", 1),
    (ORDER, "Both are wrong.", None),
    (
        ORDER,
        "The adjectives should be ordered by opinion, size, age, shape, colour, origin. Sentence A follows this order, so the answer is (A).",
        0,
    ),
    (ORDER, "The correct adjective order is size, age, shape, color, origin. So A.", 0),
    (ORDER, "Neither A nor B.", None),
    (SPORTS, "no.", 0),
    (SPORTS, "No, that sentence doesn't make sense.", 0),
    (SPORTS, "The sentence is plausible.", 1),
    (SPORTS, "This sentence is implausible, because Messi plays soccer.", 0),
    (SPORTS, "It's not very likely, since LeBron is a basketball player.", 0),
    (SPORTS, "LeBron James is a basketball player, and a slam dunk is part of basketball. So yes.", 1),
    (SPORTS, "Tom Brady is a quarterback. A free throw belongs to basketball. So it isn't plausible.", 0),
    (SPORTS, "It makes sense.", 1),
    (SPORTS, "I would say that it's possible but unlikely.", 0),
    (SPORTS, "Sounds plausible to me!", 1),
    (SPORTS, "That is highly improbable.", 0),
    (SPORTS, "Is it plausible? Not really.", 0),
    (SPORTS, "The answer is: yes", 1),
    (SPORTS, "Answer: No, it's not plausible.", 0),
    (SPORTS, "While it may seem implausible at first, it is plausible.", 1),
    (SPORTS, "No doubt, it's plausible.", 1),
    (SPORTS, "It is implausible that a hockey player would hit a home run.", 0),
    (SPORTS, "The sentence is not implausible.", 1),
    (SPORTS, "Yes and no.", None),
    (SPORTS, "I don't know who that is.", None),
    (SPORTS, "是的", 1),
    (SPORTS, "不，这不合理。", 0),
    (SPORTS, "Nothing about it is implausible, so yes.", 1),
    (SPORTS, "That's true, he could do this.", 1),
    (SPORTS, "False", 0),
    (SPORTS, "True.", 1),
    (SPORTS, "I'm not familiar with this player, but it sounds plausible.", 1),
    (SPORTS, "Sure, that could happen in a game.", 1),
    (MOVES, "Yes, you do.", 1),
    (MOVES, "No, you don't.", 0),
    (MOVES, "You end up two steps north of the start, so no.", 0),
    (MOVES, "You are back where you started.", 1),
    (MOVES, "You will be 3 steps away from the starting point.", 0),
    (MOVES, "You would not be at the starting point.", 0),
    (MOVES, "Start at (0,0). Move 3 forward: (0,3). Move 3 back: (0,0). So you return to the starting point.", 1),
    (MOVES, "If you follow these instructions, you return to the starting point.", 1),
    (MOVES, "If you follow these instructions, you don't return to the starting point.", 0),
    (MOVES, "After these steps, you are at position (2, 1), which isn't the starting point.", 0),
    (MOVES, "The final position is (0, 0), the same as the start.", 1),
    (MOVES, "To return to the starting point, you would need to take 4 more steps. So no.", 0),
    (MOVES, "Do you return to the starting point? Yes.", 1),
    (MOVES, "The question is whether you return to the starting point. You do.", 1),
    (MOVES, "You do not.", 0),
    (MOVES, "We are right back at the starting point.", 1),
    (MOVES, "You never come back to where you began.", 0),
    (MOVES, "The net displacement is zero, therefore yes.", 1),
    (MOVES, "The answer is no, because 5 minus 3 is 2.", 0),
    (MOVES, "Yes, you return. Wait, no: you are 2 steps away.", 0),
    (MOVES, "I need more information.", None),
    (MOVES, "不会回到起点。", 0),
    (MOVES, "会回到起点。", 1),
    (MOVES, "You finish one step to the left of your starting point.", 0),
    (LIES, "Ka is telling the truth.", 1),
    (LIES, "Since Jamey lies, Ka tells the truth.", 1),
    (
        LIES,
        "Vina tells the truth, so Helene lies. Helene lies, so Kandi lies. Kandi lies, so Jamey tells the truth. Jamey tells the truth, so Ka lies.",
        0,
    ),
    (LIES, "Ka does not tell the truth.", 0),
    (LIES, "The answer is yes.", 1),
    (LIES, "It cannot be determined.", None),
    (LIES, "So Ka must be a liar.", 0),
    (LIES, "Ka must be truthful.", 1),
    (LIES, "Ka says Jamey lies. Jamey does lie, so Ka is truthful.", 1),
    (LIES, "No. Ka tells a lie.", 0),
    (LIES, "Therefore, the answer is: **Yes**", 1),
    (ORDER, "Option (B).", 1),
    (ORDER, "The second sentence is correct.", 1),
    (ORDER, "Sentence A has the right order.", 0),
    (ORDER, "It's the first one.", 0),
    (ORDER, "The correct one is B, because size comes before age.", 1),
    (ORDER, "(A) is wrong, so (B).", 1),
    (ORDER, "archaic purple prismlike American medium-size car", 1),
    (ORDER, "The correct order is: medium-size archaic prismlike purple American car.", 0),
    (ORDER, "Not A. It's B.", 1),
    (ORDER, "The latter.", 1),
    (ORDER, "The former is correct.", 0),
    (ORDER, "A sentence should have size first, so B.", 1),
    (ORDER, "答案是A", 0),
    (ORDER, "Option A is grammatically incorrect.", None),
    (SPORTS, "Certainly! Let's analyze. Golfers do not take penalty kicks. The sentence is implausible.", 0),
    (SPORTS, "Of course! Here's my answer: the sentence isn't plausible.", 0),
    (SPORTS, "Of course.", 1),
    (SPORTS, "Absolutely!", 1),
    (SPORTS, "Absolutely not.", 0),
    (SPORTS, "Nah.", 0),
    (SPORTS, "Nothing about it is implausible.", 1),
    (SPORTS, "I find that hard to believe.", 0),
    (SPORTS, "It may or may not be plausible.", None),
    (MOVES, "The net displacement is 4 steps forward, not zero.", 0),
    (MOVES, "You take 5 steps forward, then 5 steps back, ending at the start.", 1),
    (MOVES, "You end up 2 steps from the starting point.", 0),
    (MOVES, "You would need to take 2 more steps to return to the starting point.", 0),
    (MOVES, "Final position: (0,0). That's the starting point.", 1),
    (MOVES, "That's not the starting point.", 0),
]


def read(kind: str, response: str, question: str = "") -> int | None:
    item = {"id": kind, "target": "(A)" if kind == ORDER else "Yes", "text": question}
    prediction: int | None = scorers.get("robust_bbh")(response, item).prediction
    return prediction


def test_the_answer_is_the_one_that_a_person_would_read() -> None:
    for form in ("{}", " \n{}  \n", "**{}**", "{}<|im_end|>"):
        cases = [(kind, form.format(response.replace("**", "")), value) for kind, response, value in [*PLAINLY_WRONG, *READINGS]]
        misread = [case for case in cases if read(case[0], case[1], QUESTIONS.get(case[0], "")) != case[2]]
        assert misread == []


def test_the_question_need_not_be_there() -> None:
    assert [case for case in PLAINLY_WRONG if read(case[0], case[1]) != case[2]] == []


@pytest.mark.parametrize("rule", ["voicebench_bbh", "robust_bbh"])
def test_the_kind_is_found_in_the_columns_or_the_id(rule: str) -> None:
    for item in (
        {"kind": "navigate"},
        {"document_id": "navigate_17"},
        {"id": "navigate_17"},
        {"id": "bbh/3", "document_id": "navigate_17"},
    ):
        verdict = scorers.get(rule)("No.", {"id": "bbh/3", "target": "No", **item})
        assert (verdict.prediction, verdict.score, verdict.correct) == (0, 1.0, True)


@pytest.mark.parametrize("rule", ["voicebench_bbh", "robust_bbh"])
@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"id": "bbh/3", "target": "No"}, "bbh/3: which task of BIG-Bench Hard it is, is not said"),
        ({"id": "navigate_1", "target": "(A)"}, "is not yes or no, as navigate needs"),
        ({"id": "hyperbaton_1", "target": "yes"}, r"is not \(A\) or \(B\), as hyperbaton needs"),
    ],
)
def test_an_item_that_does_not_say_what_it_needs_is_refused(rule: str, item: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        scorers.get(rule)("No.", item)


@pytest.mark.parametrize(
    ("target", "kind", "gold"), [("Yes", MOVES, 1), ("no", LIES, 0), ("(A)", ORDER, 0), ("b", ORDER, 1), ("(b)", ORDER, 1)]
)
def test_targets_are_yes_no_a_and_b(target: str, kind: str, gold: int) -> None:
    answer = {ORDER: ("(A)", "(B)")}.get(kind, ("No", "Yes"))[gold]
    assert scorers.get("robust_bbh")(answer, {"id": kind, "target": target}).correct


def test_what_is_not_extracted_scores_by_chance() -> None:
    for rule in ("voicebench_bbh", "robust_bbh"):
        assert scorers.get(rule)("Hm.", {"id": MOVES, "target": "Yes"}).score == 0.5
        assert scorers.get(rule)("Hm.", {"id": MOVES, "target": "Yes", "chance": 0.4}).score == 0.4
