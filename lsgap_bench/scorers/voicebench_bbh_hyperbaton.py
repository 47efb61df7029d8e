"""The phrases of VoiceBench's rule for the task that is answered by (A) (0) or (B) (1), in the order in which they are tried.

Facts of MatthewCYM/VoiceBench at commit 5338154; the signs are those of `ladder`, X is first `a`, then `b`. The text has no colons, commas,
points, hyphens or quotes. Nothing is asked of what follows the letter, so "the answer is as follows" is an A.
"""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[tuple[str, int | None]]

_ANSWERS: Rows = (
    ("^a¶", 0),
    ("^b¶", 0),  # sic
    ("the correct <answer|option|sentence|adjective order> is (X)", None),
    ("the answer is (X)", None),
    ("the correct adjective order is option (X)", None),
    ("the correct sentence <is|would be> option (X)", None),
    ("the correct <grammatical|sentence> order is X", None),
    ("correct adjectival order is X", None),
    ("the proper adjective order is <X|(X)>", None),
    ("the sentence with the correct adjectives is X", None),
    ("correct adjective order options is X", None),
    ("the correct order of adjectives in the sentence is option X", None),
    ("correct adjective order is X", None),
    ("the adjectives in option X are in the correct order", None),
    ("the right adjective order is <X)|(X)>", None),
    ("correct adjectivs is (X)", None),
    ("option X correctly follows the standard adjective order", None),
    ("the answer directly is X", None),
    ("the correct order would be option X", None),
    ("final answer <|should be >X", None),
    ("option (X) uses the correct adjective sequence", None),
    ("the correct <option|one> is option X", None),
    ("answer is without any modification <X|option X>", None),
    ("answer is <X|option X>", None),  # the catch-all, also inside "the final answer is"
    ("the answer is [X]", None),
    ("the answer is [option X]", None),
    ("option X follows the correct adjective order", None),
    ("the correct <order of adjectives|order|object order|answer order|sentence> is X", None),
    ("option (X) is the correct answer", None),
)
_STATEMENTS: Rows = (
    ("the correct adjective order is option X", None),
    ("option X <is more accurate|is closer to being correct|would be closer to the correct order>", None),
    ("option X has a slightly better chance of being correct", None),
    ("the most logical order is option X", None),
    ("the closest correct order is option X", None),
    ("correct adjective order is sentence X", None),
    ("sentence X <has a more logical|has the correct adjective order|is the closest to the correct adjective order>", None),
    ("option X is the closest to the typical order", None),
    ("the correct answer would be <option X|the X>", None),
    ("the correct option is X", None),
    ("correct <adjective|objective> order option is X", None),
    ("option X has a better adjective order", None),
    ("option X has the correct <adjective order|order>", None),
    ("option X has the adjectives in the correct order", None),
    ("the correct adjective order is in the first option", 0),
    ("the correct adjective order is in the second option", 1),
    ("following the typical order is the first option", 0),
    ("following the typical order is the second option", 1),
    ("the correct adjective order is <in|found in|provided in> option X", None),
    ("the correct adjective order is in sentence X", None),
    ("the correct order is <in|found in> option X", None),
    ("the correct objective order is in option X", None),
    ("in option X the adjectives are in the correct order", None),
    ("the adjectives are in the correct order for X", None),
    ("the correct sentence is option X", None),
    ("the correct sentence would be X", None),
    ("correct adverb order would be X", None),
    ("option X follows the correct <order|sequence of adjectives>", None),
    ("option X seems to follow the typical order", None),
    ("option b follows the typical order of adjectives", 1),
    ("the correct sentence with the adjective order is <X|option X>", None),
    ("option X <is more grammatically correct|would be more correct>", None),
    ("option X is the closest match", None),
    ("option a is incorrect and option b is correct", 1),
)
_LATE: Rows = (
    ("the answer is option (X)", None),
    ("the correct option would be (X)", None),
    ("option (X) has <a|the> correct adjective order", None),
    ("option (X) follows the <typical order of adjectives|general adjective order>", None),
    ("option (X) would be more grammatically correct", None),
    ("option X is the correct", None),
    ("option X has the correct word order", None),
    ("the answer is sentence X", None),
    ("the answer is is X", None),
    ("the final answer without any modification is X", None),
    ("the final answer is (X)", None),
    ("the correct adjective order is … option X", None),
    ("sentence X … seems to have a more logical", None),
)
LETTERS: Rows = (*_ANSWERS, *_STATEMENTS, *_LATE)
LAST_LETTERS: Rows = (("^X ", None), ("^X)", None))
