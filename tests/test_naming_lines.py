"""The names in YAML files, read from a few of their lines: always those that lm-eval finds by parsing all of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from lm_eval.tasks import TaskManager

from lsgap_bench.harness.index import own_index, task_index
from lsgap_bench.naming_lines import naming_keys

FILES = {
    "a_plain.yaml": "task: plain\ndataset_path: json\nmetadata: {version: 1}\n",
    "b_quoted.yaml": "\"task\" : 'quoted'  # a comment\ntag:\n- one\n\n#\n- two\ndescription: |\n  task: not this\n\n  group: nor this\n",
    "c_group.yaml": "group: everything\ntask:\n  - plain\n  - group: inner\n    task: [quoted]\nmetadata:\n  task: unused\n",
    "d_python.yaml": "task: python\nclass: !function here.Task\n",
    "e_base": "tag: [inherited]\ntask: base\ntask_list: [unknown]\n",
    "f_own_name.yaml": "include: e_base\ntask: derived\n",
    "g_base_name.yaml": "include: e_base\n",
    "h/over.yaml": "include: [../e_base, ../a_plain.yaml]\ntag: over\n",
    "i_again.yaml": "task: plain\ntag: lost\n",
    "j_circle.yaml": "task: circle\ninclude: k_circle.yaml\n",
    "k_circle.yaml": "include: j_circle.yaml\n",
    "l_twice.yaml": "task: twice\ninclude: [e_base, e_base]\n",
    "m_missing.yaml": "task: missing\ninclude: nothing.yaml\n",
    "n_alias.yaml": "doc_to_text: &words aliased\ntask: *words\n",
    "o_nothing.yaml": "dataset_path: json\n",
    "p_bytes.yaml": "task: ümläut\n",
    "q_flow.yaml": "{task: flowing, tag: [one]}\n",
    "r_list.yaml": "- task\n",
    "s_empty.yaml": "",
    "__pycache__/t.yaml": "task: compiled\n",
    "u_members.yaml": "task: [plain, quoted]\n",
}


def shown(index: Mapping[str, Any]) -> dict[str, Any]:
    return {name: (entry.kind, entry.yaml_path, entry.tags) for name, entry in index.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_index_is_that_of_lm_eval_for_every_kind_of_file(folder: Path) -> None:
    theirs = shown(TaskManager(include_path=folder, include_defaults=False).task_index)
    assert {"plain", "quoted", "everything", "python", "inherited", "derived", "base", "aliased", "flowing"} <= theirs.keys()
    assert list(shown(task_index(folder)).items()) == list(theirs.items())


def test_a_file_that_lm_eval_drops_names_nothing(folder: Path) -> None:
    names = {str(keys.get("task")) for keys in naming_keys(folder).values()}
    assert names.isdisjoint({"circle", "twice", "missing", "compiled"})


@pytest.mark.slow
def test_the_index_of_its_own_tasks_is_that_of_lm_eval() -> None:
    assert list(shown(own_index()).items()) == list(shown(TaskManager().task_index).items())
