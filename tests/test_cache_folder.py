"""The cache: which folder it is, and that a file in it is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsgap_bench.cache_folder import cache_folder, keep
from lsgap_bench.errors import UsageError


def test_the_folder_is_the_one_that_is_named_else_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LSGAP_CACHE", str(tmp_path / "own"))
    assert cache_folder("speech") == tmp_path / "own" / "speech"
    monkeypatch.delenv("LSGAP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("speech") == tmp_path / "xdg" / "lsgap" / "speech"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder("speech") == Path.home() / ".cache" / "lsgap" / "speech"


def test_a_write_that_is_cut_short_leaves_the_old_file_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keep(tmp_path / "a" / "file", b"old")

    def interrupted(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        keep(tmp_path / "a" / "file", b"new")
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == {"file": b"old"}


def test_a_cache_that_cannot_be_written_is_named_with_the_variable(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match=r"taken cannot be written .* name another folder with LSGAP_CACHE"):
        keep(tmp_path / "taken" / "file", b"")
