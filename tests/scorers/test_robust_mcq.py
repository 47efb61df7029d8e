"""The scorer `robust_mcq`: a table of answers, many as speech models give them, and the option that a person would read in each."""

# ruff: noqa: E501, RUF001 - the cases are answers as they came
from __future__ import annotations

import pytest

from lsgap_bench import scorers

PLANETS = ["Mars", "Venus", "Jupiter", "Saturn"]
ANIMALS = ["a cat", "a dog", "a cow", "a horse"]
VITAMINS = ["Vitamin A", "Vitamin C", "Vitamin D", "Vitamin B12"]
NUMBERS = ["2", "4", "8", "16"]
WATER = ["by bending light", "by absorbing heat", "through evaporation", "they do not change"]
LIGHTS = ["the sun", "the moon", "a lamp", "fire"]
PLAINLY_WRONG = [  # of VoiceBench's own evaluator
    ("Answer: B", PLANETS, "B"),
    ("**B**", PLANETS, "B"),
    ("Option B", PLANETS, "B"),
    ("B\n", PLANETS, "B"),
    ("\\boxed{B}", PLANETS, "B"),
    ("答案：B", PLANETS, "B"),
    ("It can't be A. It has to be C.", PLANETS, "C"),
    ("The correct answer is definitely not C; it is A.", PLANETS, "A"),
    ("The answer is a dog.", ANIMALS, "B"),
    ("You need vitamin C, so I pick option A", PLANETS, "A"),
    ("The options are A. Mars, B. Venus, C. Jupiter, D. Saturn. It is D", PLANETS, "D"),
    ("You need vitamin C, so I pick option A", VITAMINS, "A"),
]
READINGS = [
    ("Hmm, let me think. Jupiter is the largest planet in our solar system, so the correct answer is C.", PLANETS, "C"),
    ("I would say it's Jupiter.", PLANETS, "C"),
    ("Jupiter", PLANETS, "C"),
    ("jupiter.", PLANETS, "C"),
    ("The largest planet is Jupiter, which is option C.", PLANETS, "C"),
    ("Well, Mars is small, and Venus is about the size of Earth. Saturn is big, but Jupiter is the biggest.", PLANETS, "C"),
    ("The answer is C, Jupiter. Mars, Venus and Saturn are all smaller.", PLANETS, "C"),
    ("The answer is C) Jupiter. A) Mars is too small, B) Venus is similar to Earth, and D) Saturn is second.", PLANETS, "C"),
    (
        "Let's go through the options.\nA. Mars - no, it is small.\nB. Venus - incorrect.\nC. Jupiter - correct!\nD. Saturn - wrong.",
        PLANETS,
        "C",
    ),
    (
        "A. Mars: This is incorrect because it's small.\nB. Venus: This is incorrect.\nC. Jupiter: This is correct.\nD. Saturn: This is incorrect.\n\nSo the final answer is C.",
        PLANETS,
        "C",
    ),
    ("It's not A, it's not B, and it's definitely not D, so it must be C.", PLANETS, "C"),
    ("B or C", PLANETS, None),
    ("The answer is B or C.", PLANETS, None),
    ("It could be either B or C.", PLANETS, None),
    ("I'm torn between B and C.", PLANETS, None),
    ("I'm torn between B and C, but I'd go with C.", PLANETS, "C"),
    ("Both A and B are correct.", PLANETS, None),
    ("A", PLANETS, "A"),
    ("a", PLANETS, "A"),
    ("A.", PLANETS, "A"),
    ("(a)", PLANETS, "A"),
    ("A) Mars", PLANETS, "A"),
    ("a mars rover", PLANETS, "A"),
    ("I have a dog", ANIMALS, "B"),
    ("A dog", ANIMALS, "B"),
    ("A horse is the right one.", ANIMALS, "D"),
    ("I think it's a cow.", ANIMALS, "C"),
    ("A. A cat", ANIMALS, "A"),
    ("It's a cat, so A.", ANIMALS, "A"),
    ("I think the answer is a, a cat", ANIMALS, "A"),
    ("option a", ANIMALS, "A"),
    ("the answer is a because it purrs", ANIMALS, "A"),
    ("The answer is A because it purrs", ANIMALS, "A"),
    ("Sorry, I don't know.", PLANETS, None),
    ("I cannot hear the audio.", PLANETS, None),
    ("", PLANETS, None),
    ("...", PLANETS, None),
    ("I am a language model", PLANETS, None),
    ("I'd be happy to help! A question like this needs a bit of thought.", PLANETS, None),
    ("Could you repeat the question? I didn't catch the options.", PLANETS, None),
    ("Initially I thought it was B, but on reflection it's D.", PLANETS, "D"),
    ("The answer is B. Actually, wait. It's C.", PLANETS, "C"),
    ("The answer is B. No, sorry, I meant D.", PLANETS, "D"),
    ("B. Hmm, no, C.", PLANETS, "C"),
    ("The answer isn't B, it's C.", PLANETS, "C"),
    ("The answer is C, not B.", PLANETS, "C"),
    ("The answer is C rather than B.", PLANETS, "C"),
    ("C, not B", PLANETS, "C"),
    ("I don't think it's A. I believe it's B.", PLANETS, "B"),
    ("We can rule out A and D. B is less likely than C. So, C.", PLANETS, "C"),
    ("Options A, B and D are incorrect. That leaves C.", PLANETS, "C"),
    ("A and B are wrong, so the answer must be C or D. Since Saturn is smaller, it's C.", PLANETS, "C"),
    ("None of the others make sense, so B.", PLANETS, "B"),
    ("The correct option is (D).", PLANETS, "D"),
    ("The correct choice here would be option D: Saturn.", PLANETS, "D"),
    ("Correct answer: D) Saturn", PLANETS, "D"),
    ("**Answer:** D", PLANETS, "D"),
    ("Answer - D", PLANETS, "D"),
    ("Final answer: **D. Saturn**", PLANETS, "D"),
    ("<answer>D</answer>", PLANETS, "D"),
    ("The final answer is $\\boxed{\\text{D}}$.", PLANETS, "D"),
    ("\\(\\boxed{\\textbf{(D) Saturn}}\\)", PLANETS, "D"),
    ("```\nD\n```", PLANETS, "D"),
    ('{"answer": "D"}', PLANETS, "D"),
    ("__D__", PLANETS, "D"),
    ("### Answer\n\nD", PLANETS, "D"),
    ("My answer is D because of its rings.", PLANETS, "D"),
    ("正确答案是D。", PLANETS, "D"),
    ("我选择D", PLANETS, "D"),
    ("应该选D，因为有环。", PLANETS, "D"),
    ("不是A，是B。", PLANETS, "B"),
    ("答案不是A，而是C。", PLANETS, "C"),
    ("选项B是错误的，正确的是C。", PLANETS, "C"),
    ("The second one.", PLANETS, "B"),
    ("I'd go with the third option.", PLANETS, "C"),
    ("Option 2", PLANETS, "B"),
    ("the last one", PLANETS, "D"),
    ("Um, so, I think, uh, the answer is, um, C", PLANETS, "C"),
    ("so the answer is c i think", PLANETS, "C"),
    ("b as in bravo", PLANETS, "B"),
    ("THE ANSWER IS B", PLANETS, "B"),
    ("If it were hot, the answer would be B. But it's cold, so the answer is A.", PLANETS, "A"),
    ("Some might say B, however the right answer is D.", PLANETS, "D"),
    ("You might think it's B but it's actually A.", PLANETS, "A"),
    ("Although Saturn is tempting, the answer is Jupiter.", PLANETS, "C"),
    ("The answer is Jupiter, although Saturn is tempting.", PLANETS, "C"),
    ("There's no doubt it's B.", PLANETS, "B"),
    ("It can't be anything other than B.", PLANETS, "B"),
    ("It is none other than Jupiter.", PLANETS, "C"),
    ("Is it A? No. Is it B? No. It's C.", PLANETS, "C"),
    ("Which one? A, B, C, or D? I'd say D.", PLANETS, "D"),
    ("C is better than B.", PLANETS, "C"),
    ("B is not as good as C.", PLANETS, "C"),
    ("The answer is 8.", NUMBERS, "C"),
    ("2 times 4 equals 8, so the answer is 8.", NUMBERS, "C"),
    ("It's 16", NUMBERS, "D"),
    ("Vitamin C", VITAMINS, "B"),
    ("It is vitamin D that you get from the sun.", VITAMINS, "C"),
    ("The answer is C, Vitamin D.", VITAMINS, "C"),
    ("The correct answer is Vitamin C.", VITAMINS, "B"),
    ("C. Vitamin D", VITAMINS, "C"),
    ("The answer is B. Vitamin C is found in oranges.", VITAMINS, "B"),
    ("I'll go with B. That's because Venus is close to the sun. A plus is that it is bright.", PLANETS, "B"),
    ("D. Saturn\n\nExplanation: A planet with rings...", PLANETS, "D"),
    ("It is D. I am sure.", PLANETS, "D"),
    ("I choose D!", PLANETS, "D"),
    ("D!", PLANETS, "D"),
    ("🙂 D", PLANETS, "D"),
    ("Sure, here's my answer: D", PLANETS, "D"),
    ("Based on the question, I would pick Saturn (D).", PLANETS, "D"),
    ("Saturn (D)", PLANETS, "D"),
    ("That would be Saturn.", PLANETS, "D"),
    ("The answer to this question is letter D.", PLANETS, "D"),
    ("I believe the correct answer to be D.", PLANETS, "D"),
    ("Of the four, D seems most plausible.", PLANETS, "D"),
    ("D makes the most sense.", PLANETS, "D"),
    ("My best guess would be D", PLANETS, "D"),
    ("I'm leaning towards D.", PLANETS, "D"),
    ("The answer: D", PLANETS, "D"),
    ("Ans. D", PLANETS, "D"),
    ("The answer is most likely D", PLANETS, "D"),
    ("Option D is correct.", PLANETS, "D"),
    ("Only D works here.", PLANETS, "D"),
    ("It's D, since A, B, and C are all rocky planets.", PLANETS, "D"),
    ("Since A, B, and C are all too small, D is the answer.", PLANETS, "D"),
    ("None of these.", PLANETS, None),
    ("All of the above.", PLANETS, None),
    ("I can't choose between A and B.", PLANETS, None),
    ("A. Mars\nB. Venus\nC. Jupiter\nD. Saturn", PLANETS, None),
    ("A. Mars\nB. Venus\nC. Jupiter\nD. Saturn\n\nB", PLANETS, "B"),
    ("A. Mars\nB. Venus\nC. Jupiter\nD. Saturn\n\nVenus is the hottest.", PLANETS, "B"),
    ("So we have four options, A Mars, B Venus, C Jupiter, D Saturn. The one with the rings is Saturn.", PLANETS, "D"),
    ("Answer: C\n\nReasoning: Option A is a rocky planet. Option B is hot. Option D is smaller.", PLANETS, "C"),
    ("The answer is C. Option A is a rocky planet. Option B is hot. Option D is smaller.", PLANETS, "C"),
    ("The answer is C: Jupiter. It is larger than Saturn.", PLANETS, "C"),
    ("Venus is hot. Mars is red. The answer is Saturn. It is not Jupiter.", PLANETS, "D"),
    ("I would eliminate A and B. Between C and D, I'd say D.", PLANETS, "D"),
    ("Not B. C.", PLANETS, "C"),
    ("It's definitely not B.", PLANETS, None),
    ("Thanks for the question! It's C. Let me know if you have any other questions!", PLANETS, "C"),
    ("B is the right answer. Would you like to know more about A or C?", PLANETS, "B"),
    ("The answer’s B.", PLANETS, "B"),
    ("It’s B", PLANETS, "B"),
    ("It isn’t A, it’s B", PLANETS, "B"),
    ("The answer isn’t A. It’s B", PLANETS, "B"),
    (
        "Sure! So the question is asking which planet is the largest. Now, Mars is actually quite small, it's about half the size of Earth. Venus is similar in size to Earth. Saturn is really big, but not as big as Jupiter. So I'd say the answer is C, Jupiter.",
        PLANETS,
        "C",
    ),
    ("Oh, I love this one! You know, a lot of people think it's Saturn because of the rings, but it's actually Jupiter.", PLANETS, "C"),
    ("The answer is through evaporation.", WATER, "C"),
    ("Through evaporation, water turns into vapor. So, option C.", WATER, "C"),
    ("Water changes through evaporation, so I would choose C, through evaporation.", WATER, "C"),
    ("It's the sun, of course. The moon only reflects light.", LIGHTS, "A"),
    ("The moon reflects light from the sun, so the source is the sun.", LIGHTS, "A"),
    ("A. The sun", LIGHTS, "A"),
    ("A lamp", LIGHTS, "C"),
    ("It's a lamp.", LIGHTS, "C"),
    ("a lamp, because you can switch it off", LIGHTS, "C"),
    ("I'd say a lamp.", LIGHTS, "C"),
    ("The correct answer is A lamp.", LIGHTS, "C"),
    ("The correct answer is C. A lamp is something that you can switch off.", LIGHTS, "C"),
    ("The correct answer is A. A lamp would need electricity.", LIGHTS, "A"),
    ("Hmm... I think it might be B? Yeah, B.", PLANETS, "B"),
    ("Yes, B.", PLANETS, "B"),
    ("B, I think.", PLANETS, "B"),
    ("B (Venus)", PLANETS, "B"),
    ("[B]", PLANETS, "B"),
    ("'B'", PLANETS, "B"),
    ("“B”", PLANETS, "B"),
    ("B - Venus", PLANETS, "B"),
    ("B—Venus", PLANETS, "B"),
    ("B: Venus", PLANETS, "B"),
    ("B) Venus.", PLANETS, "B"),
    ("(B) Venus", PLANETS, "B"),
    ("Option (B): Venus", PLANETS, "B"),
    ("Option B, Venus.", PLANETS, "B"),
    ("It's gonna be B for me", PLANETS, "B"),
    ("i'm going with b", PLANETS, "B"),
    ("I'm going to go with option B on this one.", PLANETS, "B"),
    ("We should choose B here.", PLANETS, "B"),
    ("Based on my knowledge, B would be the correct answer.", PLANETS, "B"),
    ("So it would be B.", PLANETS, "B"),
    ("Therefore, B is correct.", PLANETS, "B"),
    ("Thus B.", PLANETS, "B"),
    ("Hence, the answer is B", PLANETS, "B"),
    ("Let me see. A... no. B... no. C... yes! It's C.", PLANETS, "C"),
    ("A is false. B is false. C is true. D is false.", PLANETS, "C"),
    ("A: False, B: False, C: True, D: False", PLANETS, "C"),
    ("C is the only one that fits.", PLANETS, "C"),
    ("C fits best.", PLANETS, "C"),
    ("The one that fits best is C.", PLANETS, "C"),
    ("The best fit is Jupiter.", PLANETS, "C"),
    ("The right answer, in my opinion, is option C.", PLANETS, "C"),
    ("Answer is C", PLANETS, "C"),
    ("answer c", PLANETS, "C"),
    ("The answer would have to be C.", PLANETS, "C"),
    ("That would have to be C.", PLANETS, "C"),
    ("the correct option among the given choices is c", PLANETS, "C"),
    ("I'd have to say C.", PLANETS, "C"),
    ("I would have to go with C", PLANETS, "C"),
    ("C seems right to me.", PLANETS, "C"),
    ("C sounds right", PLANETS, "C"),
    ("Definitely C!", PLANETS, "C"),
    ("Clearly C.", PLANETS, "C"),
    ("Probably C", PLANETS, "C"),
    ("C for sure", PLANETS, "C"),
    ("C, definitely.", PLANETS, "C"),
    ("It has to be C", PLANETS, "C"),
    ("Got to be C", PLANETS, "C"),
    ("D is incorrect because Saturn is smaller; A and B are rocky. The correct answer is C.", PLANETS, "C"),
    ("Let's eliminate. Not A. Not B. Not D. So C.", PLANETS, "C"),
    ("The answer is not B. The answer is C.", PLANETS, "C"),
    ("It's not that A is wrong, but C is better.", PLANETS, "C"),
    ("Neither A nor B. I'd say C.", PLANETS, "C"),
    ("It is neither A nor B, it is C.", PLANETS, "C"),
    ("The answer is definitely not A, B, or D. It's C.", PLANETS, "C"),
    ("Don't choose A. Choose C.", PLANETS, "C"),
    ("Don't pick B, pick C instead.", PLANETS, "C"),
    ("I would never choose A; C is my answer.", PLANETS, "C"),
    ("I'm not certain, but I believe it is C.", PLANETS, "C"),
    ("I am not 100% sure but the answer is C", PLANETS, "C"),
    ("I can't be certain, but C seems most likely.", PLANETS, "C"),
    ("I can't hear very well but I think the answer is C.", PLANETS, "C"),
    ("I cannot see the options, but it sounds like C.", PLANETS, "C"),
    ("Out of A, B, C and D, the best one is C.", PLANETS, "C"),
    ("From the options A, B, C, D, I'd choose C", PLANETS, "C"),
    ("Question: Which planet is largest?\nA. Mars\nB. Venus\nC. Jupiter\nD. Saturn\nAnswer: C", PLANETS, "C"),
    ("The options are: A) Mars B) Venus C) Jupiter D) Saturn\nThe correct answer is C) Jupiter.", PLANETS, "C"),
    ("The largest planet is Jupiter.\n\nSo the answer is:\n\nC", PLANETS, "C"),
    ("**C. Jupiter**\n\n* A. Mars: a small planet\n* B. Venus: similar to Earth\n* D. Saturn: second largest", PLANETS, "C"),
    (
        "**Correct Answer: C) Jupiter**\n\n**Explanation:**\n- A) Mars is too small.\n- B) Venus is also small.\n- D) Saturn is the second largest.",
        PLANETS,
        "C",
    ),
    ("C. Jupiter is the largest planet. A is Mars, B is Venus and D is Saturn.", PLANETS, "C"),
    ("I choose C. Here's why: option A, Mars, is tiny; option B, Venus, is hot; and option D, Saturn, is less massive.", PLANETS, "C"),
    ("Step 1: look at A. Step 2: look at B. The result is C.", PLANETS, "C"),
    (
        "So you have four options to choose from. A is Mars. B is Venus. C is Jupiter. And D is Saturn. The largest one is Jupiter. So the answer is C.",
        PLANETS,
        "C",
    ),
    ("A is Mars. B is Venus. C is Jupiter. D is Saturn.", PLANETS, None),
    ("The answer is E.", PLANETS, None),
    ("I'd pick none of them.", PLANETS, None),
    ("Anything but C.", PLANETS, None),
    ("It is anything but C. It is B.", PLANETS, "B"),
    ("It can't be anything but B.", PLANETS, "B"),
    ("Interesting question!", PLANETS, None),
    ("I'm not sure which of A, B, C, or D is right.", PLANETS, None),
    ("What do you think, A or B?", PLANETS, None),
    ("It's A or B, but not C or D.", PLANETS, None),
    ("It's either A or D. I'd say D, though A is possible.", PLANETS, "D"),
    ("La respuesta correcta es la C.", PLANETS, "C"),
    ("La réponse est C.", PLANETS, "C"),
    ("Die Antwort ist C.", PLANETS, "C"),
    ("答えはCです。", PLANETS, "C"),
    ("정답은 C입니다.", PLANETS, "C"),
    ("选择C。木星最大。", PLANETS, "C"),
    ("C选项正确", PLANETS, "C"),
    ("答案应该选C", PLANETS, "C"),
    ("我认为答案是C，因为木星最大。", PLANETS, "C"),
    ("A、B、D都不对，选C", PLANETS, "C"),
    ("A不对，C对。", PLANETS, "C"),
    ("I'd go for Jupiter over Saturn.", PLANETS, "C"),
    ("Jupiter, not Saturn.", PLANETS, "C"),
    ("Not Saturn but Jupiter.", PLANETS, "C"),
    ("Saturn? No, Jupiter.", PLANETS, "C"),
    ("The answer is (C), as Jupiter has a mass of 1.9e27 kg. (A) Mars is smaller.", PLANETS, "C"),
    ("The final answer is C.</s>", PLANETS, "C"),
    ("C<|im_end|>", PLANETS, "C"),
    ("<|assistant|> The answer is C<|turn_end|>", PLANETS, "C"),
    ("C\n\nHuman: Thanks!", PLANETS, "C"),
    ("Ans: (C)", PLANETS, "C"),
    ("Choice C.", PLANETS, "C"),
    ("Letter C", PLANETS, "C"),
    ("C is my final answer.", PLANETS, "C"),
    ("I'll say C", PLANETS, "C"),
    ("Let's go with C.", PLANETS, "C"),
    ("My pick? C.", PLANETS, "C"),
    ("The winner is C!", PLANETS, "C"),
    ("Considering all this the answer must then be C", PLANETS, "C"),
    ("A good answer would be C.", PLANETS, "C"),
    ("A planet like that is C.", PLANETS, "C"),
    ("I think a good guess is C", PLANETS, "C"),
    ("C because it's the largest", PLANETS, "C"),
    ("c because it's the largest", PLANETS, "C"),
    ("So, I'd say the answer is B... no wait, C. Yeah, C.", PLANETS, "C"),
    ("At first glance B looks right, but the correct one is C.", PLANETS, "C"),
    ("B looks tempting, but C is right.", PLANETS, "C"),
    ("B is close, but C is the answer.", PLANETS, "C"),
    ("B might seem correct. But it is C.", PLANETS, "C"),
    ("The answer is C, which stands for Jupiter, and not A, which stands for Mars.", PLANETS, "C"),
    ("I was going to say Saturn, but it's Jupiter.", PLANETS, "C"),
    ("I nearly said Jupiter, but the answer is Saturn.", PLANETS, "D"),
    ("I would have said D if it were about rings, but it's C.", PLANETS, "C"),
    ("While Saturn is often mistaken for the largest planet, the correct answer is Jupiter.", PLANETS, "C"),
    ("Although D looks tempting, C is the answer.", PLANETS, "C"),
    ("D is factually incorrect.", PLANETS, None),
    ("C is scientifically correct.", PLANETS, "C"),
]
QUESTIONS = [
    "Which one barks?\nA. a cat\nB. a dog\nC. a cow\nD. a horse",
    "Which one barks? A: a cat, B: a dog, C: a cow, D: a horse",
    "Which one barks? A) a cat B) a dog C) a cow D) a horse",
    "Which one barks?\n(A) a cat\n(B) a dog\n(C) a cow\n(D) a horse\n",
    "Which animal, as in plan A. Well, which one barks?\nA. a cat\nB. a dog\nC. a cow\nD. a horse",
]


