"""A run's checks in words, a line each, what failed first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from lsgap_bench.cells import number

# check -> its facts: key in the record and the words before it
_FACTS = {
    "prompts": {"n": "items", "wrapper": "clips as"},
    "silence": {"n": "items", "bit_equal": "bit-equal logits", "equal_answers": "equal answers"},
    "other_clip": {"n": "items", "score": "score", "chance": "chance"},
    "batch_invariance": {"value": "largest relative difference", "tolerance": "tolerance"},
}
_FRACTIONS = ("score", "chance")
_COUNTS = {
    "truncated_clips": "clips cut to what the model hears",
    "skipped_items": "items left out",
    "placeholder_mismatch": "clips with another number of placeholders than expected",
}


class CheckLine(NamedTuple):
    """One check in words. passed: None where it was not made or decides nothing."""

    name: str
    text: str
    passed: bool | None

    @property
    def shown(self) -> str:
        """As a line of the terminal: loud when the check failed."""
        mark = "WARNING" if self.passed is False else "passed" if self.passed else "-"
        return f"{mark:<8} {self.name}: {self.text}"


def check_lines(checks: Mapping[str, Any]) -> list[CheckLine]:
    """A run's checks, what failed first; a check that is not there was not made. Its scores and chance are fractions, shown in points."""
    lines = [_tested(_mapping(checks, name), name, facts) for name, facts in _FACTS.items()]
    rate = _mapping(checks, "sampling_rate")
    if rate:
        resampled = ", resampled" if rate.get("resampled") else ""
        lines.append(
            CheckLine("sampling rate", f"model {_plain(rate.get('model'))} Hz, clips {_plain(rate.get('clips'))} Hz{resampled}", None)
        )
    for key, words in _COUNTS.items():
        if isinstance(checks.get(key), Mapping):
            lines.append(_tested(checks[key], key, {}))
        elif key in checks:
            lines.append(CheckLine(key.replace("_", " "), f"{_plain(checks[key])} {words}", checks[key] == 0))
    lines += [CheckLine("run", text, False) for text in _warnings(checks)]
    return sorted(lines, key=lambda line: line.passed is not False)


def _tested(found: Mapping[str, Any], name: str, facts: Mapping[str, str]) -> CheckLine:
    words = name.replace("_", " ")
    if not found:
        return CheckLine(words, "not checked", None)
    said = [f"{word} {_plain(found[key], key in _FRACTIONS)}" for key, word in facts.items() if found.get(key) is not None]
    note = [] if found.get("note") is None else [_plain(found["note"])]
    passed = found.get("passed")
    return CheckLine(words, "; ".join(filter(None, [", ".join(said), *note])), passed if isinstance(passed, bool) else None)


def _warnings(checks: Mapping[str, Any]) -> list[str]:
    """The run's own warnings, but for those that a failed check's line says already."""
    notes = {_plain(_mapping(checks, name).get("note")) for name in _FACTS if _mapping(checks, name).get("passed") is False}
    said = checks.get("warnings")
    return [text for one in (said if isinstance(said, (list, tuple)) else []) if (text := _plain(one)) not in notes]


def _mapping(plain: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = plain.get(key)
    return found if isinstance(found, Mapping) else {}


def _plain(value: Any, fraction: bool = False) -> str:
    """A fact of a check on one line; a fraction in points."""
    if fraction and isinstance(value, (int, float)):
        return number(100 * value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    if isinstance(value, float):
        return f"{value:.3g}"
    return " ".join(str(value).split())
