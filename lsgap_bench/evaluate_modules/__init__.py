"""Our metrics as modules of Hugging Face `evaluate`, for anybody's training loop: where their scripts are."""

from __future__ import annotations

from pathlib import Path

from lsgap_bench.errors import UsageError, did_you_mean

_FOLDER = Path(__file__).parent


def evaluate_module(name: str) -> str:
    """The folder of `modality_gap` or `alignment_path_score`, for `evaluate.load`; it works offline. UsageError for another name."""
    known = [script.stem for script in _FOLDER.glob("*/*.py") if script.stem == script.parent.name]
    if name not in known:
        raise UsageError(f"no evaluate module is called '{name}'; {did_you_mean(name, known)}")
    return str(_FOLDER / name)
