"""A copy of hlt-lab/voicebench in small, of exactly the hub's form: a folder per configuration, a parquet file per split, a README that
names them; and stand-ins for its scorers as long as they are not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from made_tasks import wav

from lsgap_bench.registry import scorer, scorers
from lsgap_bench.schema import Verdict

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
TEXT = pa.string()
_NUMBER, _LIST = pa.int64(), pa.list_(pa.string())
_IFEVAL = {"key": _NUMBER, "instruction_id_list": _LIST, "kwargs": pa.list_(pa.struct([("num_words", _NUMBER), ("keywords", _LIST)]))}
DOMAINS = [
    "biology",
    "business",
    "chemistry",
    "economics",
    "engineering",
    "health",
    "history",
    "law",
    "other",
    "philosophy",
    "physics",
    "psychology",
]
ACCENTS = ["aus", "gbr", "ind_n", "ind_s", "irl", "kenya", "nga", "nzl", "phl", "usa", "zaf"]
VOICES = [f"en_{voice}_0.0_0.0" for voice in ["AU_Wavenet_A_1.0", "AU_Wavenet_B_1.0", "GB_Wavenet_A_1.0", "GB_Wavenet_B_1.0"]]
VOICES += [f"en_{voice}_0.0_0.0" for voice in ["IN_Wavenet_A_1.0", "IN_Wavenet_B_1.0", "US_Wavenet_A_0.5", "US_Wavenet_A_1.0"]]
VOICES += [f"en_{voice}_0.0_0.0" for voice in ["US_Wavenet_A_1.5", "US_Wavenet_A_2.0", "US_Wavenet_C_1.0"]]
# configuration -> its splits, and its columns beside audio and prompt
FORM: Mapping[str, tuple[list[str], dict[str, Any]]] = {
    **dict.fromkeys(("alpacaeval", "alpacaeval_full", "commoneval", "wildvoice", "advbench", "mtbench"), (["test"], {})),
    "openbookqa": (["test"], {"reference": TEXT}),
    "mmsu": (DOMAINS, {"reference": TEXT}),
    "bbh": (["test"], {"reference": TEXT, "id": TEXT}),
    "ifeval": (["test"], _IFEVAL),
    "sd-qa": (ACCENTS, {"reference": TEXT}),
    "alpacaeval_speaker": (VOICES, {}),
}
NEW_NAMES = "voicebench_mcq voicebench_harm voicebench_bbh voicebench_ifeval voicebench_qa robust_mcq robust_harm robust_bbh contains f1"


def register_missing_scorers() -> None:
    """A rule by each name that the shipped tasks use and this version lacks: right where the answer is the target."""
    for name in NEW_NAMES.split():
        if name not in scorers:
            scorer(name)(_same)
    if "voicebench_open" not in scorers:
        scorer("voicebench_open", needs_target=False)(_half)


def _same(response: str, item: Mapping[str, Any]) -> Verdict:
    right = response.strip() == str(item["target"])
    return Verdict(response, float(right), right, extracted=True)


def _half(response: str, item: Mapping[str, Any]) -> Verdict:
    return Verdict(response, 0.5, None, extracted=True)


def voicebench(data: Path, rows: int = 2, clip: bytes | None = None, config: str | None = None) -> Path:
    """Write DATA/hlt-lab/voicebench with `rows` rows in each split; returns DATA. config: this one alone. clip: for every row."""
    folder = data / "hlt-lab" / "voicebench"
    forms = {name: form for name, form in FORM.items() if config in (None, name)}
    for name, (splits, columns) in forms.items():
        (folder / name).mkdir(parents=True)
        for split in splits:
            schema = pa.schema({"audio": AUDIO, "prompt": TEXT, **columns})
            table = pa.Table.from_pylist([_row(name, columns, k, clip or wav(0.3)) for k in range(rows)], schema=schema)
            pq.write_table(table, folder / name / f"{split}-00000-of-00001.parquet")
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(_card(forms), sort_keys=False)}---\n", encoding="utf-8")
    return data


def _row(config: str, columns: Mapping[str, Any], k: int, clip: bytes) -> dict[str, Any]:
    known = {
        "reference": {"bbh": "Yes", "sd-qa": f"answer {k}"}.get(config, "ABCD"[k % 4]),
        "id": f"navigate_{k}",
        "key": 1000 + k,
        "instruction_id_list": ["keywords:existence", "length_constraints:number_words"][: k + 1],
        "kwargs": [{"num_words": None, "keywords": ["tide"]}, {"num_words": 40, "keywords": None}][: k + 1],
    }
    return {"audio": {"bytes": clip, "path": f"{k}.wav"}, "prompt": f"question {k}", **{name: known[name] for name in columns}}


def _card(forms: Mapping[str, tuple[list[str], dict[str, Any]]]) -> dict[str, Any]:
    """The head of the README, of which datasets learns what there is."""
    features = {name: [{"name": "audio", "dtype": "audio"}, {"name": "prompt", "dtype": "string"}] for name in forms}
    for name, (_, columns) in forms.items():
        features[name] += [{"name": column, "dtype": "string"} for column, kind in columns.items() if kind == TEXT]
    information = [{"config_name": name, "features": of} for name, of in features.items() if name != "ifeval"]
    files = [
        {"config_name": name, "data_files": [{"split": split, "path": f"{name}/{split}-*"} for split in splits]}
        for name, (splits, _) in forms.items()
    ]
    return {"license": "apache-2.0", "dataset_info": information, "configs": files}
