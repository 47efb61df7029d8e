"""How answers claim, deny, compare and suppose: the wordings that `claims` looks for before and behind the mention of an option.

A wording that is missed is best added as a word to one of the sets (`one_of`); each pattern below says what it is for. Patterns that end
in `_UP_TO_IT` or `$` reach up to the mention, those of the second part begin right behind it.
"""

# ruff: noqa: RUF001 - Chinese answers have Chinese punctuation
from __future__ import annotations

import re

from lsgap_bench.scorers.wordings import one_of


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.I)


_CHOICE = one_of("option, choice, letter, answer, alternative, sentence, statement, number")
_SURELY = one_of(
    "definitely, certainly, clearly, obviously, surely, most, more, likely, probably, possibly,"
    "therefore, thus, then, hence, simply, indeed,"
    "actually, really, still, just, also, either, only, typically, usually, often, going to be, gonna be, to be, in fact, of course,"
    "as follows, none other than, given by, the one in, the one with, the one marked, in, found in, provided in, shown in, described in,"
    "described by"
)
# "the answer is [the correct option] B", with a mark or a bracket before the letter
_NAMED = rf"(?:\W*\b(?:the\s+)?(?:correct\s+|right\s+|best\s+)?{_CHOICE}\b)?(?:选项|選項)?"
_OPENING = r"[\s\"'(\[:=,>–—-]*"
_UP_TO_IT = _NAMED + _OPENING + "$"
_BE = r"(?:\b|(?='))" + one_of("is, was, are, be, been, 's, isn't, =")
_BE_LIKE = one_of(
    "is, was, are, were, 's, would be, must be, has to be, should be, will be, might be, could be, can be, seem, seems, seem to be,"
    "seems to be, look, looks, sound, sounds, appear to be, appears to be, remain, remains, being"
)

