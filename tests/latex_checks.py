"""What a LaTeX compiler would trip over, for tests that have none."""

from __future__ import annotations

import re


def check_latex(text: str) -> None:
    """Assert that environments and groups are closed, rows have a cell per column, and nothing special is left unescaped."""
    open_environments: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            open_environments.append(name)
        else:
            assert open_environments.pop() == name
    assert open_environments == []
    bare = re.sub(r"\\[{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert re.sub(r"\\\$", "", text).count("$") % 2 == 0
    for tabular in re.findall(r"\\begin\{tabular\}\{(.+?)\}(.+?)\\end\{tabular\}", text, flags=re.DOTALL):
        rows = [line for line in tabular[1].splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
        assert rows
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(tabular[0])}
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert not re.search(r"(?<!\\)[%#_]", body.replace(r"\label", ""))
