"""Whether an answer says yes or no in the end, by the words themselves or by what it says of the thing asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from lsgap_bench.scorers.plain_text import statements
from lsgap_bench.scorers.wordings import one_of, wordings

_SETS: Mapping[str, str] = {
    "it": "it|he|she|you|we|they",
    "does": "do|does|is|are|will|would",
    "answer": "answer|answer:|answer is|answer is:|answer would be|answer should be",
    "for": "because|since|as",
}
_YES = wordings(
    (
        "<yes|yeah|yep|yup|affirmative>",
        "^<correct|true|right>$",
        "^indeed",
        "i <think|believe> so",
        "^{it} {does}$",
        "{answer} <true|correct|plausible|affirmative|positive>",
        "^true {for}",
        "<是的|说的是真话|说真话|是合理的|答案是是|答案:是>",
        "^<是|对>$",
        "^会回到",  # no row without a beginning: 不会回到 is a no
        "<你|您|我们|就|最终|还|能>会回到",
    ),
    _SETS,
)
_AGREED = wordings(("<of course|certainly|absolutely|definitely|exactly>$",), _SETS)  # or the courtesy before an answer
_NO = wordings(
    (
        "<nope|nah|negative>",
        "no$",
        "no {for}",
        "^no <it|its|the|you|we|this|that|he|she|they|i|there|not|following|these|your|one's>",
        "^<false|incorrect|wrong>$",
        "^not <quite|really|at all|exactly|true|correct>",
        "<of course|certainly|definitely|absolutely|probably> not$",
        "i <don't|do not> think so",
        "^{it} {does}<n't| not>$",
        "{answer} <not |><false|incorrect|implausible|negative>",
        "answer is not <true|plausible>",
        "^false {for}",
        "<不是|不会|不合理|没有回到|說謊|说谎|假话|答案:否|答案是否>",
        "^否$",
    ),
    _SETS,
)
_NO_MARKED = re.compile(r"(?<![A-Za-z])no(?=\s*[.,:)\"'\u2013\u2014-])", re.I)
_IDIOM = one_of("no matter, no doubt, no one, no problem, no worries, no idea, no longer, no need, no more, no less, no mistake")
_NOT_MEANT = re.compile(rf"\b(?:yes (?:or|and) no|no (?:or|and) yes|yes/no|{_IDIOM}|not sure|not certain|if (?:yes|no|so))\b", re.I)
_QUOTED = re.compile(r'"[^"\s]+(?:\s+[^"\s]+){2,}"')
_NOT = one_of(
    "not, never, nothing, cannot, hardly, neither, nor, no longer, fail to, fails to, failed to, without,"
    "impossible, unlikely, false, untrue, far from, need to, have to,"
    "isn't, nobody, no one, step away from, steps away from, away from, don t, doesn t, didn t, isn t, haven t, can t, won t"
)
_NEGATION = re.compile(rf"\b{_NOT}\b|n't\b", re.I)
_NEGATION_WITHIN = re.compile(rf"{_NEGATION.pattern}|\bsteps?\b", re.I)  # "you end up two steps from the start"
_CLAUSE = re.compile(r"[,:\u2013\u2014]|\b(?:but|so|then|therefore|thus|and)\b", re.I)
_REPORTED = one_of(
    "may or may not, might or might not,"
    "if, whether, suppose, assuming, assume, says, said, saying, claim, claims, claimed, question, because, since, although, though"
)
_NOT_ASSERTED = re.compile(
    rf"\b(?:{_REPORTED}|as(?! it stands)|(?:they|he|she|people|some|fans)(?: would| might| may)? say"
    r"|to (?:check|determine|see|decide|find out|know))\b",
    re.I,
)


class Predicate(NamedTuple):
    """How a question's matter is told: what means yes, what means no; either is turned round by a negation before it."""

    yes: re.Pattern[str]
    no: re.Pattern[str]


class _Event(NamedTuple):
    place: int
    value: int
    plainly: bool  # yes or no itself
    meant: bool  # not of somebody else


def read_yes_no(text: str, matter: Predicate, about: str | None = None) -> int | None:
    """1 for yes, 0 for no, None where a plain text says neither.

    The last yes or no counts; without one, what is last said of the matter, of `about`, a name, rather than of others.
    """
    text = _NOT_MEANT.sub(" ", _QUOTED.sub(" it ", text))
    events = sorted(event for s in statements(text) for event in _events(text[s.start : s.end], s.start, s.asks, matter, about))
    chosen = [event for event in events if event.plainly] or [event for event in events if event.meant] or events
    return chosen[-1].value if chosen else None


def _events(said: str, offset: int, asks: bool, matter: Predicate, about: str | None) -> Iterator[_Event]:
    for pattern, value in ((_YES, 1), (_NO, 0), (_NO_MARKED, 0)):
        yield from (_Event(offset + found.end(), value, True, True) for found in pattern.finditer(said) if not asks)
    yield from (_Event(offset + found.end(), 1, False, True) for found in _AGREED.finditer(said) if not asks)
    meant = about is None or re.search(rf"\b{re.escape(about)}\b", said, re.I) is not None
    for pattern, value in ((matter.yes, 1), (matter.no, 0)):
        for found in () if asks else pattern.finditer(said):
            clause = said[_clause(said, found.start()) : found.start()]
            if not _NOT_ASSERTED.search(clause):
                negations = len(_NEGATION.findall(clause)) + bool(value and _NEGATION_WITHIN.search(found[0]))
                yield _Event(offset + found.end(), value if negations % 2 == 0 else 1 - value, False, meant)


def _clause(said: str, place: int) -> int:
    """Where the clause begins that holds a place."""
    return max((found.end() for found in _CLAUSE.finditer(said, max(0, place - 200), place)), default=max(0, place - 200))


def predicate(yes: Sequence[str], no: Sequence[str], sets: Mapping[str, str]) -> Predicate:
    """A predicate of phrases in the notation of `wordings`."""
    return Predicate(wordings(yes, sets), wordings(no, sets))
