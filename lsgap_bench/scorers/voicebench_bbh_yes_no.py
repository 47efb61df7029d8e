r"""The phrases of VoiceBench's rule for three tasks that are answered by yes (1) or no (0), in the order in which they are tried.

Facts of MatthewCYM/VoiceBench at commit 5338154; the signs are those of `ladder`. The text they are looked for in has no colons, commas,
points, hyphens or quotes, so that "I'd say it's" is not "i d say it s". A few rows mean the opposite of what they say (marked sic).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Rows = Sequence[tuple[str, int]]

WORDS: Mapping[str, Sequence[str]] = {"no/yes": ("no", "yes"), "false/true": ("false", "true")}
VERDICTS = (  # X is first the word for no, then the one for yes
    ("answer is X", "no/yes"),
    ("the answer X", "no/yes"),
    ("final answer X", "no/yes"),
    ("i would answer X", "no/yes"),
    ("the answer is without any modification X", "no/yes"),
    ("the answer to the question is X", "no/yes"),
    ("the answer is X", "false/true"),
    ("answer X", "false/true"),
    (r"the answer is $\boxed{\text{X}}$", "false/true"),
    (r"the answer is \boxed{X}", "no/yes"),
    (r"the answer is \boxed{\text{X}}", "false/true"),
    (r"the answer is \boxed{\text{X}}", "no/yes"),
    ("i will provide the answer as X", "no/yes"),
    ("prefix answer X", "no/yes"),
    ("conclusion X", "no/yes"),
)
_NO_YES: Rows = (("^no", 0), ("^yes", 1))
_LAST: Rows = (("no¶", 0), ("yes¶", 1))
ENDS: Mapping[str, Rows] = {
    "sports_understanding": (*_NO_YES, ("^the following sentence is plausible", 1), *_LAST),
    "navigate": (*_NO_YES, *_LAST),
    "web_of_lies": (*_NO_YES, *_LAST),
}

SPORTS: Rows = (
    ("<final answer|the answer is> the sentence is plausible", 1),
    ("the answer is directly yes", 1),
    ("the answer is it is not possible", 0),
    ("no the sentence is not possible", 0),
    ("the sentence is not <particularly |>plausible", 0),
    ("yes the sentence is structurally plausible", 1),
    ("is the sentence plausible? yes it is", 1),
    ("no the original sentence is not plausible", 0),
    ("it s not a plausible", 0),
    ("to answer your original question no", 0),
    ("making it plausible", 1),
    ("making it implausible", 0),
    ("it is indeed a plausible sentence", 1),
    # a lead-in
    ("considering these <points|factors|elements> the sentence is plausible", 1),
    ("<based on this analysis|given the context|given this analysis|given these points> the sentence is plausible", 1),
    ("<i would say|i would say that|yes> the sentence is plausible", 1),
    ("given the context of sports particularly basketball this sentence is plausible", 1),
    ("considering these points the sentence is unlikely to be <true|plausible>", 0),
    ("considering these points the sentence <seems plausible|is likely true|is the plausible|seems to be a plausible>", 1),
    ("the sentence is not entirely <possible|accurate|plausible>", 0),
    ("i d say it s not entirely plausible", 0),
    ("therefore not plausible", 0),
    ("making it an implausible statement", 0),
    ("the following sentence is not plausible", 0),
    ("i would say it s unlikely", 0),
    ("it seems unlikely", 0),
    ("modification of answer not possible", 0),
    ("^not plausible¶", 0),
    ("the answer is plausible", 1),
    ("i would say that the sentence is generally plausible", 1),
    ("the sentence appears to be a plausible", 1),
    # a gap
    ("considering these points the sentence … is grammatically correct and makes sense", 1),
    ("considering these points the sentence … is plausible", 1),
    ("considering these points the sentence … is unlikely", 0),
    ("based on this analysis the sentence … is plausible", 1),
    ("considering these points the sentence … seems to be a possible", 1),
    ("based on these steps the sentence … is plausible", 1),
    ("based on this analysis the sentence … seems plausible", 1),
    ("considering these points the sentence … <appears to be|seems> plausible", 1),
    ("the sentence … is not very plausible", 0),
    ("considering these points … is a plausible sentence", 1),
    ("given <this information|the context> the sentence … is plausible", 1),
    ("the sentence … is flexible and realistic", 1),
    ("considering these points the sentence … is not a plausible statement", 0),
    ("the sentence … is not plausible", 1),  # sic
)

MOVES: Rows = (
    ("you <do not return to|are not at|haven t moved back to|cannot return to> the starting point", 0),
    ("you return to the starting point", 1),  # also inside "do you return to the starting point?"
    ("you <are not facing|haven t returned to> the starting point", 0),
    ("you end up back at the starting point", 1),
    ("you <are not back at|will not return to> the starting point", 0),
    ("the final position is not directly at the starting point", 0),
    ("it appears that we did not return to the exact starting point", 0),
    ("does not return us to the starting point", 0),
    ("following these instructions doesn t return us to the starting point", 0),
    ("following these directions does not lead you back to your original starting point", 0),
    ("we end up back at the starting point", 1),
    ("we are now back at the starting point", 1),
    ("we are back at the starting point!", 1),
    ("we <ve|have> now returned to the starting point", 1),
    ("i ve returned to the starting point", 1),
    ("i have returned to the starting position", 1),
    ("i <will end up back|ll be back> where i started", 1),
    ("i ll end up back at the starting point", 1),
    ("you ll end up <right |>back where you started", 1),
    ("indeed <returns us|bring us back|return|return you> to the starting point", 1),
    ("yes following these instructions", 1),
    ("after following these instructions we return to the starting point", 1),
    ("following these instructions will always return us to the starting point", 1),
    ("the answer is the starting point", 1),
)

LIES: Rows = (
    ("the prefix no applies to the statement", 0),
    ("the answer is the truth", 1),
    ("veena s statement cannot be true", 0),
    ("<therefore truly lorene|affirmatively alejandro> tells the truth", 1),
    ("answer is … <tells a lie|lies|says lie|doesn t tell the truth|does not tell the truth|didn t tell the truth>", 0),
    ("answer is … <tells|does tell> the truth", 1),
    ("answer to the question … is no", 0),
    ("answer to the question … is yes", 1),
    ("from the above steps we can conclude that … tells the truth", 1),
    ("does not tell the truth¶", 0),
    ("cannot be telling the truth¶", 0),
    ("is lying¶", 0),
    ("tells the lie¶", 0),
    ("is also telling the truth¶", 1),
    ("must be lying¶", 1),  # sic
    ("must be telling the truth¶", 1),
    ("tells the truth¶", 1),
    ("delfina does tell the truth¶", 1),
    ("osvaldo is telling the truth¶", 1),
    ("lies¶", 0),
)
