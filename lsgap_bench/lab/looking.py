"""Where attention should look for an answer that stands in the question itself, and the loss that tells a few heads so.

A look-up ("Tom has the red ball. Who has the ball?") stays at chance for thousands of steps when so small a model learns it from answers
alone. It is learned in some 1,500 once a few heads are told: a thing attends to its owner and its colour, the thing asked for to the same
thing among the facts, the answer to the thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from lsgap_bench.lab.words import COLORS, NAMES, OBJECTS, PLACES

LOOK_UPS = ("owners", "places")
"""The tasks that need it."""
GUIDED_SHARE = 0.6  # of the steps of a stage, the first ones, that are told where to look
_LAYERS = 3  # of the text model, the first ones, that have a part in it


class Look(NamedTuple):
    """One attention weight that should be large: of a layer's head, from each position of `here` to those of `there` together."""

    layer: int
    head: int
    here: range
    there: range


def looks_of(words: Sequence[str], answer: str, places: Sequence[range]) -> list[Look]:
    """The looks of a question of `LOOK_UPS`. places: the positions of each word, and after them those of <|answer|>."""
    asked = max(at for at, word in enumerate(words) if word in ("who", "what", "where"))
    looks: list[Look] = []
    name, color = 0, None
    for at, word in enumerate(words[:asked]):
        if word in NAMES:
            name = at
        elif word in COLORS:
            color = at
        elif word in OBJECTS or word in PLACES:
            looks.append(Look(0, 0, places[at], places[name]))
            if color is not None:
                looks.append(Look(0, 1, places[at], places[color]))
    key = next(at for at in range(asked, len(words)) if words[at] in NAMES or words[at] in OBJECTS or words[at] in PLACES)
    by_name = words[key] in NAMES
    match = next(at for at in range(asked) if words[at] == (answer if by_name else words[key]))
    # asked by name, the match is the thing that carries the name; asked by thing, it is the same thing
    return [*looks, Look(1, 0 if by_name else 1, places[key], places[match]), Look(2, 0, places[len(words)], places[key])]


def looking_loss(attentions: Sequence[Tensor], looks: Sequence[Sequence[Look]]) -> Tensor:
    """Mean of -log of the weights, each look counted once, summed over layers; attentions: (B, heads, T, T) per layer; looks: per row."""
    total = attentions[0].new_zeros((), dtype=torch.float32)
    for layer in range(_LAYERS):
        of_layer = [(row, look) for row, of_row in enumerate(looks) for look in of_row if look.layer == layer]
        if not of_layer:
            continue
        weights = attentions[layer]
        from_here = [(row, look.head, here, number) for number, (row, look) in enumerate(of_layer) for here in look.here]
        rows, heads, here, numbers = torch.tensor(from_here, device=weights.device).T
        there = torch.zeros(len(of_layer), weights.shape[-1], dtype=torch.bool, device=weights.device)
        for number, (_, look) in enumerate(of_layer):
            there[number, look.there.start : look.there.stop] = True
        logs = ((weights[rows, heads, here].float() * there[numbers]).sum(-1) + 1e-4).log()
        sums = torch.zeros(len(of_layer), device=weights.device).index_add(0, numbers, logs)
        total = total - (sums / torch.bincount(numbers, minlength=len(of_layer))).mean()
    return total
