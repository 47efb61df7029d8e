"""What a text says of the options it mentions: which one it claims, denies or only lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from lsgap_bench.scorers.mentions import Mention
from lsgap_bench.scorers.plain_text import Statement, statements

WINDOW = 120  # characters looked at on either side of a mention


class Weight(IntEnum):
    """How much a mention counts."""

    NONE = 0  # denied, or an entry of a list
    SUPPOSED = 1  # in a question, a condition, or somebody else's opinion
    MENTIONED = 2
    SAID = 3  # "it is B"
    CLAIMED = 4  # "the answer is B"


class Claim(NamedTuple):
    """A mention, or several joined by "or" and the like, with its weight; index: None where it names several options."""

    start: int
    index: int | None
    weight: Weight
    letter: bool


_SURE = (
    r"(?:\s+(?:definitely|certainly|clearly|obviously|surely|most|more|likely|probably|possibly|therefore|thus|then|hence|simply|indeed|"
    r"actually|really|still|just|also|either|only|going to be|gonna be|to be|in fact|of course|as follows|none other than|given by|"
    r"typically|usually|often|the one (?:in|with|marked)|in|found in|provided in|shown in|described (?:in|by)))*"
)
_NAME = r"(?:\W*\b(?:the\s+)?(?:correct\s+|right\s+|best\s+)?(?:option|choice|letter|answer|alternative|sentence|statement|number)\b)?"
_OPENING = r"[\s\"'(\[:=,>\u2013\u2014-]*"
_BE = r"(?:is|was|are|be|been|'s|isn't|=)"
_NOUN = r"(?:answer|ans|option|choice|selection|pick|guess|conclusion|solution|response|verdict|vote|order|sentence|result)"
_CLAIM = re.compile(
    rf"(?:\b{_NOUN}\b(?!s)[^.!?;\n]{{0,60}}?(?:\b|(?=')){_BE}(?:\s+(?!not\b)(?:that|it's|it is))?{_SURE}|\b{_NOUN}\b\W{{0,4}}[:=]"
    r"|\b(?:choose|pick|picked|select|chose|chosen|go|going|went|opt|vote|settle|settled|stick|lean(?:ing)?|bet|answer|say|guess|conclude|"
    r"believe|think|submit|take|mark|circle|prefer)\b(?:\s+(?:with|for|on|towards?|that|it's|it is|it would be|it must be|is|be|would be|"
    r"the|my|answer|to|more))*"
    rf"{_SURE}"
    r"|\u7b54\u6848[^\u3002\n,]{0,12}?(?:\u662f|\u4e3a|\u70ba|:|\u9009|\u9078)?|(?:\u9009\u62e9|\u9078\u64c7|\u9009|\u9078|\u5e94\u8be5\u662f|\u61c9\u8a72\u662f))"
    rf"{_NAME}(?:\u9009\u9879|\u9078\u9805)?{_OPENING}$",
    re.I,
)
_SAYING = re.compile(
    rf"(?:(?:\b|(?=')){_BE}{_SURE}|'d be|\b(?:so|therefore|thus|hence|consequently|then|but|rather|instead|actually|ultimately|finally|i mean"
    rf"|with|for|matches|called|as)(?:\s+of course)?|\u662f){_NAME}(?:\u9009\u9879|\u9078\u9805)?{_OPENING}$",
    re.I,
)
_ONLY = re.compile(
    r"\bnone other than\b|\b(?:can(?:no|')t|cannot|couldn't|could not) be any(?:thing|one)?(?: other| else)?(?: \w+)? (?:but|other than|except|than)\b", re.I
)
_EXEMPT = re.compile(
    r"\bno doubt\b|\bwithout (?:a |any )?doubt\b|\bnot only\b|\bnot sure\b|\bnot (?:\w+ )?as \w+ as\b|\bworse than\b|\bless \w+ than\b", re.I
)
_DENIAL = re.compile(
    r"\bnot\b|n't\b|\bnever\b|\bneither\b|\bnor\b|\bcannot\b|\brul(?:e|es|ed|ing) out\b|\b(?:eliminat|exclud|dismiss|reject|discard)\w*\b|"
    r"\bfar from\b|\bno way\b|\bdoubt\b|\b(?:wrong|incorrect|false)\b|\bexcept\b|\bother than\b|\u4e0d\u662f|\u4e0d\u9009|\u4e0d\u80fd\u9009|\u6392\u9664|\u5e76\u975e",
    re.I,
)
_COMPARED = re.compile(
    r"\b(?:than|rather than|instead of|compared (?:with|to)|over|unlike|versus|vs|as opposed to|between|in contrast to|confus\w+ with|"
    r"mistak\w+ for|similar to)\s*(?:the\s+)?(?:option|choice|letter|answer)?\W*$",
    re.I,
)
_CUT = re.compile(r"[,:\u2013\u2014]|\bbut\b|\band\b|\bso\b|\bhowever\b|\binstead\b|\bbecause\b|\bthen\b", re.I)
_LIKE_BE = r"(?:is|was|are|were|'s|would be|must be|has to be|should be|will be|might be|could be|can be|seems?(?: to be)?|looks?|sounds?|appears? to be|remains?|being)"
_CLOSING = r"[\s\"')\].:,|\u2013\u2014-]*"
_BY_THE_WAY = _CLOSING + r"(?:[^.;!?\n,]{0,60}[,)]\s*)?"
_PRAISE = (
    r"(?:correct|right|best|better|answer|true|accurate|precise|suitable|appropriate|fit|choice|plausible|logical|sensible|closest|winner|pick|"
    r"valid|reasonable|one|more|most)\b"
)
_BLAME = (
    r"(?:wrong|incorrect|false|impossible|unlikely|implausible|tempting|out|a distractor|a trap|inaccurate|irrelevant|unrelated|ruled out|"
    r"eliminated|excluded|dismissed|rejected|not|less|too|also (?:wrong|incorrect|not))\b"
)
_QUALIFIED = r"(?:\s+(?:also|clearly|definitely|certainly|therefore|thus|indeed|actually|probably|likely|the|a|an|my|much|by far|obviously|still|simply|just|all|both))*\s+"
_PRAISED = re.compile(
    rf"(?:{_LIKE_BE}{_QUALIFIED}{_PRAISE}|(?:\s*\b(?:fits|matches|works|wins|makes (?:the most )?sense|it is|is it)\b)|"
    r"(?:[\s:|-]*\b(?:correct|right|true)\b(?!\s+\w+\s+(?:is|are)))|\s*[\u2713\u2714\u2705]|(?:\u9009\u9879|\u9078\u9805)?\s*(?:\u662f|\u6700|\u624d\u662f)?(?:\u6b63\u786e|\u6b63\u78ba|\u5bf9\u7684|\u5408\u9002|\u7b54\u6848))",
    re.I,
)
_BLAMED = re.compile(
    rf"(?:{_LIKE_BE}(?:n't|\s+never)\b|{_LIKE_BE}{_QUALIFIED}{_BLAME}|(?:can't|cannot|can not|couldn't|could not|won't|doesn't|does not|don't|"
    r"do not|didn't|did not|fails?|contradicts?|would(?:n't| not)|lacks?)\b|[\s:|-]*\b(?:incorrect|wrong|false|not correct|not right)\b|\s*[\u2717\u2718\u274c]|"
    r"(?:\u9009\u9879|\u9078\u9805)?\s*(?:\u662f)?(?:\u4e0d|\u9519|\u932f))",
    re.I,
)
_ASIDES = (re.compile(_CLOSING), re.compile(_BY_THE_WAY))
_SAME = re.compile(r"[\s\"')(\[\].:,\u2013\u2014-]{0,8}(?:(?:the|is|or)\s)?")
_JOINT = re.compile(
    r"[\s\"')(\[\]]*(?:,|/|&|\bor\b|\band\b|\bnor\b|,\s*(?:or|and|nor)\b|\u548c|\u6216)[\s\"'(\[]*(?:maybe\s+|possibly\s+|perhaps\s+)?(?:the\s+)?(?:option|choice|letter|answer)?[\s\"'(\[]*",
    re.I,
)
_SUPPOSED = re.compile(
    r"\b(?:if|suppose|assuming|which of|whether|had it been|were it)\b|\b(?:if we assume|some (?:people )?(?:would|might|may|will)?\s*(?:say|think|argue)|people (?:say|think)|"
    r"(?:you|one|people|we) (?:might|may|could|would) (?:be tempted to )?(?:think|say|expect|argue|choose|pick)|at first|(?:first|initially|originally) "
    r"(?:thought|said|guess\w*|considered)|initially|tempting|often (?:confused|mistaken))\b",
    re.I,
)
_TURN = re.compile(r"\b(?:but|however|actually|in fact|in reality|yet|on reflection|now i)\b", re.I)
_REASON = re.compile(
    r"\b(?:because|since|as|although|though|while|whereas|unlike|given that|due to|which|rather than|instead of|not)\b|\u56e0\u4e3a", re.I
)
_CORRECTION = re.compile(r"\b(?:wait|actually|sorry|correction|i mean|i meant|on second thou?ghts?|in fact|no,|hold on|my mistake|scratch that)", re.I)
_FILLER = re.compile(
    r"(?:(?:so|well|um+|uh+|hm+|oh|ok(?:ay)?|yes|yeah|sure|right|alright|i|think|guess|believe|maybe|probably|definitely|option|choice|letter|answer|"
    r"the|my|final|it|that|this|is|it's|that's|therefore|thus|hence|then|and|but|not|sure|great|question|thanks?|you|for|asking|correct|number|"
    r"response|sentence|in|conclusion|of|course|certainly|absolutely|easy)\b[\s,.!:'\"(\[-]*)*[\s\"'(\[:-]*",
    re.I,
)
_ENDS_THERE = re.compile(r"[\s\"')\]]*(?:$|[.,:!;)\u2013\u2014-]|\bas in\b|\bplease\b|\bfinal\b|\bi (?:think|believe|guess)\b|\bfor sure\b)", re.I)
_ALONE = re.compile(r"[\s\"')\].,!]*(?:$|\bbecause\b|\bi (?:think|believe|guess)\b)", re.I)


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
    """The claims of one sentence; what follows the reason of a claim is only supposed. again: options were mentioned before it."""
    groups = _groups(text, found, statement.end)
    nexts = [*(group[0].start for group in groups), statement.end][1:]
    previous, settled, reasoned = statement.start, False, False
    for group, following in zip(groups, nexts, strict=True):
        start, end = group[0].start, group[-1].end
        before = max(statement.start, start - WINDOW)
        left, right = text[max(previous, before) : start], text[end : min(following, end + WINDOW)]
        indices = {mention.index for mention in group}
        reasoned |= settled and _REASON.search(left) is not None
        alone = previous == statement.start and len(indices) == 1 and _stands_alone(left, text[group[0].end : end] + right, again)
        weight, previous, again = _weight(left, right, alone), end, True
        if weight is Weight.NONE:
            continue
        turned = max((found.end() for found in _TURN.finditer(text, before, start)), default=before)
        if statement.asks or reasoned or _SUPPOSED.search(text, turned, start):
            weight = min(weight, Weight.SUPPOSED)
        if _CORRECTION.search(left) and (weight >= Weight.SAID or (weight is Weight.MENTIONED and _ENDS_THERE.match(right))):
            weight = Weight.CLAIMED
        settled |= weight >= Weight.SAID
        yield Claim(start, indices.pop() if len(indices) == 1 else None, weight, any(mention.letter for mention in group))


def _stands_alone(left: str, right: str, again: bool) -> bool:
    """Whether a mention is all that its statement says. again: options were mentioned before, so that a label alone says nothing."""
    return bool(_FILLER.fullmatch(left) and (_ALONE if again and not re.search(r"\w", left) else _ENDS_THERE).match(right))


def _weight(left: str, right: str, alone: bool) -> Weight:
    """What the words before and after a mention say of it. alone: nothing else is said in its statement."""
    left = _ONLY.sub("is", left)
    claimed = _CLAIM.search(left)
    if _denied(left) or _follows(_BLAMED, right, aside=not claimed):
        return Weight.NONE
    if _follows(_PRAISED, right, aside=not claimed):
        return Weight.CLAIMED
    if _COMPARED.search(left):
        return Weight.NONE
    if claimed or alone:
        return Weight.CLAIMED
    return Weight.SAID if _SAYING.search(left) else Weight.MENTIONED


def _denied(left: str) -> bool:
    clause = _EXEMPT.sub(" ", left)
    cut = max((found.end() for found in _CUT.finditer(clause.rstrip(" :\"'([\u2013\u2014-"))), default=0)
    return _DENIAL.search(clause, cut) is not None


def _follows(said: re.Pattern[str], right: str, aside: bool) -> bool:
    """Whether it is said right behind a mention, or behind an aside ("C, the kidney, is wrong") where that is allowed."""
    return any((found := skipped.match(right)) and said.match(right, found.end()) for skipped in _ASIDES[: 1 + aside])


def _groups(text: str, found: Sequence[Mention], end: int) -> list[list[Mention]]:
    """Mentions that are told of together: an option's letter with its own text, and several options joined by "or" or "and"."""
    groups: list[list[Mention]] = []
    joined: list[bool] = []  # by more than commas
    for mention in found:
        between = text[groups[-1][-1].end : mention.start] if groups else ""
        known = {m.index for m in groups[-1]} if groups else set()
        if groups and groups[-1][-1].index == mention.index and _SAME.fullmatch(between):
            groups[-1].append(mention)
        elif groups and mention.index not in known and _JOINT.fullmatch(between):
            groups[-1].append(mention)
            joined[-1] |= between.strip(" \"')(") != ","
        else:
            groups.append([mention])
            joined.append(False)
    return [part for group, whole in zip(groups, joined, strict=True) for part in _parts(text, group, whole, end)]


