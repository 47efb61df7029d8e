"""The house as its imports show it: they run one way, through rooms in a fixed order, and heavy libraries stay behind one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import lsgap_bench

ROOT = Path(lsgap_bench.__file__).parent
# A room is a module or a package right below lsgap_bench. It may import rooms of earlier lines, and its own package.
ORDER = [
    {"errors", "memory"},
    {"schema", "resources", "plugins", "braces", "weights", "word_errors", "cache_folder", "task_templates", "naming_lines"},
    {"registry", "protocols", "sieve"},
    {"bootstrap"},
    {"jackknife", "agreement"},
    {"least_squares"},
    {"stats", "speech", "metrics", "scorers"},
    {"power", "dependence", "blocks", "block_curves", "judging", "usage"},
    {"judge_record"},
    {"regressions"},
    {"interventions"},
    {"models"},
    {"judges"},
    {"prompt_pair", "store", "vote_cache", "partners", "hearing", "reading", "text_states", "lacking", "option_lists"},
    {"variants"},
    {"layer_hooks", "keys", "answers"},
    {"observe"},
    {"speech_block", "spoken_of"},
    {"task_config", "yaml_files", "data_sources"},
    {"documents", "lm_face", "group_weights", "data_files"},
    {"task_checks"},
    {"harness"},
    {"clip_making"},
    {"run_rows", "kept_items"},
    {"task_tables"},
    {"measures", "recognition", "differences", "unjudged"},
    {"condition_results", "corpus_scores"},
    {"estimates", "checks", "example", "forecast", "batch_size", "settings", "run_log"},
    {"records", "systems", "evaluate_modules"},
    {"text_controls", "synth"},
    {"cells", "panel"},
    {"check_lines", "scorers_table", "condition_tables", "judged_pairs"},
    {"layer_chart", "report", "gain_map", "metrics_page"},
    {"plots", "models_page"},
    {"run_plots", "rejudging"},
    {"run_folder"},
    {"rescoring_request"},
    {"rescoring"},
    {"series"},
    {"series_items"},
    {"series_gains"},
    {"series_analysis"},
    {"series_tables"},
    {"series_findings"},
    {"series_report", "series_drawing"},
    {"series_plots"},
    {"comparison_runs", "comparison_metrics", "latex"},
    {"comparison_sources"},
    {"comparison_checks", "comparison_places"},
    {"comparison"},
    {"comparison_tables", "comparison_plots"},
    {"comparison_report"},
    {"run_state"},
    {"run_record"},
    {"run"},
    {"lab", "validation", "new_task", "verification", "prompt_preview", "leaderboard_page"},
    {"leaderboard"},
    {"cli"},
]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
FACE = {"__init__", "__main__"}  # the public names and `python -m`, above everything
DOORS = {
    "lm_eval": {"harness", "scorers"},  # scorers: ifeval's checkers alone
    "evaluate": {"evaluate_modules", "scorers"},
    "matplotlib": {"plots", "run_plots", "gain_map", "series_drawing", "series_plots", "comparison_plots"},
    "transformers": {"models", "lab", "word_errors"},
    "jiwer": {"word_errors"},
    "tokenizers": {"lab"},
    "peft": {"models", "lab"},
    "soundfile": {"speech"},
    "pocketsphinx": {"speech"},
    "pyarrow": {"records", "lab"},
    "httpx": {"models"},
    "tenacity": {"models"},
}


class Import(NamedTuple):
    """One import: by which module, of which dotted name, on which line; always: not inside a function."""

    by: str
    of: str
    line: int
    always: bool


def modules() -> dict[str, Path]:
    """Dotted name below lsgap_bench -> file."""
    found = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(ROOT.rglob("*.py")) if "_shipped" not in path.parts
    }
    return {name.removesuffix(".__init__"): path for name, path in found.items()}


@cache
def imports() -> tuple[Import, ...]:
    return tuple(_imports())


def _imports() -> Iterator[Import]:
    for name, path in modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        local = {id(inner) for f in _statements(tree) if isinstance(f, ast.FunctionDef) for inner in _statements(f)}
        hinted = {
            id(inner)
            for f in _statements(tree)
            if isinstance(f, ast.If) and "TYPE_CHECKING" in ast.dump(f.test)
            for inner in _statements(f)
        }
        for node in _statements(tree):
            always = id(node) not in local | hinted
            if isinstance(node, ast.Import):
                yield from (Import(name, alias.name, node.lineno, always) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: write the whole name of what is imported"
                yield from (Import(name, f"{node.module}.{alias.name}", node.lineno, always) for alias in node.names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below, at any depth; to walk through their expressions, which import nothing, takes far longer."""
    for part in ("body", "handlers", "orelse", "finalbody", "cases"):
        for inner in getattr(node, part, []):
            yield inner
            yield from _statements(inner)


def own_imports() -> Iterator[tuple[Import, str]]:
    """Imports of the package's own modules, with the module below lsgap_bench that each reaches."""
    known = modules()
    for found in imports():
        if found.of.startswith("lsgap_bench."):
            parts = found.of.split(".")[1:]
            reached = next((".".join(parts[:k]) for k in range(len(parts), 0, -1) if ".".join(parts[:k]) in known), None)
            if reached is not None:
                yield found, reached


def room(module: str) -> str:
    return module.partition(".")[0]


def test_every_room_has_its_place_in_the_order() -> None:
    rooms = {room(module) for module in modules()} - FACE
    assert rooms - RANK.keys() == set(), "give the new room a line in ORDER"
    assert RANK.keys() - rooms == set(), "ORDER names a room that is gone"


def test_imports_run_one_way() -> None:
    wrong = [
        f"{found.by}:{found.line} imports {reached}"
        for found, reached in own_imports()
        if room(found.by) not in FACE and room(found.by) != room(reached) and RANK[room(reached)] >= RANK[room(found.by)]
    ]
    assert wrong == []


def test_no_module_reaches_itself_by_its_imports() -> None:
    graph: dict[str, set[str]] = {}
    for found, reached in own_imports():
        if found.always and found.by != "__init__" and found.by != reached:
            graph.setdefault(found.by, set()).add(reached)
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert order.index("schema") < order.index("observe") < order.index("run")


@pytest.mark.parametrize(("library", "rooms"), DOORS.items())
def test_a_heavy_library_is_imported_behind_its_door_only(library: str, rooms: set[str]) -> None:
    using = {room(found.by) for found in imports() if found.of.split(".")[0] == library}
    assert using
    assert using <= rooms


def test_no_module_names_a_path_of_the_machine_or_of_the_workshop() -> None:
    forbidden = ["/" + "work/", "../" + "shared", "/" + "tmp/", "/" + "home/"]
    for name, path in modules().items():
        text = path.read_text(encoding="utf-8")
        assert not [word for word in forbidden if word in text], name


def test_every_module_opens_with_its_job_in_one_line() -> None:
    for name, path in modules().items():
        first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
        assert first.endswith("."), name
