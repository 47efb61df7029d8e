"""The meeting point with lm-eval, and the only room that imports it: paired tasks, the LM face, task loading, the evaluation loop."""

from lsgap_bench.harness.evaluation import PairedLM, harness_table, left_out, pairs_of, run_harness
from lsgap_bench.harness.hub import hub_asked
from lsgap_bench.harness.loading import Loaded, build_tasks, load_tasks
from lsgap_bench.harness.paired_task import PairedTask

__all__ = [
    "Loaded",
    "PairedLM",
    "PairedTask",
    "build_tasks",
    "harness_table",
    "hub_asked",
    "left_out",
    "load_tasks",
    "pairs_of",
    "run_harness",
]
