"""A hash of the files that make a checkpoint, by which weights that changed under the same name are told apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

WHOLE_FILE = 1 << 28  # bytes: weight files up to this size are hashed whole, larger ones by blocks spread evenly over them
BLOCKS, BLOCK = 4096, 1 << 14  # how many, and bytes of each: 64 MiB of a file are read
SUFFIXES = {".safetensors", ".bin", ".json", ".jinja", ".model", ".txt", ".py"}


def folder_hash(folder: Path, adapter: bool | str = False) -> str:
    """A short sha256 of the files that make a checkpoint. adapter: a folder in it that counts, too."""
    total = hashlib.sha256()
    parts = [folder, *([folder / adapter] if isinstance(adapter, str) and (folder / adapter).is_dir() else [])]
    files = sorted(path for part in parts for path in part.iterdir())
    for path in (p for p in files if p.suffix in SUFFIXES):
        total.update(f"{path.name} {path.stat().st_size}".encode())
        with path.open("rb") as file:
            size = path.stat().st_size
            if size <= WHOLE_FILE:
                total.update(file.read())
            else:
                for k in range(BLOCKS):  # even a merged adapter changes whole matrices, which no even spread of blocks can miss
                    file.seek(k * (size - BLOCK) // (BLOCKS - 1))
                    total.update(file.read(BLOCK))
    return total.hexdigest()[:16]
