"""PEDANT, the answer matcher of the optional package qa_metrics: behind one door, in one version, and never from the network."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lsgap_bench.errors import UsageError, with_kind

PACKAGE, VERSION = "qa_metrics", "0.2.17"  # another version scores quite otherwise: 74.5 where this one gives 47.7
CLASSIFIER = ("lr_classifier.pkl", "tf-idf_vectorizer.pkl")  # in the package's folder `classifier`; the wheel does not hold them
ALONE = "the judge alone"
Match = Callable[[str, str, str], bool]
"""(reference, answer, question) -> whether the answer says the reference."""


def in_words() -> str:
    """What `voicebench_qa` is made of on this machine. UsageError as `pedant`."""
    if pedant() is None:
        return ALONE
    known = hashlib.sha256(b"".join(path.read_bytes() for path in _classifier())).hexdigest()[:16]
    return f"PEDANT of {PACKAGE} {VERSION} (classifier {known}) and the judge, half each"


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
    if not all(path.is_file() for path in _classifier()):
        raise _unusable("lacks PEDANT's classifier, which is not downloaded from here")
    try:
        module = importlib.import_module(f"{PACKAGE}.pedant")
        _keep_offline(module)
        model = module.PEDANT()
    except Exception as error:
        raise _unusable(f"cannot be used ({with_kind(error)})") from error
    return lambda reference, answer, question: bool(model.evaluate([reference], answer, question))


def _classifier() -> list[Path]:
    """Where PEDANT's two files are to be."""
    found = importlib.util.find_spec(PACKAGE)
    folder = Path(str(found.origin)).parent if found else Path(PACKAGE)
    return [folder / "classifier" / name for name in CLASSIFIER]


def _keep_offline(module: Any) -> None:
    """PEDANT's constructor fetches its classifier each time, from a branch that moves, and goes on with the old one where it cannot."""

    def refuse(*given: Any, **named: Any) -> None:
        raise ConnectionRefusedError

    for name in [name for name in vars(module) if name.startswith("download")]:
        setattr(module, name, refuse)


def _unusable(what: str) -> UsageError:
    return UsageError(f"{PACKAGE} {what}; see docs/judge.md for its installation, or uninstall it to score by the judge alone")
