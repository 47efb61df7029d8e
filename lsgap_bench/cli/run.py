"""`lsgap run`: evaluate a model; without arguments the embedded model on the embedded tasks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lsgap_bench.braces import split
from lsgap_bench.cli.arguments import names, pairs
from lsgap_bench.errors import UsageError, did_you_mean

LISTS = ("tasks", "include_path", "conditions", "metrics", "systems")
MAPPINGS = ("model_args", "base_args", "recognizer_args", "judge_args", "gen_kwargs", "choice", "tag")
NUMBERS = ("limit", "seed", "num_fewshot")
FLAGS = ("resume", "skip_bad_items")


def add_parser(commands: Any) -> None:
    """Declare the command. Every default is None, so that a --config file can be told apart from the command line."""
    parser = commands.add_parser(
        "run",
        help="evaluate a model; without arguments the embedded one",
        description="Evaluate a speech language model on paired tasks. Without arguments: the embedded model on the embedded tasks.",
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add("--model", metavar="NAME", help="adapter (default hf-speech); see `lsgap ls models`")
    add("--model_args", metavar="K=V,...", help="for the adapter, such as pretrained=Qwen/Qwen2-Audio-7B-Instruct,dtype=bfloat16")
    add("--systems", metavar="A,B", help="base,cascade,lslm: the text model and recognizer + text model beside it (default lslm)")
    add("--base", metavar="NAME", help="adapter of the text model (default hf-text)")
    add("--base_args", metavar="K=V,...", help="for it, such as pretrained=Qwen/Qwen2.5-7B-Instruct")
    add("--recognizer", metavar="NAME", help="of the cascade and of text=transcript (default hf-asr); see `lsgap ls recognizers`")
    add("--recognizer_args", metavar="K=V,...", help="for it, such as pretrained=openai/whisper-large-v3,language=en")
    add("--tasks", metavar="A,B", help="tasks, groups, tags or YAML files (default lsgap_mini)")
    add("--include_path", metavar="DIR", action="append", help="folder with your own task YAML; may be given again")
    add(
        "--conditions",
        metavar="A,B",
        nargs="+",
        help="text, speech, speech+PLUGIN:SELECTION@LAYER ... (default text,speech)\n"
        "a grid in braces: speech+{angle_projection,length_normalization}:{bottom3,all}@{0,1,all}\n"
        "text controls: text=spoken_form (as the voice was given it), text=transcript (as --recognizer hears it)\n"
        "variants of the clip: speech={noise10,babble0,fast,telephone}; see `lsgap ls variants`\n"
        "controls: =wrong_transcript or =random_direction after an intervention",
    )
    add("--metrics", metavar="A,B", help="metric plug-ins (default all); `none` for answers only")
    add("--protocol", metavar="NAME", help="emnlp2025: the paper's own tasks, metrics, conditions and choices; see `lsgap ls protocols`")
    add("--choice", metavar="K=V,...", help="single choices, such as layers=0..L; see `lsgap ls protocols`")
    add("--judge", metavar="NAME", help="gives the verdicts that a scorer needs a judge for (default none); see `lsgap ls judges`")
    add("--judge_args", metavar="K=V,...", help="for it, such as model=gpt-4o-mini-2024-07-18,votes=3,price_input=0.15,price_output=0.6")
    add("--limit", metavar="N", help="at most N items of each task")
    add("--batch_size", metavar="N|auto", help="items per forward (default auto)")
    add("--output_path", metavar="DIR", help="run folder (default ./lsgap_results/MODEL-FINGERPRINT)")
    add("--resume", action=argparse.BooleanOptionalAction, default=None, help="go on where a run stopped (default)")
    add("--seed", metavar="N", help="of partners, random selections, sampling (default 0)")
    add("--device", metavar="D", help="cpu, cuda, cuda:1 ... (default CUDA where there is one)")
    add("--gen_kwargs", metavar="K=V,...", help="max_new_tokens, until, do_sample, temperature, top_p; over the tasks' own")
    add("--system_instruction", metavar="S", help="system turn, for both modalities")
    add("--num_fewshot", metavar="N", help="refused unless 0: spoken questions would get written examples")
    add("--long_clips", metavar="POLICY", help="refuse, skip or truncate clips longer than the model hears (default refuse)")
    add(
        "--skip_bad_items",
        action="store_true",
        default=None,
        help="leave out items that cannot be used, such as a clip that is silent or a row without a target, and count them",
    )
    add("--tag", metavar="K=V,...", help="free labels in the record, such as run=a,step=2000")
    add("--dry_run", action="store_true", help="check all input, say what the run would cost, and stop")
    add("--config", metavar="FILE", help="YAML with any of these options; the command line wins")
    parser.set_defaults(command=command)


def command(asked: argparse.Namespace) -> int:
    """Run, print the tables, say where everything is."""
    arguments = settings_from(asked)
    from lsgap_bench.run import dry_run, evaluate

    if asked.dry_run:
        print(dry_run(**arguments).table())
        return 0
    evaluation = evaluate(**arguments)
    if evaluation.record.tasks:
        print(evaluation.table())
    if evaluation.record.text_tasks:
        from lsgap_bench.harness import harness_table

        print(f"Text tasks of lm-eval, on the written side alone\n{harness_table(evaluation.results, evaluation.record.text_tasks)}")
    print(f"\nRun folder: {evaluation.folder}")
    return 0


def settings_from(asked: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `evaluate`, from the command line over --config. UsageError names what is wrong."""
    options = {k: v for k, v in vars(asked).items() if k not in ("command", "config", "dry_run")}
    given = {k: v for k, v in options.items() if v is not None}
    wanted = {**_config(asked.config, options), **given}
    chosen = {key: _value(value, key) for key, value in wanted.items() if value is not None}
    if chosen.pop("num_fewshot", 0):
        raise UsageError("--num_fewshot is refused, because spoken questions would get written examples; leave it out")
    if chosen.get("metrics") == ["none"]:
        chosen["metrics"] = []
    chosen["tags"], chosen["choices"] = chosen.pop("tag", {}), chosen.pop("choice", {})
    chosen.setdefault("output_path", "auto")
    return chosen


