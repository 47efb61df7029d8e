"""A Table as LaTeX with booktabs, every cell escaped."""

from __future__ import annotations

import re

from lsgap_bench.series_tables import Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{mark: f"\\{mark}" for mark in "&%$#_"},
}
_MINUS = re.compile(r"(?<![\w.])-(?=\d)|(?<=\s)-(?=\s)")
_DASHES = re.compile(r"-(?=-)")  # LaTeX would make one dash of two hyphens
_NEEDS = "% needs \\usepackage{booktabs}"


def escape(text: str) -> str:
    """Text that LaTeX prints as it stands, on one line; a hyphen before a number or between spaces becomes a minus."""
    plain = "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))
    return _MINUS.sub("$-$", _DASHES.sub("-{}", plain))


def latex_table(table: Table, label: str, indent: str = "- ") -> str:
    """A `table` float with its title as caption and its note and reasons below the rules; ends without a line break.

    label: behind `tab:`. indent: what marks the first cell of a row under a heading; a row whose other cells are all empty is one. Columns
    that a terminal has no room for are left out here, too.
    """
    kept = [k for k, header in enumerate(table.headers) if header not in table.page_only]
    body = [_row([row[k] for k in kept], indent) for row in table.rows]
    below = [rf"\par\smallskip\footnotesize {escape(line)}" for line in table.below()]
    lines = [
        _NEEDS,
        r"\begin{table}[t]",
        r"\centering\small",
        rf"\caption{{{escape(table.title)}.}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(kept) - 1)}}}",
        r"\toprule",
        " & ".join(escape(table.headers[k]) for k in kept) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        *below,
        r"\end{table}",
    ]
    return "\n".join(lines)


def _row(row: list[str], indent: str) -> str:
    first, *others = row
    if others and not any(others):
        return rf"\addlinespace\multicolumn{{{len(row)}}}{{l}}{{\emph{{{escape(first)}}}}} \\"
    shown = rf"\quad {escape(first.removeprefix(indent))}" if first.startswith(indent) else escape(first)
    if shown.startswith(("[", "*")):
        shown = "{}" + shown  # or the end of the row before would take it for its own
    return " & ".join([shown, *map(escape, others)]) + r" \\"
