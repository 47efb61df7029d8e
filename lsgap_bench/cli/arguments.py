"""What several commands parse the same way: lists and `key=value` pairs."""

from __future__ import annotations

import re
from typing import Any

from lsgap_bench.errors import UsageError

_WHOLE = re.compile(r"-?(0|[1-9]\d*)")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)?\.\d+")


def names(value: str) -> list[str]:
    """`a,b` -> ["a", "b"]."""
    return [part.strip() for part in value.split(",") if part.strip()]


def pairs(value: str, option: str) -> dict[str, Any]:
    """`a=1,b=x` -> {"a": 1, "b": "x"}: numbers and true/false become values, but not `007`. UsageError for an entry without `=`."""
    found: dict[str, Any] = {}
    for part in names(value):
        key, equals, text = part.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"{option} {part!r} is no key=value; write for example {option} key=value,other=value")
        found[key.strip()] = _value(text.strip())
    return found


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