def _parts(text: str, group: list[Mention], whole: bool, end: int) -> list[list[Mention]]:
    """The group, or its mentions one by one if commas alone join them and the sentence goes on ("compared with B, C is better")."""
    alike = len({m.index for m in group}) == 1
    return [group] if whole or alike or not text[group[-1].end : min(end, group[-1].end + WINDOW)].strip(" .,)\"'") else [[mention] for mention in group]


def _listed(text: str, found: Sequence[Mention]) -> set[Mention]:
    """Letters that only list the options, and the texts right behind them: A, B, C in a row, of none of which anything is said."""
    letters = [mention for mention in found if mention.letter]
    run: list[Mention] = []
    listed: list[Mention] = []
    for mention in letters:
        joint = bool(run) and _JOINT.fullmatch(text[run[-1].end : mention.start]) is not None
        label = joint or _labels(text, mention, run[-1].end if run else 0)
        if not label or mention.index != len(run):
            listed += run if len(run) >= 3 else []
            run = []
        if label and mention.index == len(run):
            run.append(mention)
    listed += run if len(run) >= 3 else []
    behind = {(m.index, m.end + gap) for m in listed for gap in range(13)}
    return {*listed, *(m for m in found if not m.letter and (m.index, m.start) in behind)}


def _labels(text: str, mention: Mention, previous: int) -> bool:
    """Whether nothing is said of a letter, neither before it nor after it."""
    left = text[max(previous, mention.start - WINDOW) : mention.start].rpartition("\n")[2]
    right = text[mention.end : mention.end + WINDOW].partition("\n")[0]
    said = _CLAIM.search(left) or _SAYING.search(left) or _denied(left[-20:])
    return not said and not _follows(_BLAMED, right, aside=True) and not _follows(_PRAISED, right, aside=True)
