"""`lsgap verify MODEL`: whether a model is run soundly in both modalities, in a minute, before anything is measured."""

from __future__ import annotations

import argparse
import inspect
import json
import textwrap
from typing import Any

from lsgap_bench.cli.arguments import pairs
from lsgap_bench.errors import UsageError

_WIDTH = 110
CLEAR = "Nothing speaks against measuring this model."


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "verify",
        help="check in a minute that a model is run soundly in both modalities",
        description="Prompts, speech positions, hearing, batches against single items and hooks of a model, on a few embedded items.",
    )
    add = parser.add_argument
    add("pretrained", metavar="MODEL", nargs="?", help="hub id or folder, a name on its server; nothing where --model_args say it")
    add("--model", metavar="NAME", default="hf-speech", help="adapter (default hf-speech); see `lsgap ls models`")
    add("--model_args", metavar="K=V,...", help="for the adapter, such as dtype=bfloat16")
    add("--device", metavar="NAME", help="cpu, cuda, cuda:1 ... (default: CUDA where there is one)")
    add("--json", action="store_true", help="as JSON")
    parser.set_defaults(command=command)


def command(asked: argparse.Namespace) -> int:
    """Print a line per guard; exit status 1 when one failed."""
    from lsgap_bench.models.adapter import where
    from lsgap_bench.registry import models
    from lsgap_bench.systems import make
    from lsgap_bench.verification import embedded_items, verify

    if asked.pretrained is None and not asked.model_args:
        raise UsageError("required: MODEL, a hub id or a folder, or --model_args that say what to load")
    factory = models[asked.model]
    first = next(iter(inspect.signature(factory).parameters), "pretrained")  # an adapter's first argument says which model
    given = {} if asked.pretrained is None else {first: asked.pretrained}
    model = make(factory, {**given, **pairs(asked.model_args or "", "--model_args")}, "--model_args", asked.device, "models")
    found = verify(model, embedded_items(model))
    failed = [finding.name for finding in found if finding.passed is False]
    if asked.json:
        print(json.dumps({"system": dict(model.info), "findings": [vars(finding) for finding in found]}, indent=2, ensure_ascii=False))
    else:
        facts = (model.name, model.info.get("architecture"), model.info.get("dtype"), f"on {where(model)}")
        print(", ".join(str(fact) for fact in facts if fact) + "\n")
        for finding in found:
            print(_shown({True: "passed", False: "FAILED", None: "-"}[finding.passed], finding.name, finding.figure))
            if finding.advice:
                print(_shown("", "", finding.advice))
        closing = f"{len(failed)} guard{'s' * (len(failed) > 1)} failed: do not measure this model before." if failed else CLEAR
        print(f"\n{closing}")
    return 1 if failed else 0


def _shown(verdict: str, name: str, text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=f"{verdict:8}{name:29}", subsequent_indent=" " * 37)
