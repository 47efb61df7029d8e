"""The words of the closed world, by what they mean; together with the templates' own words they are all that a lab model knows."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMES = _words(
    "tom anna sam lucy jack mary peter emma john kate david sarah paul julia mark nina george alice henry laura simon olivia martin helen"
)
COLORS = _words("red blue green yellow black white brown pink gray orange purple silver")
OBJECTS = _words(
    "ball box cup hat book key lamp coat bag ring pen shoe clock chair table phone bottle spoon knife plate candle mirror basket blanket "
    "pillow umbrella towel camera guitar ticket letter coin"
)
THINGS = _words("books cups keys pens coins tickets bottles rings bags hats")  # what is counted
PLACES = _words("kitchen garden school park office bathroom library station market garage hotel museum church theater hospital bakery")
ANIMALS = _words(  # smallest first
    "ant bee spider mouse frog bird rabbit cat fox dog goat wolf sheep pig lion tiger bear cow horse camel giraffe elephant whale"
)
CATEGORIES: dict[str, tuple[str, ...]] = {
    "animal": ANIMALS,
    "fruit": _words("apple banana grape lemon cherry peach pear melon mango plum strawberry pineapple"),
    "vegetable": _words("carrot potato onion cabbage spinach pepper cucumber pumpkin lettuce garlic"),
    "vehicle": _words("car bus train plane truck boat bicycle tractor taxi helicopter"),
    "tool": _words("hammer saw drill shovel wrench ladder axe scissors"),
    "drink": _words("milk tea coffee juice water soda lemonade wine"),
    "garment": _words("shirt jacket sweater skirt sock glove scarf trousers"),
    "instrument": _words("piano violin drum trumpet flute harp"),
    "job": _words("doctor teacher farmer pilot nurse painter sailor lawyer"),
    "metal": _words("iron copper gold steel tin"),
}
OPPOSITE_PAIRS: tuple[tuple[str, str], ...] = (
    ("hot", "cold"), ("big", "small"), ("fast", "slow"), ("old", "young"), ("light", "dark"), ("happy", "sad"), ("open", "closed"),
    ("wet", "dry"), ("full", "empty"), ("rich", "poor"), ("hard", "soft"), ("loud", "quiet"), ("strong", "weak"), ("high", "low"),
    ("early", "late"), ("clean", "dirty"), ("long", "short"), ("thick", "thin"), ("near", "far"), ("good", "bad"), ("true", "false"),
    ("first", "last"), ("inside", "outside"), ("safe", "dangerous"), ("cheap", "expensive"), ("sweet", "bitter"), ("deep", "shallow"),
    ("smooth", "rough"),
)  # fmt: skip
OPPOSITES: dict[str, str] = dict([*OPPOSITE_PAIRS, *((other, one) for one, other in OPPOSITE_PAIRS)])
DAYS = _words("monday tuesday wednesday thursday friday saturday sunday")
MONTHS = _words("january february march april may june july august september october november december")
_UNITS = _words(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)
_TENS = _words("thirty forty fifty sixty seventy eighty ninety")
NUMBERS: dict[int, str] = dict(enumerate(_UNITS, start=1)) | dict(zip(range(30, 100, 10), _TENS, strict=True))
LETTERS = ("a", "b", "c", "d")
