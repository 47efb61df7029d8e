"""Which option an answer chooses in the end, as an attentive reader would say; shared by `robust_mcq` and `robust_bbh`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from lsgap_bench.scorers.choices import options_of
from lsgap_bench.scorers.claims import Claim, Weight, claims
from lsgap_bench.scorers.mentions import mentions
from lsgap_bench.scorers.normalize import normalize
from lsgap_bench.scorers.plain_text import plain

_LABEL = re.compile(r"(?:(?<=\s)|^|(?<=[,;:]))\(?([A-J])(?:[.):]|\s*-)\s+(?=\S)")

_REPLY = re.compile(r"^A: (?=\W*[A-J]\W*$)")  # question and answer, as in "Q: ... A: C"


def read_choice(response: str, options: Sequence[str], count: int) -> int | None:
    """Index of the option that an answer settles on, None where it settles on none or on several.

    The last claim wins ("the answer is B", "it is B", "B is right"); without one, the only option that is mentioned and not denied.
    """
    text = _REPLY.sub("", plain(response))
    answer = normalize(text)
    said = [i for i, option in enumerate(options) if normalize(option) == answer]
    if len(said) == 1:
        return said[0]
    return _settled(claims(text, mentions(text, options, count)))


def listed_options(item: Mapping[str, Any]) -> list[str]:
    """The options' texts: of `options`, or those that the question (`text`, `prompt`, `question`) lists as A. / A: / A) / (A)."""
    if given := options_of(item):
        return given
    questions = (str(item[key]) for key in ("text", "prompt", "question") if isinstance(item.get(key), str))
    return next((found for question in questions if (found := _in_question(question))), [])


def _in_question(question: str) -> list[str]:
    """The texts behind the last A, B, ... of a question, up to the next letter or the end of the line; none if fewer than two."""
    found = list(_LABEL.finditer(question))
    start = max((k for k, match in enumerate(found) if match[1] == "A"), default=len(found))
    labels: list[re.Match[str]] = []
    for match in found[start:]:
        if match[1] == ascii_uppercase[len(labels)]:
            labels.append(match)
    ends = [*(match.start() for match in labels[1:]), len(question)]
    texts = [question[match.end() : end].strip().partition("\n")[0].strip(" \t,;.") for match, end in zip(labels, ends, strict=False)]
    return texts if len(texts) >= 2 and all(texts) else []


def _settled(made: Sequence[Claim]) -> int | None:
    claimed = [claim for claim in made if claim.weight is Weight.CLAIMED or (claim.weight is Weight.SAID and claim.letter)]
    if claimed:
        return claimed[-1].option
    for weight in (Weight.SAID, Weight.MENTIONED, Weight.SUPPOSED):
        named = {claim.option for claim in made if claim.weight is weight}
        if named:
            return named.pop() if len(named) == 1 else None
    return None
