"""The command line in process: what it returns, what a person reads, and that nothing was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lsgap_bench.cli import main

Refused = Callable[..., str]


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Made-up data sets do not fill the user's cache."""
    import datasets

    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("datasets")


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """refused(*arguments): `lsgap run` must end with status 2, one line, and no run folder; returns the line without its prefix."""

    def run(*arguments: str) -> str:
        out = tmp_path / "out"
        status = main(["run", "--output_path", str(out), *map(str, arguments)])
        shown = capsys.readouterr().err.splitlines()
        lines = [line for line in shown if line.strip() and "clip/s]" not in line]  # progress may stand above
        assert status == 2
        assert len(lines) == 1, lines
        assert lines[0].strip().startswith("lsgap: ")
        assert not out.exists()
        return lines[0].strip().removeprefix("lsgap: ")

    return run
