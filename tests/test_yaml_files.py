"""Task files on disk: what is found, how includes are merged, what is wrong with a file, and which names a name reaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsgap_bench.errors import UsageError
from lsgap_bench.resources import resource
from lsgap_bench.yaml_files import merged, read_catalog, read_yaml, task_folders


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_own_keys_win_over_included_ones_and_later_includes_over_earlier_ones(tmp_path: Path) -> None:
    write(tmp_path / "base/a.yaml", "x: a\ny: a\nz: a\n")
    write(tmp_path / "base/b.yaml", "y: b\nz: b\n")
    top = write(tmp_path / "top.yaml", "include: [base/a.yaml, base/b.yaml]\nz: top\n")
    assert merged(top) == {"x": "a", "y": "b", "z": "top"}


def test_an_include_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    write(tmp_path / "deep/leaf.yaml", "x: 1\n")
    write(tmp_path / "deep/base.yaml", "include: leaf.yaml\n")
    assert merged(write(tmp_path / "top.yaml", "include: deep/base.yaml\n")) == {"x": 1}


@pytest.mark.parametrize("names", ["a", "ab", "abc"])
def test_a_circle_of_includes_is_told_whole(tmp_path: Path, names: str) -> None:
    for name, following in zip(names, names[1:] + names[0], strict=True):
        write(tmp_path / f"{name}.yaml", f"include: {following}.yaml")
    circle = " -> ".join(f"{name}.yaml" for name in [*names, "a"])
    with pytest.raises(UsageError, match=rf"a.yaml: include: '{names[1:2] or 'a'}.yaml' goes in a circle \({circle}\)"):
        merged(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: [2\n", r"x\.yaml, line 2: malformed YAML"),
        ("a: 1\n  b: 2\n", r"x\.yaml, line 2: malformed YAML"),
        ("a: 1\nb: !thing 2\n", r"x\.yaml, line 2: malformed YAML \(could not determine a constructor"),
        ("", "holds nothing"),
        ("- a\n", "holds list"),
        ("words", "holds str"),
    ],
)
def test_a_file_that_is_no_mapping_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_yaml(write(tmp_path / "x.yaml", text))


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(UsageError, match=r"x\.yaml: this is no UTF-8 text"):
        read_yaml(tmp_path / "x.yaml")
    with pytest.raises(UsageError, match=r"y\.yaml: cannot be read \(No such file"):
        read_yaml(tmp_path / "y.yaml")


def test_the_catalog_tells_tasks_groups_and_files_for_including_apart(tmp_path: Path) -> None:
    write(tmp_path / "base.yaml", "tag: [t, u]\nscorer: exact\n")
    write(tmp_path / "a.yaml", "include: base.yaml\ntask: a\n")
    write(tmp_path / "b.yaml", "include: base.yaml\ntask: b\ntag: t\n")
    write(tmp_path / "g.yaml", "group: g\ntask: [a, {task: b, limit: 1}, {group: inline, task: [c]}, {task: d, dataset_path: json}]\n")
    write(tmp_path / "__pycache__/old.yaml", "task: [malformed\n")
    catalog = read_catalog([tmp_path])
    own = {f.name: f for f in catalog.files if tmp_path.resolve() in f.path.parents}
    assert {name: f.kind for name, f in own.items()} == {"a": "task", "b": "task", "g": "group"}
    assert own["a"].config == {"tag": ["t", "u"], "scorer": "exact", "task": "a"}
    assert own["g"].members == ["a", "b", "c"]  # d is written out in the group
    assert {tag: catalog.tags[tag] for tag in ("t", "u")} == {"t": ["a", "b"], "u": ["a"]}
    assert list(catalog.expand(["u", "g"])) == ["u", "g", "a", "b", "c"]
    assert catalog.expand(["g"])["c"] == own["g"].path
    assert catalog.problems == ()


def test_every_broken_file_and_every_double_name_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "task: a\n")
    write(tmp_path / "b.yaml", "task: a\n")
    write(tmp_path / "c.yaml", "task: [\n")
    write(tmp_path / "d.yaml", "include: gone.yaml\n")
    problems = read_catalog([tmp_path]).problems
    assert len(problems) == 3
    assert sum("malformed YAML" in p for p in problems) == 1
    assert sum("'gone.yaml' is not there" in p for p in problems) == 1
    assert sum("'a' is also defined in" in p for p in problems) == 1


def test_a_folder_given_twice_or_inside_another_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert task_folders([tmp_path, tmp_path / "in", tmp_path, resource("tasks") / "lsgap_mini"]) == [
        resource("tasks").resolve(),
        tmp_path.resolve(),
    ]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"include_path .*nowhere is no folder"):
        task_folders([tmp_path / "nowhere"])


def test_the_shipped_task_files_have_no_problem_and_unique_names() -> None:
    catalog = read_catalog()
    assert catalog.problems == ()
    assert {"lsgap_mini", "lsgap_mini_sizes"} <= catalog.names
