"""Tables as LaTeX: every special character escaped, every group and environment closed, as many cells as columns."""

from __future__ import annotations

import pytest
from latex_checks import check_latex

from lsgap_bench.latex import escape, latex_table
from lsgap_bench.series_tables import Table


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("lsgap_mini", r"lsgap\_mini"),
        ("95 % & $5 #1", r"95 \% \& \$5 \#1"),
        (r"a\b{c}~^", r"a\textbackslash{}b\{c\}\textasciitilde{}\textasciicircum{}"),
        ("<0.001", r"\textless{}0.001"),
        ("<|user|>", r"\textless{}\textbar{}user\textbar{}\textgreater{}"),
        ("-1.2 [-2.0, -0.3]", "$-$1.2 [$-$2.0, $-$0.3]"),
        ("gap = text - speech", "gap = text $-$ speech"),
        ("demo-7b, 2026-01-02, --tasks", "demo-7b, 2026-01-02, -{}-tasks"),
        ("two\nlines", "two lines"),
    ],
)
def test_text_is_printed_as_it_stands(text: str, printed: str) -> None:
    assert escape(text) == printed


def made() -> Table:
    rows = [["Overall (2 tasks)", "", "", ""], ["- a_b", "9", "1", "-0.5"], ["[odd]", "9", "1", "<0.001"]]
    return Table(
        "100 % of_it", ["model", "n", "raw", "p,\nHolm"], rows, note="Note & more.", page_only=frozenset({"raw"}), reasons=["not {run}"]
    )


def test_a_table_is_a_float_with_caption_label_rules_and_notes() -> None:
    lines = latex_table(made(), "scores").splitlines()
    assert lines[0] == r"% needs \usepackage{booktabs}"
    assert r"\caption{100 \% of\_it.}" in lines
    assert r"\label{tab:scores}" in lines
    assert r"\begin{tabular}{lrr}" in lines
    assert r"model & n & p, Holm \\" in lines
    assert r"\addlinespace\multicolumn{3}{l}{\emph{Overall (2 tasks)}} \\" in lines
    assert r"\quad a\_b & 9 & $-$0.5 \\" in lines
    assert r"{}[odd] & 9 & \textless{}0.001 \\" in lines  # or LaTeX would read [odd] as an argument of the row before
    assert [line for line in lines if "footnotesize" in line] == [
        r"\par\smallskip\footnotesize Note \& more.",
        r"\par\smallskip\footnotesize (1) not \{run\}",
    ]


def test_a_table_longer_than_a_page_is_several_floats_and_no_heading_is_parted_from_its_rows() -> None:
    rows = [cells for k in range(20) for cells in ([f"place {k}", "", ""], ["- a", "1", "2"], ["- b", "3", "4"])]
    text = latex_table(Table("T", ["m", "x", "y"], rows, note="Note."), "t")
    floats = text.split(r"\end{table}")[:-1]
    assert [part.count(r"\\") - 1 for part in floats] == [42, 18]  # 14 places and 6, of three rows each
    assert [part.count(r"\label") for part in floats] == [1, 0]
    assert [part.count("T, continued.") for part in floats] == [0, 1]
    assert [part.count("Note.") for part in floats] == [0, 1]
    for part in floats:
        rows_of = part.split(r"\midrule")[1].strip().splitlines()
        assert r"\multicolumn" in rows_of[0]
    check_latex(text)


def test_groups_and_environments_are_closed_and_rows_have_one_cell_per_column() -> None:
    check_latex(latex_table(made(), "x"))
