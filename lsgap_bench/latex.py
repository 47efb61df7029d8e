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
PAGE = 44
"""Rows that fit a page of one column in `\\small`, with caption and notes."""
_NEEDS = "% needs \\usepackage{booktabs}"


def escape(text: str) -> str:
    """Text that LaTeX prints as it stands, on one line; a hyphen before a number or between spaces becomes a minus."""
    plain = "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))
    return _MINUS.sub("$-$", _DASHES.sub("-{}", plain))


def latex_table(table: Table, label: str, indent: str = "- ") -> str:
    """`table` floats with the title as caption, as many as it takes that each fits a page; note and reasons stand below the last.

    label: behind `tab:`, of the first float. indent: what marks the first cell of a row under a heading; a row whose other cells are all
    empty is one. Columns that a terminal has no room for are left out here, too. Ends without a line break.
    """
    kept = [k for k, header in enumerate(table.headers) if header not in table.page_only]
    pages = _pages([[row[k] for k in kept] for row in table.rows], indent)
    headers = " & ".join(escape(table.headers[k]) for k in kept) + r" \\"
    floats = []
    for number, rows in enumerate(pages):
        title = escape(table.title) + (", continued" if number else "")
        below = table.below() if number == len(pages) - 1 else []
        floats += [
            _NEEDS,
            r"\begin{table}[t]",
            r"\centering\small",
            rf"\caption{{{title}.}}",
            *([] if number else [rf"\label{{tab:{label}}}"]),
            rf"\begin{{tabular}}{{l{'r' * (len(kept) - 1)}}}",
            r"\toprule",
            headers,
            r"\midrule",
            *(_row(row, indent) for row in rows),
            r"\bottomrule",
            r"\end{tabular}",
            *(rf"\par\smallskip\footnotesize {escape(line)}" for line in below),
            r"\end{table}",
            "",
        ]
    return "\n".join(floats[:-1])


def _pages(rows: list[list[str]], indent: str) -> list[list[list[str]]]:
    """The rows in parts of at most PAGE, a heading never parted from the rows under it unless these alone are more."""
    sections: list[list[list[str]]] = []
    for row in rows:
        if sections and row[0].startswith(indent) and len(sections[-1]) < PAGE:
            sections[-1].append(row)
        else:
            sections.append([row])
    pages: list[list[list[str]]] = [[]]
    for section in sections:
        if pages[-1] and len(pages[-1]) + len(section) > PAGE:
            pages.append([])
        pages[-1] += section
    return pages


def _row(row: list[str], indent: str) -> str:
    first, *others = row
    if others and not any(others):
        return rf"\addlinespace\multicolumn{{{len(row)}}}{{l}}{{\emph{{{escape(first)}}}}} \\"
    shown = rf"\quad {escape(first.removeprefix(indent))}" if first.startswith(indent) else escape(first)
    if shown.startswith(("[", "*")):
        shown = "{}" + shown  # or the end of the row before would take it for its own
    return " & ".join([shown, *map(escape, others)]) + r" \\"
