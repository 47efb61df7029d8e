"""A judge's replies on disk, a file each, named by a hash of all that was asked: nothing is paid for twice, and no two runs disagree."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from lsgap_bench.cache_folder import keep
from lsgap_bench.errors import UsageError
from lsgap_bench.judges import Said


class VoteCache:
    """Replies by key, in a folder that several runs may share at once. UsageError where it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise UsageError(
                f"the votes cannot be kept in {folder} ({error.strerror}); name another folder with --judge_args cache=DIR"
            ) from None

    def get(self, key: str) -> Said | None:
        """The reply that was kept; None where there is none that can be read."""
        try:
            plain = json.loads(self._path(key).read_text(encoding="utf-8"))
            return Said(str(plain["text"]), dict(plain["usage"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, said: Said) -> None:
        """Keep a reply: it is there whole or not at all, whoever else writes it and whenever the process is killed."""
        keep(self._path(key), json.dumps(said._asdict(), ensure_ascii=False).encode())

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"
