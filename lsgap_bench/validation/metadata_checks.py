"""What a task's metadata say: its version, how many items it has, and whose data it is, from where, under which licence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lsgap_bench.resources import resource
from lsgap_bench.validation.findings import Finding
from lsgap_bench.yaml_files import ORIGIN

_WANTED = {
    "version": "a number that grows when results change",
    "licence": "such as CC-BY-4.0",
    "citation": "whose data it is, in one line",
    "source": "a URL, or how the data were made",
}


def metadata_findings(metadata: Mapping[str, Any], source: str, rows: int) -> Iterator[Finding]:
    """What is missing: a problem of a task that is shipped, a warning about one of the user's own. Another number of items than is said.

    source: the YAML file. rows: that its data hold.
    """
    missing = [key for key in ("version", *ORIGIN) if str(metadata.get(key) or "").strip() == ""]
    if missing:
        spelt = "; the key is spelt licence here" if "licence" in missing and "license" in metadata else ""
        wanted = ", ".join(f"{key} ({_WANTED[key]})" for key in missing)
        shipped = resource("tasks").resolve() in Path(source).resolve().parents
        yield Finding(f"{source}: metadata: add {wanted}{spelt}", problem=shipped)
    if (said := metadata.get("items")) is not None and said != rows:
        yield Finding(f"{source}: metadata: items: {said} are declared, and the data hold {rows}; is the copy whole?")
