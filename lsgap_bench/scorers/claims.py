"""What a text says of the options it mentions: which one it claims, denies or only lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from lsgap_bench.scorers import claim_wordings as said
from lsgap_bench.scorers.mentions import Mention
from lsgap_bench.scorers.plain_text import Statement, statements

WINDOW = 120  # characters looked at on either side of a mention
FEWEST = 3  # letters in a row that list the options
GAP = 13  # a listed option's text begins less than so many characters behind its letter


class Weight(IntEnum):
    """How much a mention counts."""

    NONE = 0  # denied, or an entry of a list
    SUPPOSED = 1  # in a question, a condition, or somebody else's opinion
    MENTIONED = 2
    SAID = 3  # "it is B"
    CLAIMED = 4  # "the answer is B"


class Claim(NamedTuple):
    """A mention, or several joined by "or" and the like, with its weight; option: its index, None where it names several options."""

    start: int
    option: int | None
    weight: Weight
    letter: bool


def claims(text: str, found: Sequence[Mention]) -> list[Claim]:
    """What a plain text says of each of the mentions in it, in order; those that are denied or only listed have no claim."""
    made: list[Claim] = []
    listed = _listed(text, found)
    told = [mention for mention in found if mention not in listed]
    place = 0
    for statement in statements(text):
        first = place
        while place < len(told) and told[place].start < statement.end:
            place += 1
        made += _of_statement(text, statement, told[first:place], again=first > 0)
    return made


def _of_statement(text: str, statement: Statement, found: Sequence[Mention], again: bool) -> Iterator[Claim]:
    """The claims of one sentence. again: options were mentioned before it."""
    groups = _groups(text, found, statement.end)
    nexts = [*(group[0].start for group in groups), statement.end][1:]
    previous, settled, reasoned = statement.start, False, False
    for group, following in zip(groups, nexts, strict=True):
        start, end = group[0].start, group[-1].end
        far = max(statement.start, start - WINDOW)
        left, right = text[max(previous, far) : start], text[end : min(following, end + WINDOW)]
        options = {mention.option for mention in group}
        alone = previous == statement.start and len(options) == 1 and _stands_alone(left, text[group[0].end : end] + right, again)
        weight = _weight(left, right, alone)
        reasoned |= settled and said.REASON.search(left) is not None
        previous, again = end, True
        if weight is Weight.NONE:
            continue
        if statement.asks or reasoned or _supposed(text[far:start]):
            weight = min(weight, Weight.SUPPOSED)
        if said.CORRECTION.search(left) and (weight >= Weight.SAID or (weight is Weight.MENTIONED and said.ENDS_THERE.match(right))):
            weight = Weight.CLAIMED
        settled |= weight >= Weight.SAID
        yield Claim(start, options.pop() if len(options) == 1 else None, weight, any(mention.letter for mention in group))


def _supposed(left: str) -> bool:
    """Whether a condition or somebody else's opinion, begun in the words before a mention, still holds there."""
    turned = max((found.end() for found in said.TURN.finditer(left)), default=0)
    return said.SUPPOSED.search(left, turned) is not None


def _stands_alone(left: str, right: str, again: bool) -> bool:
    """Whether a mention is all that its statement says. again: options were mentioned before, so that a label alone says nothing."""
    return bool(said.FILLERS.fullmatch(left) and (said.ALONE if again and not re.search(r"\w", left) else said.ENDS_THERE).match(right))


def _weight(left: str, right: str, alone: bool) -> Weight:
    """What the words before and after a mention say of it. alone: nothing else is said in its statement."""
    left = said.ALL_BUT.sub("not", said.ONLY.sub("is", left))
    claimed = said.CLAIM.search(left)
    if _denied(left) or _follows(said.BLAMED, right, aside=not claimed):
        return Weight.NONE
    if _follows(said.PRAISED, right, aside=not claimed):
        return Weight.CLAIMED
    if said.COMPARED.search(left):
        return Weight.NONE
    if claimed or alone:
        return Weight.CLAIMED
    return Weight.SAID if said.SAYING.search(left) else Weight.MENTIONED