# before a mention ---------------------------------------------------------------------------------------------------------------------
_ANSWER = one_of(
    "answer, ans, option, choice, selection, pick, guess, conclusion, solution, response, verdict, vote, order, sentence, result"
)
_CHOOSE = one_of(
    "choose, pick, picked, select, chose, chosen, go, going, went, opt, vote, settle, settled,"
    "stick, lean, leaning, bet, answer, say, guess,"
    "conclude, believe, think, submit, take, mark, circle, prefer"
)
_CHOOSE_IT = one_of(
    "with, for, on, toward, towards, that, it's, it is, it would be, it must be, is, be, would be, the, my, answer, to, more"
)
CLAIM = _pattern(
    rf"\b{_ANSWER}\b(?!s)[^.!?;\n]{{0,60}}?{_BE}(?:\s+(?!not\b)(?:that|it's|it is))?(?:\s+{_SURELY})*{_UP_TO_IT}",
    rf"\b{_ANSWER}\b\W{{0,4}}[:=]{_UP_TO_IT}",
    rf"\b{_CHOOSE}\b(?:\s+{_CHOOSE_IT})*(?:\s+{_SURELY})*{_UP_TO_IT}",
    rf"答案[^。\n,]{{0,12}}?{one_of('是,为,為,:,选,選')}?{_UP_TO_IT}",
    rf"{one_of('选择,選擇,选,選,应该是,應該是')}{_UP_TO_IT}",
)
"""The answer is ..., answer: ..., I choose ..."""
_SO = one_of(
    "so, therefore, thus, hence, consequently, then, but, rather, instead, actually, ultimately,"
    "finally, i mean, with, for, matches, called, as, leaves, leaving, probably, most likely"
)
SAYING = _pattern(rf"{_BE}(?:\s+{_SURELY})*{_UP_TO_IT}", rf"'d be{_UP_TO_IT}", rf"\b{_SO}(?:\s+of course)?{_UP_TO_IT}", rf"是{_UP_TO_IT}")
"""It is ..., so ..., but ..."""
ONLY = _pattern(
    r"\bnone other than\b",
    r"\b(?:can't|can ?not|couldn't|could not) be any(?:thing|one)?(?: other| else)?(?: \w+)? (?:but|other than|except|than)\b",
    r"\b(?:none|nothing|all|every\w*)\b[^.,;!?\n]{0,60}?\b(?:but|other than|except|apart from)(?: for)?\b",
)
"""What sounds like a denial and means `is`: it cannot be anything but B, none of them fits except B."""
ALL_BUT = _pattern(r"\b(?:any|every)thing (?:but|except)\b")
"""What sounds like a claim and means `not`: anything but B. Where ONLY does not hold already."""
NO_DENIAL = _pattern(
    rf"\b{one_of('no doubt, without doubt, without a doubt, without any doubt, not only, not sure, worse than')}\b",
    r"\bnot (?:\w+ )?as \w+ as\b",
    r"\bless \w+ than\b",
)
"""What holds a word of DENIAL and denies nothing: no doubt B, not as big as B."""
DENIAL = _pattern(
    rf"\b{one_of('not, never, neither, nor, cannot, far from, no way, doubt, except, other than')}\b|\brul(?:e|es|ed|ing) out\b",
    rf"n't\b|\b{one_of('wrong, incorrect, false')}\b|\b(?:eliminat|exclud|dismiss|reject|discard)\w*\b",
    one_of("不是,不选,不能选,排除,并非"),
)
"""Not B, it cannot be B, I rule out B; in the clause before the mention."""
CLAUSE = _pattern(r"[,:–—]", rf"\b{one_of('but, and, so, however, instead, because, then')}\b")
"""Where a clause begins."""
_THAN = one_of("than, instead of, compared with, compared to, over, unlike, versus, vs, as opposed to, between, in contrast to, similar to")
COMPARED = _pattern(rf"\b(?:{_THAN}|confus\w+ with|mistak\w+ for)\s*(?:the\s+)?{_CHOICE}?\W*$")
"""Bigger than B, as opposed to B."""
SUPPOSED = _pattern(
    rf"\b{one_of('if, suppose, assuming, which of, whether, had it been, were it, at first, initially, tempting')}\b",
    r"\bpeople (?:say|think)\b",
    r"\bsome (?:people )?(?:(?:would|might|may|will) )?(?:say|think|argue)\b",
    r"\b(?:you|one|people|we) (?:might|may|could|would) (?:be tempted to )?(?:think|say|expect|argue|choose|pick)\b",
    r"\b(?:first|initially|originally) (?:thought|said|guess\w*|considered)\b|\boften (?:confused|mistaken)\b",
    r"\bi (?:was (?:going|about|tempted|inclined|ready) to|would have|could have|might have|almost|nearly)\b",
)
"""If it were B, some people say B, at first I thought B."""
TURN = _pattern(
    rf"\b{one_of('but, however, actually, in fact, in reality, yet, on reflection, now i')}\b",
    r"^\W*(?:while|although|though|even though|whereas|despite)\b[^,;]*,",
)
"""Where a supposition ends, and a concession at the beginning ("although B is tempting, it is C")."""
REASON = _pattern(
    r"\b"
    + one_of("because, since, as, although, though, while, whereas, unlike, given that, due to, which, rather than, instead of, not")
    + r"\b",
    "因为",
)
"""What is told behind it in a sentence that has claimed an option ("A, because B is too small") explains and claims nothing."""
CORRECTION = _pattern(
    r"\b"
    + one_of("wait, actually, sorry, correction, i mean, i meant, on second thought, on second thoughts, in fact, hold on, my mistake"),
    r"\bno,|\bscratch that",
)
"""Wait, no, I mean B."""
_FILLER = one_of(
    "so, well, um, umm, uh, uhh, hm, hmm, oh, ok, okay, yes, yeah, sure, right, alright, i, think,"
    "guess, believe, maybe, probably, definitely,"
    "option, choice, letter, answer, the, my, final, it, that, this, is, it's, that's, therefore, thus, hence, then, and, but, not, great,"
    "question, thank, thanks, you, for, asking, correct, number, response, sentence, in,"
    "conclusion, of, course, certainly, absolutely, easy"
)
FILLERS = _pattern(rf"(?:{_FILLER}\b[\s,.!:'\"(\[-]*)*[\s\"'(\[:-]*")
"""Words that say nothing: a mention behind these alone is an answer ("well, I think B")."""

