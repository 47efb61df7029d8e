"""Where the shipped files are: beside the package in a source tree, inside it when installed from a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """The folder `tasks` or `leaderboard/template`."""
    shipped = _PACKAGE / "_shipped" / name
    return shipped if shipped.exists() else _PACKAGE.parent / name


DEMO_MODEL = _PACKAGE / "lab" / "demo_model"
DEMO_BASE = _PACKAGE / "lab" / "demo_base"
DEMO_RECOGNIZER = _PACKAGE / "lab" / "demo_recognizer"
