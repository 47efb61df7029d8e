"""The scorer `robust_mcq` on answers written by somebody who had not seen its rules: by set of options, and then by what they say."""

# ruff: noqa: E501, RUF001 - the cases are answers as they came
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from lsgap_bench import scorers

Answers = Mapping[str | None, Sequence[str]]  # what they say (None: no option, or several) -> answers
PLANETS = {"options": ["Mars", "Venus", "Jupiter", "Saturn"]}
IN_THE_QUESTION = {"text": "Which planet is the hottest? A. Mars B. Venus C. Jupiter D. Saturn"}
LETTERS: Answers = {  # nothing but letters is known
    "A": [
        "Choice A", "My answer would be A", "I would go for A. Do you want to know more about option B?", "The best choice here is A",
        "So, A it is.", "If I had to guess, I'd say A.", "Yes, the answer is A.", "I'll say A, final answer.", "Among the given options, option A best describes it.",
        "The plan B is interesting, but I choose A.", "Final answer: \\text{A}", "La respuesta correcta es A.", "正确答案为 A", "I'm leaning A.", "A is my final answer.",
        "a is correct", "a. because it fits", "i think a", "A I think", "This corresponds to choice A.", "Ans: (A)", "\\[ \\boxed{\\mathbf{A}} \\]", "There's a typo in option C, but the answer is A.",
        "C is a common misconception. The answer is A.", "People often pick C, but it's A.", "Selected answer: A",
    ],
    "B": [
        "B", "b", "(b)", "[B]", "B!", '"B"', "`B`", "Easy, B.", "The answer's B.", "Hmm, that's a good one. I'm gonna go with B.", "I choose B because A is too small.",
        "B is correct, since A and C are both too small and D is too far away.", "We need the hottest one. A is cold. C is cold. D is cold. That leaves B.",
        "I'm not sure, but I'd say B.", "I think it might be B.", "A. No wait, B.", "Sorry, I made a mistake. The correct answer is B, not C.", "The answer is B rather than C.",
        "Initially one might pick A, however B is correct.", "A good guess would be B.", "**Answer:** B", "The answer is $B$.", '{"answer": "B"}', "选B", "B选项是正确的", "不是A，而是B。",
        "Die Antwort ist B.", "A resposta é B.", "答えはBです。", "정답은 B입니다", "Ответ: B", "<1> The answer is B</s>", "B<|user|>", "The answer is: \n\nB", "B as in boy.",
        "Option B is what I'd go for, although option C is tempting.", "The answer is B (and not C, as is often believed).", "You gave me four choices, A, B, C and D. I would take B.",
        "B best describes this.", "This is consistent with option B.", "=> B", "So I would eliminate A, C, and D and choose B.", "A - False\nB - True\nC - False\nD - False", "A ❌ B ✅ C ❌ D ❌",
        "Is it A? No, A is too hot. Is it B? Yes, B works.", "Would you like me to explain why the answer is B?", "It used to be A, now it's B.", "All of them are wrong except B.",
        "Energy is measured in joules. Option A says watts, which measure power. Option B says joules. So it's option B.", "A) is incorrect because it's too low. B) is correct. C) and D) are too high.",
    ],
    "C": [
        "answer: (c)", "it's c", "_C_", "$\\boxed{C}$", "### Answer\nC", "Okay, so I think the answer here would be option C.", "Out of these, C makes the most sense.", "C is the only one that fits.",
        "We can eliminate A and D. Between B and C, C is more likely.", "We can rule out A, B and D, which leaves C.", "Not A. Not B. Not D. So C.", "It's probably C, but I'm not certain.",
        "The answer is A. Actually, it's C.", "B... no, scratch that, C.", "The answer is C instead of A.", "Not B but C.", "None of these are right except C.", "It cannot be anything but C.",
        "I got a grade B once, but the answer is C.", '```json\n{"choice": "C"}\n```', "- **A**: wrong\n- **B**: wrong\n- **C**: right\n- **D**: wrong", "答案是C。", "应该选C，因为A和B都不对。", "La risposta è C.",
        "The answer is C, as in cat.", "I believe B is wrong and C is right.", "The statement that is true is C", "Answer → C", "If it were colder, it'd be A. But since it's hot, it's C.",
        "My first thought was C, and I'm sticking with it.", "Not sure, C?", "I'd say the answer is C. Does that help?", "The only option that mentions heat is C.",
    ],
    "D": [
        "ANSWER: D", "i pick d", "Letter D.", "I am fairly sure that D is right.", "Perhaps D?", "Either B or D would work, but D is better.", "I said B, but I meant D.", "At first I thought A, but the answer is D.",
        "Everything but D is wrong, so D.", "A can't be right, and neither can B or C, so D it is.", "Neither A nor B is right; the answer is D.", "Hepatitis B is a virus. The answer is D.", "\\(\\boxed{\\text{D}}\\)",
        "<answer>D</answer>", "我选择D选项。", "La réponse est D.", "No, the answer is D.", "C or D, probably D.", "A and D both look correct, but I'd choose D.", "A student might think the answer is B, but it's actually D.",
    ],
    None: [
        "Maybe B, maybe C.", "It is hard to say. It could be A or D.", "It isn't A.", "The answer is not B.", "I need a bit more time.", "Both A and C.", "A and C are both right.", "The answer is E.", "E",
        "A, B and D", "B/C", "More than one: A and B.", "The answer is A, B, or C.", "I.",
    ],
}  # fmt: skip
OF_PLANETS: Answers = {
    "A": ["First option", "My answer would be A, Mars.", "Mars is smaller than Venus, Jupiter and Saturn, so Mars."],
    "B": [
        "B - Venus", "B: Venus", "B, Venus.", "**B)** Venus", "Option two", "The second one.", "Sure! The answer to your question is B, Venus.", "Oh, that's easy! It's Venus.", "The right choice is the second option, Venus.",
        "The answer is B. Option A is wrong because Mars is red. Option C is wrong because Jupiter is far away.", "It's Mars. Hmm, no, it's Venus.", "It is not Mars, it is Venus.", "A lot of people think Mars, but I say Venus.",
        '{"answer": "Venus"}', "The question asks which planet is the hottest: A) Mars, B) Venus, C) Jupiter, or D) Saturn? The hottest is Venus.", "Venus is hotter than Mars.",
        "The answer is option B: Venus. Venus is hotter than Mars, Jupiter, and Saturn.", "The answer is B, Venus, not C, Jupiter.", "Venus, not Jupiter.", "Not Jupiter but Venus.",
        "I'd rule out Mars and Saturn. Jupiter is large. Venus is the hottest, so I'd go with Venus.", "It's Venus, the second from the Sun.", "The answer: B (Venus), though Mars is often called the red planet.",
    ],
    "C": [
        "Well, I believe it's Jupiter. Is there anything else you'd like to know?", "You're asking about the biggest planet. That's Jupiter, so C.", "I'd choose the third option.",
        "Let's think step by step. First, Mars is the red planet. Second, Venus is hot. Third, Jupiter is the largest. Therefore, the answer is C.", "Answer: **C. Jupiter**", "Die richtige Antwort ist C, Jupiter.",
        "A. Mars\nB. Venus\nC. Jupiter\nD. Saturn\n\nAnswer: C", "The options are Mars, Venus, Jupiter and Saturn. I think Jupiter.",
    ],
    "D": [
        "the last one", "Option 4", "That would be D, Saturn, because of its rings.", "Definitely Saturn!", "Most likely the answer is Saturn.",
        "Great question! The planet with the most rings is Saturn, which corresponds to option D.",
    ],
    None: [
        "", "I don't know.", "Could you repeat the question?", "I didn't hear any options. What are they?", "All of the options are wrong.", "None of the above.", "All of the above",
        "A. Mars B. Venus C. Jupiter D. Saturn", "A is Mars, B is Venus, C is Jupiter, D is Saturn.",
    ],
}  # fmt: skip
LISTED_IN_THE_QUESTION: Answers = {
    "A": ["Mars"],
    "B": [
        "It's the second planet listed, Venus.", "hot one is venus", "B. Venus is the hottest planet. It has a thick atmosphere. Mars is colder.", "Jupiter? No. Saturn? No. Mars? No. It must be Venus.",
        "A is Mars, B is Venus, C is Jupiter, D is Saturn. The hottest is B.",
    ],
    None: ["Mars is too cold, Jupiter too far, and Saturn even farther."],
}  # fmt: skip
OTHER_OPTIONS: Sequence[tuple[Sequence[str], Answers]] = (
    (["a cat", "a dog", "a cow", "a horse"], {"B": ["It's a dog.", "A dog is the best answer."], "C": ["A cow gives milk, so it is a cow."]}),
    (["10", "12", "15", "20"], {"A": ["Half of 20 is 10, so the answer is A."], "B": ["5 + 7 = 12"], "C": ["3 times 5 is 15, and so the answer is 15."]}),
    (["Vitamin A", "Vitamin B12", "Vitamin C", "Vitamin D"], {"C": ["Scurvy is caused by a lack of vitamin C.", "Vitamin C, so the answer is option C."]}),
    (["right", "left", "up", "down"], {"A": ["Right."], "B": ["You turn right and then go left, so the answer is left."], "D": ["That's right, the answer is down."]}),
    (["Water evaporates", "Iron melts", "Gold rusts", "None of the above"], {"A": ["It evaporates; water evaporates when heated."], "D": ["None of the above.", "It is neither of the first three, so none of the above."]}),
    (["yes", "no", "maybe", "it depends"], {"A": ["Yes."], "B": ["No, it isn't.", "The answer is no."], "C": ["Maybe."], "D": ["It depends."]}),
    (["only I", "only II", "both I and II", "neither I nor II"], {"A": ["Only I.", "Statement I is true but II is false, so only I."], "C": ["Both I and II."], "D": ["Neither I nor II."]}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("item", "answers"),
    [
        (PLANETS, OF_PLANETS),
        (IN_THE_QUESTION, LISTED_IN_THE_QUESTION),
        ({}, LETTERS),
        *(({"options": texts}, said) for texts, said in OTHER_OPTIONS),
    ],
)
def test_an_answer_says_what_its_writer_meant(item: Mapping[str, Any], answers: Answers) -> None:
    rule = scorers.get("robust_mcq")
    read = [
        (answer, rule(answer, {"id": "x", "target": "A", **item}).prediction, meant) for meant, said in answers.items() for answer in said
    ]
    assert [case for case in read if case[1] != case[2]] == []