def _config(path: str | None, options: dict[str, Any]) -> dict[str, Any]:
    if path is None:
        return {}
    from lsgap_bench.yaml_files import read_yaml

    config = read_yaml(Path(path))
    for key in config:
        if key not in options:
            raise UsageError(f"{path}: no option is called '{key}'; {did_you_mean(str(key), options)}")
    return config


def _value(value: Any, key: str) -> Any:
    """An option's value in the form that `evaluate` takes; UsageError for a value of another kind."""
    if key in LISTS:
        return _listed(value, key)
    if key in MAPPINGS:
        found = pairs(value, f"--{key}") if isinstance(value, str) else value
        if not isinstance(found, dict):
            raise UsageError(f"--{key} {value!r} is no list of key=value; write for example --{key} key=value,other=value")
        return found
    if key in NUMBERS:
        return _number(value, key)
    if key in FLAGS:
        if not isinstance(value, bool):
            raise UsageError(f"--{key} {value!r} is neither true nor false; write one of the two")
        return value
    return str(value)


def _listed(value: Any, key: str) -> list[str]:
    entries = value if isinstance(value, list) else [value]
    if any(not isinstance(entry, str) for entry in entries):
        raise UsageError(f"--{key} {value!r} is no list of names; write for example {key}: [a, b]")
    parts = split if key == "conditions" else names
    found = list(entries) if key == "include_path" else [name for entry in entries for name in parts(entry)]
    if not found:
        raise UsageError(f"--{key} names nothing; write a name, or leave the option out")
    return found


def _number(value: Any, key: str) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise UsageError(f"--{key} {value!r} is no whole number; write for example --{key} 10") from None
