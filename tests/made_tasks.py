"""Task files made up for tests, from a few shipped clips: `write_task(folder, rows=..., key=value)` writes YAML and parquet."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
import yaml

from lsgap_bench.resources import resource

PAIRED = "!function lsgap_bench.harness.PairedTask"
KEYS: dict[str, Any] = {
    "dataset_path": "parquet",
    "test_split": "test",
    "doc_to_text": "{{question}}",
    "doc_to_audio": "audio",
    "doc_to_target": "{{answer}}",
    "output_type": "generate_until",
    "generation_kwargs": {"max_new_tokens": 2},
    "metadata": {"version": 1.0, "licence": "CC0-1.0", "citation": "made up", "source": "tests"},
}


def spoken_rows(count: int) -> list[dict[str, Any]]:
    """Shipped items: question, answer, question_id, audio (encoded bytes)."""
    return pq.read_table(resource("tasks") / "lsgap_mini/data/sizes.parquet").slice(0, count).to_pylist()


def wav(seconds: float, rate: int = 16_000, subtype: str = "PCM_16", level: float = 0.1, channels: int = 1) -> bytes:
    """A tone of 440 Hz; level: of full scale, NaN for a broken export."""
    wave = level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([wave] * channels, 1), rate, format="WAV", subtype=subtype)
    return buffer.getvalue()


def write_yaml(path: Path, config: Mapping[str, Any], paired: bool = True) -> Path:
    """A task file; paired: with the class line."""
    head = f"class: {PAIRED}\n" if paired else ""
    path.write_text(head + yaml.safe_dump(dict(config), sort_keys=False), encoding="utf-8")
    return path


def write_task(
    folder: Path, rows: Sequence[Mapping[str, Any]] | None = None, name: str = "made", table: pa.Table | None = None, **keys: Any
) -> Path:
    """A paired task over `rows` (default: four shipped items) or `table`. keys: over KEYS; None removes a key."""
    table = pa.Table.from_pylist(list(spoken_rows(4) if rows is None else rows)) if table is None else table
    pq.write_table(table, folder / f"{name}.parquet")
    config = {"task": name, **KEYS, "dataset_kwargs": {"data_files": {"test": f"{name}.parquet"}}, **keys}
    return write_yaml(folder / f"{name}.yaml", {k: v for k, v in config.items() if v is not None})
