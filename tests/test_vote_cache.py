"""Replies on disk: they come back as they were, whole or not at all, from the folder that the user means."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.judges import Said
from lsgap_bench.vote_cache import VoteCache

SAID = Said("4, gut gemacht, größer", {"prompt_tokens": 12, "served_by": "x"})


def test_a_reply_comes_back_as_it_was_also_in_another_process_of_the_same_folder(tmp_path: Path) -> None:
    VoteCache(tmp_path / "votes").put("abcd", SAID)
    assert VoteCache(tmp_path / "votes").get("abcd") == SAID
    assert VoteCache(tmp_path / "votes").get("abce") is None


@pytest.mark.parametrize("text", ["", '{"text": "4"', "[]", '{"text": "4"}', '{"text": "4", "usage": 3}'])
def test_a_file_that_is_broken_is_no_reply(tmp_path: Path, text: str) -> None:
    cache = VoteCache(tmp_path)
    cache.put("abcd", SAID)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(text)
    assert cache.get("abcd") is None


def test_a_kill_in_the_middle_of_a_reply_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from lsgap_bench.judges import Said\n"
        "from lsgap_bench.vote_cache import VoteCache\n"
        "cache = VoteCache(Path(sys.argv[1]))\n"
        "cache.put('ab01', Said('5', {}))\n"
        "Path.replace = lambda *given: os.kill(os.getpid(), signal.SIGKILL)\n"
        "cache.put('ab02', Said('5', {}))\n"
    )
    died = subprocess.run([sys.executable, "-c", script, str(tmp_path)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert died.returncode == -signal.SIGKILL
    cache = VoteCache(tmp_path)
    assert cache.get("ab01") == Said("5", {})
    assert cache.get("ab02") is None
    assert [path.name for path in tmp_path.rglob("*.json")] == ["ab01.json"]


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"the votes cannot be kept in .*file.*; name another folder with --judge_args cache=DIR"):
        VoteCache(tmp_path / "file" / "votes")
