"""A wheel built from this tree works elsewhere: it finds the tasks, the demo model and the page template."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder of its own, as an installer would lay it out."""
    made, target = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)], cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(made.glob("*.whl"))) as wheel:
        wheel.extractall(target)
    return target


def run_lsgap(installed: Path, folder: Path, *arguments: str) -> str:
    """`lsgap ARGUMENTS` in `folder`, with the wheel's files and nothing of the source tree; its standard output."""
    # an editable install of the source tree comes after PYTHONPATH, so the wheel wins
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run([sys.executable, "-m", "lsgap_bench", *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_tasks_the_model_and_the_template_and_no_tests(installed: Path) -> None:
    files = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert "lsgap_bench/_shipped/tasks/lsgap_mini/sizes.yaml" in files
    assert "lsgap_bench/_shipped/tasks/lsgap_mini/data/sizes.parquet" in files
    assert "lsgap_bench/lab/demo_model/model.safetensors" in files
    assert "lsgap_bench/_shipped/leaderboard/template/page.html.j2" in files
    for module in ("modality_gap", "alignment_path_score"):
        assert {f"lsgap_bench/evaluate_modules/{module}/{name}" for name in (f"{module}.py", "README.md")} <= files
    assert not any(name.startswith("tests/") for name in files)


@pytest.mark.slow
def test_an_installed_wheel_runs_the_demo_and_builds_a_leaderboard_outside_the_source_tree(installed: Path, tmp_path: Path) -> None:
    assert "lsgap_mini_sizes" in run_lsgap(installed, tmp_path, "ls", "tasks")
    run_lsgap(
        installed, tmp_path, "run", "--tasks", "lsgap_mini_sizes", "--limit", "3", "--conditions", "text,speech", "--output_path", "run"
    )
    run_lsgap(installed, tmp_path, "leaderboard", "add", "run")
    assert "demo" in run_lsgap(installed, tmp_path, "leaderboard", "build")
    assert (tmp_path / "leaderboard" / "site" / "index.html").is_file()
