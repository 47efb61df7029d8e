"""PEDANT, the answer matcher of the optional package qa_metrics: behind one door, in one version, and never from the network."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from lsgap_bench.errors import UsageError

PACKAGE, VERSION = "qa_metrics", "0.2.17"  # another version scores quite otherwise: 74.5 where this one gives 47.7
ALONE = "the judge alone"
Match = Callable[[str, str, str], bool]
"""(reference, answer, question) -> whether the answer says the reference."""


def in_words() -> str:
    """What `voicebench_qa` is made of on this machine. UsageError as `pedant`."""
    return ALONE if pedant() is None else f"PEDANT of {PACKAGE} {VERSION} and the judge, half each"


@cache
def pedant() -> Match | None:
    """PEDANT as a function, loaded once; None where qa_metrics is not installed.

    UsageError where it is there and cannot be used: another version, a package that it needs is missing, or its classifier is.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        return None
    try:
        found = version(PACKAGE)
    except PackageNotFoundError:
        found = "of no known version"
    if found != VERSION:
        raise _unusable(f"is {found}, and voicebench_qa is defined by {VERSION}")
    try:
        module = importlib.import_module(f"{PACKAGE}.pedant")
        _keep_offline(module)
        model = module.PEDANT()
    except UsageError:
        raise
    except Exception as error:
        raise _unusable(f"cannot be used ({type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]})") from error
    return lambda reference, answer, question: bool(model.evaluate([reference], answer, question))


def _keep_offline(module: Any) -> None:
    """Where its classifier is missing PEDANT would download it, in the middle of a run and of no known version."""

    def refuse(*given: Any, **named: Any) -> None:
        raise _unusable("lacks PEDANT's classifier, which is not downloaded from here")

    for name in [name for name in vars(module) if name.startswith("download")]:
        setattr(module, name, refuse)


def _unusable(what: str) -> UsageError:
    return UsageError(f"{PACKAGE} {what}; see docs/judge.md for its installation, or uninstall it to score by the judge alone")
