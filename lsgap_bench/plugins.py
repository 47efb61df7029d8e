"""Plug-in files of a user's own: every `plugins/*.py` in a folder given by --include_path is imported, once."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

from lsgap_bench.errors import UsageError, with_kind


def load_plugins(folders: Iterable[str | Path]) -> None:
    """Import the plug-in files below `folders`; what they register can be named from then on. UsageError for a file that fails."""
    for folder in folders:
        for path in sorted((Path(folder) / "plugins").glob("*.py")):
            _load(path.resolve())


def _load(path: Path) -> None:
    name = f"lsgap_plugin:{path}"
    spec = importlib.util.spec_from_file_location(name, path)
    if name in sys.modules or spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise UsageError(f"{path}: this plug-in cannot be imported ({with_kind(error)}); correct the file") from error
