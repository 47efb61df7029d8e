"""A user's file with the class `Adapter`: imported, called, and known again by its code, its arguments and its weights."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lsgap_bench.errors import UsageError, with_kind
from lsgap_bench.models.loading import digest
from lsgap_bench.registry import code_hash

SAMPLED = 64  # values of each weight tensor that its hash is made of


@dataclass(frozen=True)
class Found:
    """What a file defines. description: the `system` entry of a record."""

    adapter: Any
    description: Mapping[str, Any]


def adapter_in(path: str, device: str | None, arguments: Mapping[str, Any]) -> Found:
    """The class `Adapter` of a file, called with the arguments, and with the device where it takes one. UsageError for what fails."""
    module = _imported(Path(path))
    made = getattr(module, "Adapter", None)
    if made is None:
        raise UsageError(f"path={path} defines no class Adapter; docs/own_model.md shows one")
    given = dict(arguments)
    if "device" in inspect.signature(made).parameters:
        given["device"] = device or ("cuda" if torch.cuda.is_available() else "cpu")
    adapter = made(**given)
    return Found(adapter, _description(adapter, getattr(adapter, "name", Path(path).stem), code_hash(module), _told(arguments)))


def _description(adapter: Any, name: str, code: str, arguments: str) -> dict[str, Any]:
    tensors, main = _tensors(adapter), getattr(adapter, "language_model", None)
    return {
        "name": name,
        "kind": "lslm",
        "pretrained": arguments or name,
        "revision": None,
        "architecture": type(main or adapter).__name__,
        "dtype": None if main is None else str(next(main.parameters()).dtype).removeprefix("torch."),
        "parameters": sum(tensor.numel() for tensor in tensors.values()) or None,
        "weights": digest(code, arguments, _hash(tensors)),
    }


def _tensors(adapter: Any) -> dict[str, Tensor]:
    """Whatever an adapter keeps in attributes: tensors, modules, tables of tensors."""
    found: dict[str, Tensor] = {}
    for name, value in sorted(vars(adapter).items()):
        table = value.state_dict() if isinstance(value, nn.Module) else value if isinstance(value, Mapping) else {"": value}
        found |= {f"{name} {key}": tensor for key, tensor in table.items() if isinstance(tensor, Tensor)}
    return found


def _hash(tensors: Mapping[str, Tensor]) -> str:
    """Changes with training: of some values, spread evenly over each tensor."""
    total = hashlib.sha256()
    for name, tensor in tensors.items():
        flat = tensor.detach().flatten()
        total.update(f"{name} {tuple(tensor.shape)}".encode())
        if flat.numel():
            places = torch.linspace(0, flat.numel() - 1, SAMPLED, dtype=torch.float64, device=flat.device).long()
            total.update(flat[places].double().cpu().numpy().tobytes())
    return total.hexdigest()


def _told(arguments: Mapping[str, Any]) -> str:
    """The arguments as a record may show them: of a path its last part."""
    return ", ".join(f"{key}={Path(str(value)).name if Path(str(value)).exists() else value}" for key, value in arguments.items())


def _imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"lsgap_adapter:{path.resolve()}", path.resolve()) if path.is_file() else None
    if spec is None or spec.loader is None:
        raise UsageError(f"path={path} is no Python file; give the one that defines the class Adapter")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"path={path} cannot be imported ({with_kind(error)}); correct the file") from error
    return module