# behind a mention ---------------------------------------------------------------------------------------------------------------------
_CLOSING = r"[\s\"')\].:,|–—-]*"
CLOSINGS = (_pattern(_CLOSING), _pattern(_CLOSING + r"(?:[^.;!?\n,]{0,60}[,)]\s*)?"))
"""What may stand between a mention and what is said of it: marks; or an aside as well ("C, the kidney, is wrong")."""
_QUITE = one_of(
    "also, clearly, definitely, certainly, therefore, thus, indeed, actually, probably, likely,"
    "the, a, an, my, much, by far, obviously, still,"
    "simply, just, all, both"
)
_PRAISE = one_of(
    "correct, right, best, better, answer, true, accurate, precise, suitable, appropriate, fit,"
    "choice, plausible, logical, sensible, closest,"
    "winner, pick, valid, reasonable, one, more, most"
)
_BLAME = one_of(
    "wrong, incorrect, false, impossible, unlikely, implausible, tempting, out, distractor, trap,"
    "inaccurate, irrelevant, unrelated, ruled out,"
    "eliminated, excluded, dismissed, rejected, not, less, too"
)
PRAISED = _pattern(
    rf"{_BE_LIKE}(?:\s+(?:{_QUITE}|\w+ly))*\s+{_PRAISE}\b",
    rf"\s*\b{one_of('fits, matches, works, wins, makes sense, makes the most sense, it is, is it')}\b",
    rf"[\s:|-]*\b{one_of('correct, right, true')}\b(?!\s+\w+\s+(?:is|are))",
    r"\s*[✓✔✅]",
    rf"(?:选项|選項)?\s*(?:是|最|才是)?{one_of('正确,正確,对的,合适,答案')}",
)
"""B is right, B fits, B: correct."""
BLAMED = _pattern(
    rf"{_BE_LIKE}(?:n't|\s+never)\b",
    rf"{_BE_LIKE}(?:\s+(?:{_QUITE}|\w+ly))*\s+{_BLAME}\b",
    one_of(
        "can't, cannot, can not, couldn't, could not, won't, doesn't, does not, don't, do not, didn't, did not, fail, fails, contradict,"
        "contradicts, wouldn't, would not, lack, lacks"
    )
    + r"\b",
    rf"[\s:|-]*\b{one_of('incorrect, wrong, false, not correct, not right')}\b",
    r"\s*[✗✘❌]",
    rf"(?:选项|選項)?\s*是?{one_of('不,错,錯')}",
)
"""B is wrong, B does not fit, B: incorrect."""
ENDS_THERE = _pattern(
    r"[\s\"')\]]*(?:$|[.,:!;)–—-]|\b" + one_of("as in, please, final, i think, i believe, i guess, for sure") + r"\b)",
)
"""The statement, or its first clause, ends behind the mention."""
ALONE = _pattern(r"[\s\"')\].,!]*(?:$|\b" + one_of("because, i think, i believe, i guess") + r"\b)")
"""Nothing else is said in the statement: asked of a label where options were mentioned before ("A: it is hot" is then no answer)."""

# between two mentions -----------------------------------------------------------------------------------------------------------------
SAME = _pattern(r"[\s\"')(\[\].:,–—-]{0,8}(?:(?:the|is|or)\s)?")
"""What stands between an option's letter and its own text: B, Venus; Venus (B)."""
JOINT = _pattern(
    rf"[\s\"')(\[\]]*(?:,\s*(?:or|and|nor)\b|,|/|&|\bor\b|\band\b|\bnor\b|和|或)[\s\"'(\[]*"
    rf"(?:(?:maybe|possibly|perhaps)\s+)?(?:the\s+)?{_CHOICE}?[\s\"'(\[]*"
)
"""What joins several options: B or C, A and B, C/D."""
