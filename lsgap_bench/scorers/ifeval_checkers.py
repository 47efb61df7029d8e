"""The door to lm-eval's instruction checkers (IFEval): lets nothing be downloaded, and says what is missing on this machine."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from functools import cache
from typing import Any
from unittest import mock

from lsgap_bench.errors import UsageError, did_you_mean

SENTENCE_DATA = "tokenizers/punkt_tab/english/"
NEED_SENTENCE_DATA = ("length_constraints:number_sentences", "change_case:capital_word_frequency")
"""The instructions whose checkers split texts with nltk's data."""


def checker(instruction: str, given: Mapping[str, Any], prompt: str, where: str) -> Any:
    """The checker of an instruction, whose `check_following(answer)` says whether an answer follows it.

    given: its arguments; empty ones (None, 0, "", []) count as absent. What an argument that is absent should have said, lm-eval draws at
    random: it is drawn from the prompt here, so that every answer to it is held against the same. UsageError, beginning with `where`, for
    an unknown instruction or argument, and for data or a package that is not on this machine.
    """
    known = _registry()
    if instruction not in known:
        raise UsageError(f"{where}: no instruction is called '{instruction}'; {did_you_mean(instruction, known)}")
    if instruction in NEED_SENTENCE_DATA and not has_sentence_data():
        raise UsageError(
            f"{where}: the instruction {instruction} needs nltk's data 'punkt_tab', which is not on this machine; where there is a network "
            "run python -m nltk.downloader punkt_tab"
        )
    arguments = {key: value for key, value in given.items() if value}
    state = random.getstate()
    random.seed(prompt)
    try:
        built = known[instruction](instruction)
        built.build_description(**arguments)
        if "prompt" in (built.get_instruction_args() or ()):
            built.build_description(prompt=prompt)
    except (TypeError, ValueError, LookupError) as error:
        raise UsageError(f"{where}: the instruction {instruction} cannot take {arguments} ({error}); correct its kwargs") from None
    finally:
        random.setstate(state)
    return built


@cache
def has_sentence_data() -> bool:
    """Whether nltk's data for splitting English sentences and words is on this machine."""
    import nltk  # type: ignore[import-untyped]

    try:
        nltk.data.find(SENTENCE_DATA)
    except LookupError:
        return False
    return True


@cache
def _registry() -> Mapping[str, Any]:
    """Instruction -> class of lm-eval. UsageError where a package is missing."""
    try:
        import langdetect  # type: ignore[import-untyped]
        import nltk

        with mock.patch.object(nltk.data, "find"), mock.patch.object(nltk, "download"):  # importing it would ask the network for data
            from lm_eval.tasks.ifeval.instructions_registry import INSTRUCTION_DICT
    except ImportError as error:
        raise UsageError(f"voicebench_ifeval needs the package {error.name}; pip install 'lsgap-bench[ifeval]'") from None
    langdetect.DetectorFactory.seed = 0  # else it says now this, now that of a text in two languages
    logging.getLogger("lm_eval.tasks.ifeval.instructions").setLevel(logging.CRITICAL)  # it would print whole answers
    return dict(INSTRUCTION_DICT)