def read(response: str, options: list[str]) -> str | None:
    prediction: str | None = scorers.get("robust_mcq")(response, {"id": "x", "target": "A", "options": options}).prediction
    return prediction


def test_the_option_is_the_one_that_a_person_would_read() -> None:
    cases = [*PLAINLY_WRONG, *READINGS]
    misread = [(response, found, letter) for response, options, letter in cases if (found := read(response, options)) != letter]
    assert misread == []


@pytest.mark.parametrize("response", ["The answer is a dog.", "It's the dog.", "a dog", "B", "I'd say dog, so B"])
@pytest.mark.parametrize("column", ["text", "prompt", "question"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_options_that_the_question_lists_are_known(response: str, column: str, question: str) -> None:
    assert scorers.get("robust_mcq")(response, {"id": "x", "target": "B", column: question}).prediction == "B"


@pytest.mark.parametrize("text", ["In Fig. A. we see a cat.", "Vitamin A. and so on", "no options", "A. only one"])
def test_a_question_without_a_list_has_no_options(text: str) -> None:
    verdict = scorers.get("robust_mcq")("hm", {"id": "x", "target": "B", "text": text})
    assert (verdict.prediction, verdict.score) == (None, 0.25)


@pytest.mark.parametrize(
    "form", ["  {}  \n\n", "{}\n\nI hope this helps! Let me know if you have any other questions.", "**{}**", "<1> {}<|im_end|>"]
)
def test_a_pleasantry_blanks_marks_and_bold_type_change_nothing(form: str) -> None:
    cases = [(response.replace("*", ""), options, letter) for response, options, letter in READINGS if letter and "\n" not in response]
    misread = [(response, letter) for response, options, letter in cases if read(form.format(response), options) != letter]
    assert misread == []


@pytest.mark.parametrize(
    "response", ["The answer is B.", "Option B", "(b) Venus", "I'd go with b, Venus", "not A, but B", "It isn't A. It's B"]
)
def test_case_changes_nothing(response: str) -> None:
    assert read(response.upper(), PLANETS) == read(response.lower(), PLANETS) == "B"


def test_what_is_not_extracted_scores_by_chance() -> None:
    rule = scorers.get("robust_mcq")
    assert rule("hm", {"id": "x", "target": "A", "chance": 0.3}).score == 0.3
    assert rule("hm", {"id": "x", "target": "cat", "options": ["cat", "dog"]}).score == 0.5
    verdict = rule("B or C", {"id": "x", "target": "A"})
    assert (verdict.prediction, verdict.score, verdict.correct, verdict.extracted) == (None, 0.25, False, False)


def test_the_target_is_a_letter_or_an_options_text() -> None:
    for target in ("B", "Venus", "venus"):
        assert scorers.get("robust_mcq")("It's Venus", {"id": "x", "target": target, "options": PLANETS}).correct


def test_more_than_four_options_have_letters() -> None:
    assert scorers.get("robust_mcq")("The answer is E.", {"id": "x", "target": "E", "options": ["u", "v", "w", "x", "y"]}).correct
