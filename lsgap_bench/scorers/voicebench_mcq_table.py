r"""The templates of VoiceBench's rule for option letters, in the order in which they are tried; the signs are those of `ladder`.

Facts of MatthewCYM/VoiceBench at commit 5338154 in a form of our own. A row of a table is a lead-in, and for each tier (4 to 8) what may
follow the letter in it; tier 1 is tried first.
"""

# ruff: noqa: RUF001 - Chinese answers have Chinese punctuation
from __future__ import annotations

from collections.abc import Mapping, Sequence

Table = Sequence[tuple[str, Mapping[int, Sequence[str]]]]
OPEN = ""  # nothing is asked of what follows the letter

CHINESE = (
    "答案<是|应该是>< |>X",
    "答案<是|就是>选项X",
    "答案选X",
    "答案是‘X",
    "是X：",
    "X是正确",
    "选项X是最合适的",
)
PHRASES = (
    "answer is<|:> **X",
    "the answer is 'X'",
    "X is the best answer",
    "the answer is X",
    "the correct answer is X",
    "would <select|choose> <option |>X",
)
BOLD: Table = (  # the letter after two asterisks
    ("is ", {4: (",", ".", ":", ")", " ("), 7: ("**",)}),
    ("is: ", {4: (".", ":", ")", "**"), 7: (",",)}),
    ("be ", {4: (",", ":", ")"), 8: ("**",)}),
    ("is:\n", {4: (".",), 5: (")",), 7: (":",), 8: (" ",)}),
    ("the answer is:\n", {5: (OPEN,)}),
    ("is:\n\n", {4: (".",), 7: (")",), 8: (OPEN,)}),
    ("is: \n\n", {4: (")", "**")}),
    ("is:<  \n|\n  \n>", {8: (":",)}),
    ("is likely ", {4: ("**",), 5: (":",)}),
    ("is likely: ", {8: (",",)}),
    ("is likely to be: ", {4: (".",)}),
    ("is most likely ", {6: (":",), 7: (")",), 8: (",",)}),
    ("is typically ", {7: (",", ":")}),
    ("is often ", {8: (":",)}),
    ("is the ", {5: (")",), 7: ("** ",)}),
    ("is option ", {4: ("**",), 8: (" ",)}),
    ("<is therefore|be> option ", {4: (":",)}),
    ("option ", {8: (":",)}),
    ("closest to option ", {7: ("**",)}),
    ("<corresponds to|was> option ", {8: ("**",)}),
    ("as ", {4: (":",)}),
    ("<with|suggests|be to> ", {4: (")",)}),
    ("would be: ", {8: ("**.",)}),
    ("corresponds to:\n- ", {8: (":",)}),
)
WOULD: Table = (
    ("would be <option |>", {5: (OPEN,)}),
    ("would be <option |>(", {5: (")",)}),
)
COMMA: Table = (("is ", {5: (",",)}),)
TYPICALLY: Table = (
    ("is typically ", {5: (",", ".")}),
    ("i'd say ", {5: (".",)}),
)
OPTION: Table = (("option ", {5: (",", ".", ":")}),)
PLAIN: Table = (  # the letter alone
    ("is ", {5: (".", ":"), 7: (")",)}),
    ("is (", {5: (")",)}),
    ("is: ", {5: (".",), 7: (")", OPEN)}),
    ("is:\n\n", {7: (":",)}),
    ("is: \n\n", {4: (")",)}),
    ("is:  \n", {8: (")",)}),
    ("be: \n\n", {8: (")",)}),
    ("(option ", {7: (")",)}),
    ("question is ", {7: (" (",)}),
    ("(", {6: (") would be",)}),
)
NEW_LINE: Table = (
    (":\n", {6: (",", ".", ")")}),
    (":<| > \n", {6: (".",)}),
    (":\n\n", {6: (",", ".", ")")}),
    (": \n\n", {6: (".",)}),
)
QUOTED: Table = (
    ('is "', {3: ('"', "."), 8: (")",)}),
    ('is typically "', {4: (")",)}),
    ('is likely "', {8: (")",)}),
    ("<is likely|is option|would be|known as|the answer to the question is> '", {7: ("'",)}),
    ("is '", {7: (")",)}),
    ('select option "', {7: ('"',)}),
)
LATEX: Table = (
    (r"is \( \boxed{", {7: (" ",), 8: ("}", ")")}),
    (r"is \( \boxed{\text{", {8: ("}}",)}),
    (r"is \( \text{", {8: (")", ":", ".", "}")}),
    (r"is \( \textbf{", {8: (")", "}")}),
    (r"is \( \mathbf{", {8: ("}",)}),
    (r"is \( ", {8: (r" \)",)}),
    (r"is \(\text{", {8: (".",)}),
    (r"is \(", {8: (r"\)",)}),
    (r"is: \( \text{", {8: (".", ")")}),
    ("is:\n" + r"\[ \boxed{", {8: ("}",)}),
    ("is:\n" + r"\[ \boxed{\text{", {8: ("}",)}),
    ("is:<\n|\n\n>" + r"\[ \text{", {8: (")",)}),
    ("is:\n" + r"\( \textbf{", {8: (".",)}),
    (r"is } \mathbf{", {8: (".",)}),
)
ANYWHERE = (
    *(f" X{after}" for after in ".,:)"),
    *(f"**X{after}" for after in ".)"),
    *(f'"X{after}' for after in ".,:"),
    "(X)",
    '"X"',
)
WHOLE = ("^X¶", *(f"^X{after}" for after in ".,:)"))


def _tier(number: int) -> list[str]:
    """The templates of one tier, in order."""
    tables = (WOULD, COMMA, TYPICALLY, OPTION, BOLD, PLAIN, NEW_LINE, QUOTED, LATEX)
    marked = [(f"{lead}{'**' if table is BOLD else ''}X", after) for table in tables for lead, after in table]
    return [f"{template}{closer}" for template, closers in marked for closer in closers.get(number, ())]


ROWS: tuple[str, ...] = (*CHINESE, *PHRASES, *(row for number in range(3, 9) for row in _tier(number)), *ANYWHERE, *WHOLE)
