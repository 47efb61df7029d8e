from __future__ import annotations

import logging
from pathlib import Path

import demo_run
import pytest

from lsgap_bench.run_log import FILE, run_log

logger = logging.getLogger("lsgap_bench.some.module")


def test_what_was_logged_before_the_folder_exists_is_in_the_file_afterwards(tmp_path: Path) -> None:
    with run_log(tmp_path / "run") as begin:
        logger.info("early")
        assert not (tmp_path / "run").exists()
        begin()
        logger.info("late")
        begin()  # a second call changes nothing
        written = (tmp_path / "run" / FILE).read_text()
    assert written.index("early") < written.index("late")
    assert written.count("late") == 1


def stopped(folder: Path, error: BaseException, begun: bool) -> None:
    """A run that logs a line, begins or not, and is stopped by an error."""
    with run_log(folder) as begin:
        logger.info("early")
        if begun:
            begin()
        raise error


def test_a_run_that_is_refused_before_it_begins_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bad input"):
        stopped(tmp_path / "run", ValueError("bad input"), begun=False)
    assert not (tmp_path / "run").exists()


def test_what_stopped_a_run_is_in_its_log(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        stopped(tmp_path, KeyboardInterrupt(), begun=True)
    assert "stopped by KeyboardInterrupt" in (tmp_path / FILE).read_text()


def test_a_resumed_run_writes_on(tmp_path: Path) -> None:
    for word in ("first", "second"):
        with run_log(tmp_path) as begin:
            begin()
            logger.info(word)
    written = (tmp_path / FILE).read_text()
    assert "first" in written
    assert "second" in written


def test_no_handler_and_no_level_is_left_behind(tmp_path: Path) -> None:
    package = logging.getLogger("lsgap_bench")
    before = (list(package.handlers), package.level)
    with run_log(tmp_path) as begin:
        begin()
    with run_log(None) as begin:
        begin()
    assert (list(package.handlers), package.level) == before


def test_the_log_of_a_run_tells_versions_settings_model_items_and_files() -> None:
    folder = demo_run.evaluation().folder
    assert folder is not None
    written = (folder / FILE).read_text()
    for word in ("settings: ", "model: ", "versions: lsgap_bench", "torch 2", "lsgap_mini_days 6", "batch sizes: [32]", "record.json"):
        assert word in written
