"""What a voice is given: numbers, signs and formulas in the words that a person would say, prose untouched, the rest refused."""

from __future__ import annotations

import pytest

from lsgap_bench.speech.formulas import Unsayable
from lsgap_bench.speech.verbalize import verbalize

PROSE = [
    "Which animal is larger, a dog or a horse?",
    "It's well-known: “café” and naïve and/or (more or less) don't change; e.g. C++, co-op.",
    "A: yes. B: no.",
    "Water is H2O; vitamin B12 and version 1.2.3 stay.",
]


@pytest.mark.parametrize("text", PROSE)
def test_prose_is_left_as_it_is(text: str) -> None:
    assert verbalize(text) == text


@pytest.mark.parametrize("text", [*PROSE, "In 1987, 5% of $3.50 is x^2 at 20 °C.\nA: 1/2"])
def test_what_has_been_written_out_stays_as_it_is(text: str) -> None:
    assert verbalize(verbalize(text)) == verbalize(text)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1,234 people", "one thousand two hundred and thirty-four people"),
        ("pi is 3.14, half is .5", "pi is three point one four, half is zero point five"),
        ("0.50", "zero point five zero"),
        ("its speed in km/h", "its speed in kilometers per hour"),
        ("90+ points", "ninety plus points"),
        ("3x + 1", "three x plus one"),
        ("p<0.05", "p is less than zero point zero five"),
        ("\u20ac5m or -$2", "five million euros or minus two dollars"),
        ("-5 \u00b0F", "minus five degrees Fahrenheit"),
        ("6'2\" tall", "six foot two tall"),
        ("call 555-1234", "call five five five, one two three four"),
        ("agent 007", "agent zero zero seven"),
        ("at -5 degrees", "at minus five degrees"),
        ("5-10 apples", "five to ten apples"),
        ("the 21st and the 3rd", "the twenty-first and the third"),
        ("in 1987", "in nineteen eighty-seven"),
        ("1987 apples", "one thousand nine hundred and eighty-seven apples"),
        ("1914-1918", "nineteen fourteen to nineteen eighteen"),
        ("from 1939 to 1945", "from nineteen thirty-nine to nineteen forty-five"),
        ("March 4, 1861", "March fourth, eighteen sixty-one"),
        ("the 1990s and '60s", "the nineteen nineties and sixties"),
        ("World War II", "World War two"),
        ("$5", "five dollars"),
        ("$1 or $3.50", "one dollar or three dollars and fifty cents"),
        ("£0.05", "five pence"),
        ("$4 million", "four million dollars"),
        ("50%", "fifty percent"),
        ("5kg", "five kilograms"),
        ("1 ft and 6 ft", "one foot and six feet"),
        ("60 mph", "sixty miles per hour"),
        ("9.8 m/s^2", "nine point eight meters per second squared"),
        ("2 m²", "two square meters"),
        ("1 kg/m^3", "one kilogram per cubic meter"),
        ("20 °C", "twenty degrees Celsius"),
        ("3:30 pm", "three thirty P M"),
        ("12:00", "twelve o'clock"),
        ("10:05", "ten oh five"),
        ("1/2 cup", "one half cup"),
        ("1 1/2 cups", "one and one half cups"),
        ("3/4", "three quarters"),
        ("22/7", "twenty-two over seven"),
        ("½", "one half"),
        ("12½% of ½%", "twelve and one half percent of one half percent"),
        ("$5-10 or £1.50-£2", "five to ten dollars or one point five zero to two pounds"),
        ("$-5", "minus five dollars"),
        ("5-10% of 2\u20133 kg", "five to ten percent of two to three kilograms"),
        ("5-3=2, and 7-4=?", "five minus three equals two, and seven minus four equals ?"),
        ("1½ cups or 2 ¾", "one and one half cups or two and three quarters"),
        ("x^2 + y³", "x squared plus y cubed"),
        ("10^-3", "ten to the power of minus three"),
        ("4 - 2 = 2", "four minus two equals two"),
        ("x > 0 & y", "x is greater than zero and y"),
        ("a ≤ b", "a is at most b"),
        ("β-sheet", "beta-sheet"),
        ("λ → ∞", "lambda to infinity"),
        ("The ____ is _ here", "The blank is blank here"),
        ("one line\nA: two\nB: three.\nC: four", "one line. A: two. B: three. C: four"),
    ],
)
def test_numbers_and_signs_are_said_as_a_person_says_them(written: str, said: str) -> None:
    assert verbalize(written) == said


@pytest.mark.parametrize(
    ("latex", "said"),
    [
        ("$x^2+1$", "x squared plus one"),
        (r"$\frac{1}{2}$", "one over two"),
        (r"$\sqrt[3]{y}$", "the cube root of y"),
        (r"\(mc^2\)", "m c squared"),
        (r"$\sum_{i=1}^{n} x_i$", "the sum from i equals one to n of x sub i"),
        ("$f(x)$", "f of x"),
        ("$x$ is $3$", "x is three"),
        ("$(a+b)$", "open parenthesis a plus b close parenthesis"),
        (r"$\text{area} = \pi r^2$", "area equals pi r squared"),
        (r"$90^\circ$", "ninety degrees"),
        (r"$x \leq 3$", "x is at most three"),
        (r"$$a \neq b$$", "a is not equal to b"),
    ],
)
def test_a_formula_is_read_aloud(latex: str, said: str) -> None:
    assert verbalize(latex) == said


def test_two_sums_of_money_are_no_formula() -> None:
    assert verbalize("It costs $5 here and $6 there.") == "It costs five dollars here and six dollars there."


@pytest.mark.parametrize(
    "text", [r"$\foo{x}+1$", r"$\begin{pmatrix}1\end{pmatrix}$", r"so \frac{1}{2}", "a broken \ufffd letter", r"$\frac{1$+2$"]
)
def test_what_there_are_no_words_for_is_refused(text: str) -> None:
    with pytest.raises(Unsayable):
        verbalize(text)
