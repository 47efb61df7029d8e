"""The page of all metrics and choices, made of their own declarations: `python -m lsgap_bench.metrics_page docs/metrics.md` renews it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from lsgap_bench.errors import UsageError
from lsgap_bench.protocols import CHOICES, DEFAULT, PROTOCOLS, Protocol
from lsgap_bench.registry import NEEDS, Metric, metrics

BEGIN, END = "<!-- metrics: begin, made by python -m lsgap_bench.metrics_page -->", "<!-- metrics: end -->"
CHOICES_BEGIN, CHOICES_END = BEGIN.replace("metrics:", "choices:"), END.replace("metrics:", "choices:")
_BETTER = {"higher": "higher is better", "lower": "lower is better", "neither": "neither direction is better"}
_FROM = {
    "states": "Measured inside the model, layer by layer",
    "blocks": "Measured inside the model over many items, layer by layer",
    "paths": "Measured over all layers together",
    "logits": "Measured at the model's output",
    "answers": "Read off the answers",
    "systems": "Between two systems",
}


def metrics_section() -> str:
    """Every metric's facts as Markdown, by what it needs."""
    parts = []
    for needs, title in _FROM.items():
        of_kind = [metrics[name] for name in metrics if metrics[name].needs == needs]
        parts += [f"## {title}", f"A plug-in is a {NEEDS[needs].replace('|', chr(92) + '|')}.", *map(_facts, of_kind)]
    return "\n\n".join(parts)


def _facts(metric: Metric) -> str:
    return "\n".join(
        [
            f"### `{metric.name}`",
            "",
            metric.summary,
            "",
            f"- Formula: `{metric.formula}`",
            f"- Unit: {metric.unit}; range: {metric.bounds}; {_BETTER[metric.direction]}",
            f"- Null: {metric.null}",
            f"- Source: {metric.source}",
            f"- Pitfalls: {metric.pitfalls}",
        ]
    )


def choices_section() -> str:
    """Every choice, and every protocol that fixes them, as Markdown."""
    rows = [f"| `{c.name}` | {_code(c.values)} | {c.paper} | {c.meaning} |" for c in CHOICES.values()]
    table = "\n".join(["| choice | values, the default first | paper | meaning |", "|---|---|---|---|", *rows])
    return "\n\n".join([table, *(_fixed(protocol) for protocol in PROTOCOLS.values() if protocol.name != DEFAULT)])


def _fixed(protocol: Protocol) -> str:
    parts = {"tasks": protocol.tasks, "metrics": protocol.metrics, "conditions": protocol.conditions}
    lines = [f"- {what}: {_code(names)}" for what, names in parts.items()]
    return "\n".join([f"**`--protocol {protocol.name}`**: {protocol.summary}.", "", *lines])


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def renewed(page: str, name: str) -> str:
    """A page with what stands between its marks made anew. UsageError, with the page's name, where marks are missing."""
    page = with_section(page, name, BEGIN, END, metrics_section())
    return with_section(page, name, CHOICES_BEGIN, CHOICES_END, choices_section())


def with_section(page: str, name: str, begin: str, end: str, section: str) -> str:
    """A page with a section between its two marks. UsageError, with the page's name, where they are missing or stand there twice."""
    if page.count(begin) != 1 or page.count(end) != 1:
        raise UsageError(f"{name} lacks the line '{begin}' or '{end}'; put both where the section goes")
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n\n{section}\n\n{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/metrics.md")
    path.write_text(renewed(path.read_text(encoding="utf-8"), str(path)), encoding="utf-8")
