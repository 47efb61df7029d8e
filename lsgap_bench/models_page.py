"""The page of architectures, made of their catalogue and their quirks: `python -m lsgap_bench.models_page` renews docs/models.md."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lsgap_bench.metrics_page import with_section
from lsgap_bench.models.catalogue import CATALOGUE, Published
from lsgap_bench.models.quirks import Quirk, quirk_of

BEGIN, END = "<!-- models: begin, made by python -m lsgap_bench.models_page -->", "<!-- models: end -->"
_COLUMNS = (
    "architecture",
    "checkpoints",
    "trained for",
    "speech tokens/s",
    "hears at most",
    "install besides",
    "licence",
    "batch vs one by one",
)


def models_section() -> str:
    """Every architecture as a table, and what is peculiar to each as a list, in Markdown."""
    rows = [_row(kind, published) for kind, published in CATALOGUE.items()]
    table = [_line(_COLUMNS), _line("---" for _ in _COLUMNS), *map(_line, rows)]
    return "\n".join([*table, "", "What is done for each, so that both modalities are run as its makers run them:", "", *_peculiar()])


def _row(kind: str, published: Published) -> list[str]:
    longest, drift = published.longest, published.drift
    return [
        f"{published.name} (`{kind}`)",
        ", ".join(f"`{one}`" for one in published.hub_ids) or "-",
        published.trained_for,
        f"{published.rate:g}",
        "no limit set" if longest is None else f"{longest:g} s",
        published.needs or "-",
        published.licence,
        "not tried on a GPU" if drift is None else f"{drift.text:.1e}, {drift.speech:.1e}",
    ]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _peculiar() -> Iterator[str]:
    for kind, published in CATALOGUE.items():
        found = [*peculiarities(quirk_of(kind)), *peculiarities(quirk_of(f"{kind}_thinker"))]
        noted = f" Note: {published.remark}." if published.remark else ""
        yield f"- **{published.name}**: {'; '.join(found) or 'nothing special'}.{noted}"


def peculiarities(quirk: Quirk) -> list[str]:
    """What the adapter does for an architecture, a phrase each."""
    told = {
        "only the half of the checkpoint that writes text is loaded": quirk.load_as,
        "a clip is padded to the processor's whole window": quirk.window and not quirk.shortenable,
        "the encoder's window is shortened to the clips of a batch, which changes no result": quirk.shortenable,
        "clips go through the encoder one by one, because it hears the padding of a batch": quirk.leaky,
        f"clips under {quirk.min_seconds:g} s are lengthened by the processor": quirk.min_seconds,
        "placeholders that stand for padding count as no speech": quirk.rate,
        f"the forward is given {_given(quirk)}": quirk.heard_with,
        f"logits are divided by `{quirk.logits_divisor}`, which the forward leaves out": quirk.logits_divisor,
        "its LoRA is on for speech and off for text": quirk.lora,
        f"the LoRA is read from the checkpoint's folder `{quirk.lora}`": isinstance(quirk.lora, str),
        "prompts are made by mistral_common": quirk.mistral_common,
    }
    return [phrase for phrase, applies in told.items() if applies]


def _given(quirk: Quirk) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in quirk.heard_with.items())


def renewed(page: str, name: str) -> str:
    """A page with what stands between its marks made anew. UsageError, with the page's name, where marks are missing."""
    return with_section(page, name, BEGIN, END, models_section())


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/models.md")
    path.write_text(renewed(path.read_text(encoding="utf-8"), str(path)), encoding="utf-8")
