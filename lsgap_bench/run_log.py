"""log.txt of a run folder: what ran, on what, what was left out, what went wrong. Written only once the input is known to be good."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import MemoryHandler
from pathlib import Path

FILE = "log.txt"
_FORMAT = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
_EARLY = 10_000  # lines kept until the file is there
_NEVER = logging.CRITICAL + 1


@contextmanager
def run_log(folder: Path | None) -> Iterator[Callable[[], None]]:
    """Inside the `with`, what the package logs is kept; once the function it gives is called, it stands in `folder`/log.txt.

    A resumed run writes on in the same file. folder: None keeps nothing.
    """
    if folder is None:
        yield lambda: None
        return
    package = logging.getLogger("lsgap_bench")
    level = package.level
    early = MemoryHandler(_EARLY, flushLevel=_NEVER, flushOnClose=False)
    handlers: list[logging.Handler] = [early]

    def begin() -> None:
        if early not in package.handlers:
            return
        folder.mkdir(parents=True, exist_ok=True)
        file = logging.FileHandler(folder / FILE, encoding="utf-8")
        file.setFormatter(_FORMAT)
        handlers.append(file)
        package.addHandler(file)
        package.removeHandler(early)
        early.setTarget(file)
        early.flush()

    package.addHandler(early)
    package.setLevel(logging.INFO)
    try:
        yield begin
    except BaseException as error:
        package.error("stopped by %s: %s", type(error).__name__, error)
        raise
    finally:
        package.setLevel(level)
        for handler in handlers:
            package.removeHandler(handler)
            handler.close()