def _denied(left: str) -> bool:
    clause = said.NO_DENIAL.sub(" ", left)
    cut = max((found.end() for found in said.CLAUSE.finditer(clause.rstrip(" :\"'([\u2013\u2014-"))), default=0)
    return said.DENIAL.search(clause, cut) is not None


def _follows(wording: re.Pattern[str], right: str, aside: bool) -> bool:
    """Whether it is said right behind a mention, or behind an aside ("C, the kidney, is wrong") where that is allowed."""
    return any((found := skipped.match(right)) and wording.match(right, found.end()) for skipped in said.CLOSINGS[: 1 + aside])


def _groups(text: str, found: Sequence[Mention], end: int) -> list[list[Mention]]:
    """Mentions that are told of together: an option's letter with its own text, and several options joined by "or" or "and"."""
    groups: list[list[Mention]] = []
    named: set[int] = set()  # in the last group
    joined: list[bool] = []  # by more than commas
    for mention in found:
        between = text[groups[-1][-1].end : mention.start] if groups else ""
        if groups and _same(text, groups[-1][-1], mention) and said.SAME.fullmatch(between):
            groups[-1].append(mention)
        elif groups and mention.option not in named and said.JOINT.fullmatch(between):
            groups[-1].append(mention)
            named.add(mention.option)
            joined[-1] |= between.strip(" \"')(") != ","
        else:
            groups.append([mention])
            named = {mention.option}
            joined.append(False)
    return [part for group, whole in zip(groups, joined, strict=True) for part in _parts(text, group, whole, end)]


def _same(text: str, one: Mention, other: Mention) -> bool:
    """Whether an option is told in two ways ("C, Jupiter"), rather than named once more ("of B and C, C is better")."""
    return one.option == other.option and text[one.start : one.end] != text[other.start : other.end]


def _parts(text: str, group: list[Mention], joined: bool, end: int) -> list[list[Mention]]:
    """The group, or its mentions one by one if commas alone join them and the sentence goes on ("compared with B, C is better")."""
    rest = text[group[-1].end : min(end, group[-1].end + WINDOW)]
    if joined or len({mention.option for mention in group}) == 1 or not rest.strip(" .,)\"'"):
        return [group]
    return [[mention] for mention in group]


def _listed(text: str, found: Sequence[Mention]) -> set[Mention]:
    """Letters that only list the options, and the texts right behind them: A, B, C in a row, of none of which anything is said."""
    run: list[Mention] = []
    listed: list[Mention] = []
    before = 0
    for mention in (one for one in found if one.letter):
        joint = bool(run) and said.JOINT.fullmatch(text[before : mention.start]) is not None
        if run and mention.option == len(run) and (joint or _labels(text, mention, before)):
            run.append(mention)
        else:
            listed += run if len(run) >= FEWEST else []
            run = [mention] if mention.option == 0 and _labels(text, mention, before) else []
        before = mention.end
    listed += run if len(run) >= FEWEST else []
    behind = {(mention.option, mention.end + gap) for mention in listed for gap in range(GAP)}
    return {*listed, *(mention for mention in found if not mention.letter and (mention.option, mention.start) in behind)}


def _labels(text: str, mention: Mention, previous: int) -> bool:
    """Whether nothing is said of a letter, neither before it nor after it."""
    left = text[max(previous, mention.start - WINDOW) : mention.start].rpartition("\n")[2]
    right = text[mention.end : mention.end + WINDOW].partition("\n")[0]
    told = said.CLAIM.search(left) or said.SAYING.search(left) or _denied(left[-20:])
    return not told and not _follows(said.BLAMED, right, aside=True) and not _follows(said.PRAISED, right, aside=True)
