"""Both modules as a user meets them: a fresh machine without a network, and no cache of an earlier time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import socket

def refuse(*address):
    raise OSError("the network was asked")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import evaluate
import lsgap_bench

for time in range(2):
    gap = evaluate.load(lsgap_bench.evaluate_module("modality_gap"))
    print(gap.compute(text_scores=[1, 0, 1, 1], speech_scores=[1, 0, 0, 0])["modality_gap"])
    aps = evaluate.load(lsgap_bench.evaluate_module("alignment_path_score"))
    print(aps.compute(speech_states=[[[0.0, 1.0]]], text_states=[[[0.0, 2.0]]])["alignment_path_score"])
"""


@pytest.mark.slow
def test_the_modules_load_offline_from_another_folder_with_an_empty_cache_and_again(tmp_path: Path) -> None:
    environment = {**os.environ, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["50.0", "1.0"] * 2
