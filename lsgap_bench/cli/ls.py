"""`lsgap ls tasks|models|metrics|...` (every key of LISTINGS): what there is, as a table or as JSON."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lsgap_bench.errors import UsageError

if TYPE_CHECKING:
    from lsgap_bench.yaml_files import Catalog

Rows = list[dict[str, Any]]
_WIDTH = 110


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("ls", help="list tasks, models, metrics, voices, recognizers ...", description="List what there is.")
    parser.add_argument("what", choices=sorted(LISTINGS), help="what to list")
    parser.add_argument("--include_path", metavar="DIR", action="append", default=[], help="folder with your own task YAML")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(command=command)


def command(asked: argparse.Namespace) -> int:
    """Print the list."""
    if asked.include_path and asked.what not in ("tasks", "variants"):
        from lsgap_bench.plugins import load_plugins

        load_plugins(asked.include_path)
    rows = LISTINGS[asked.what](asked)
    if asked.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    elif asked.what in _SHOWN:
        print(_SHOWN[asked.what](rows))
    else:
        from tabulate import tabulate

        print(tabulate(rows, headers="keys", tablefmt="simple"))
        if asked.what == "models":
            print("\nWhich architectures and checkpoints hf-speech runs, and how each is tested: docs/models.md.")
        if asked.what == "interventions":
            from lsgap_bench.schema import CONTROLS

            print("\nAfter any of them, a control: " + "; ".join(f"={name} ({what})" for name, what in CONTROLS.items()) + ".")
        if asked.what == "scorers":
            from lsgap_bench.scorers.evaluate_metric import FORMS

            print(f"\nBesides them, a metric of Hugging Face evaluate: {FORMS}.")
    return 0


def _tasks(asked: argparse.Namespace) -> Rows:
    from lsgap_bench.yaml_files import read_catalog

    catalog = read_catalog(asked.include_path)
    if catalog.problems:
        raise UsageError(catalog.problems[0])
    rows = [
        {
            "name": file.name,
            "kind": file.kind,
            "answers": _count(file.members) if file.kind == "group" else file.config.get("output_type", "generate_until"),
            "items": file.items if file.kind == "task" else _sum_of(catalog, file.name),
            "scorer": file.config.get("scorer", ""),
            "file": file.path.name,
        }
        for file in catalog.files
    ]
    rows += [
        {"name": tag, "kind": "tag", "answers": _count(tasks), "items": _sum_of(catalog, tag), "scorer": "", "file": ""}
        for tag, tasks in catalog.tags.items()
    ]
    return sorted(rows, key=lambda row: (row["kind"], row["name"]))


def _sum_of(catalog: Catalog, name: str) -> int | None:
    """The items of all tasks in a group or tag; None where one of them does not declare its number."""
    reached = catalog.expand([name])
    tasks = [file.items for file in catalog.files if file.kind == "task" and file.name in reached]
    known = [items for items in tasks if items is not None]
    return sum(known) if known and len(known) == len(tasks) else None


def _count(members: list[str]) -> str:
    return f"{len(members)} tasks"


def _models(asked: argparse.Namespace) -> Rows:
    from lsgap_bench.registry import models

    return [{"name": name, "what it runs": _first_line(models[name])} for name in models]


def _metrics(asked: argparse.Namespace) -> Rows:
    from lsgap_bench.registry import metrics

    return [
        {
            "name": name,
            "from": metrics[name].needs,
            "unit": metrics[name].unit,
            "range": metrics[name].bounds,
            "better": metrics[name].direction,
            "what it is": metrics[name].summary,
            "formula": metrics[name].formula,
            "null": metrics[name].null,
            "pitfalls": metrics[name].pitfalls,
            "source": metrics[name].source,
        }
        for name in metrics
    ]


def _metric_paragraphs(rows: Rows) -> str:
    """About 110 columns: every fact of every metric, as on docs/metrics.md."""

    def fact(name: str, text: str) -> str:
        return textwrap.fill(text, _WIDTH, initial_indent=f"  {name:12}", subsequent_indent=" " * 14)

    return "\n\n".join(
        "\n".join(
            [
                row["name"],
                *(fact(name, row[name]) for name in ("what it is", "formula") if row[name]),
                fact("value", f"{row['unit']}; {row['range']}; better: {row['better']}; from {row['from']}"),
                *(fact(name, row[name]) for name in ("null", "pitfalls", "source") if row[name]),
            ]
        )
        for row in rows
    )


def _protocols(asked: argparse.Namespace) -> Rows:
    from lsgap_bench.protocols import PROTOCOLS

    return [
        {
            "name": protocol.name,
            "summary": protocol.summary,
            "tasks": list(protocol.tasks),
            "metrics": list(protocol.metrics),
            "conditions": list(protocol.conditions),
            "choices": [vars(choice) | {"default": choice.default, "fixed": fixed} for choice, fixed in protocol.choices_in_full()],
        }
        for protocol in PROTOCOLS.values()
    ]


def _protocol_tables(rows: Rows) -> str:
    """About 110 columns: what each protocol fixes, then every choice with its values, the default first."""
    from tabulate import tabulate

    free = "as the run says"
    parts = [["", *(row["name"] for row in rows)], ["what it is", *(row["summary"] for row in rows)]]
    parts += [[what, *("\n".join(row[what]) or free for row in rows)] for what in ("tasks", "metrics", "conditions")]
    parts.append(["choices", *("each at its default" if any(c["fixed"] for c in row["choices"]) else free for row in rows)])
    choices = [[c["name"], "\n".join(c["values"]), c["paper"], c["meaning"]] for c in rows[0]["choices"]]
    head, *body = parts
    return "\n\n".join(
        [
            tabulate(body, head, "simple", maxcolwidths=[None, 34, 60]),
            "Every choice that a number depends on, the default first (`lsgap run --choice NAME=VALUE` where there are several)",
            tabulate(choices, ["choice", "values", "paper", "meaning"], "simple", maxcolwidths=[None, None, None, 60]),
        ]
    )


def _interventions(asked: argparse.Namespace) -> Rows:
    from lsgap_bench.registry import interventions

    return [{"name": name, "paper": interventions[name].source, "what it does": interventions[name].summary} for name in interventions]


def _effects(asked: argparse.Namespace) -> Rows:
    from inspect import Parameter

    from lsgap_bench.registry import effects

    def shown(keys: Any) -> str:
        return ", ".join(key if default is Parameter.empty else f"{key} ({default})" for key, default in keys.items())

    return [{"name": name, "keys (default)": shown(effects[name].keys), "what it does": effects[name].summary} for name in effects]


def _variants(asked: argparse.Namespace) -> Rows:
    from lsgap_bench.variants import SHIPPED
    from lsgap_bench.yaml_files import read_catalog

    def shown(given: Any) -> str:
        return ", ".join(f"{key}: {value}" for key, value in given.items())

    own = [
        {"condition": f"speech={name}", "task": file.name, "what is done to the clip": shown(given)}
        for file in read_catalog(asked.include_path).files
        for name, given in (file.config.get("variants") or {}).items()
    ]
    return [
        {"condition": f"speech={name}", "task": "every one", "what is done to the clip": shown(of)} for name, of in SHIPPED.items()
    ] + own


def _scorers(asked: argparse.Namespace) -> Rows:
    from lsgap_bench.registry import scorers

    return [{"name": name, "what it does": _first_line(scorers[name])} for name in scorers]


def _judges(asked: argparse.Namespace) -> Rows:
    from lsgap_bench.registry import judges

    return [{"name": name, "what it is": _first_line(judges[name])} for name in judges]


def _voices(asked: argparse.Namespace) -> Rows:
    from lsgap_bench.registry import voices

    return [{"engine": name, "what it is": _first_line(voices[name])} for name in voices]


def _recognizers(asked: argparse.Namespace) -> Rows:
    from lsgap_bench.registry import recognizers

    return [{"name": name, "what it is": _first_line(recognizers[name])} for name in recognizers]


def _first_line(thing: Callable[..., Any]) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]


LISTINGS: dict[str, Callable[[argparse.Namespace], Rows]] = {
    "tasks": _tasks,
    "models": _models,
    "metrics": _metrics,
    "protocols": _protocols,
    "interventions": _interventions,
    "effects": _effects,
    "variants": _variants,
    "scorers": _scorers,
    "judges": _judges,
    "voices": _voices,
    "recognizers": _recognizers,
}

_SHOWN: dict[str, Callable[[Rows], str]] = {"metrics": _metric_paragraphs, "protocols": _protocol_tables}
"""Listings that are more than a table of one line a row."""
