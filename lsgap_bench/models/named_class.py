"""A user's own classes by name, `my_module:MyModel`, in the place of transformers' automatic ones."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import transformers

from lsgap_bench.errors import UsageError, did_you_mean, with_kind
from lsgap_bench.registry import code_of

_hub: Any = transformers  # largely untyped
MODEL_NEEDS = ("from_pretrained", "get_decoder", "get_output_embeddings")
PROCESSOR_NEEDS = ("from_pretrained", "apply_chat_template")


@dataclass(frozen=True)
class Own:
    """The classes to load a checkpoint with, as MODULE:CLASS; None: transformers' own. UsageError on use for what cannot be loaded."""

    load: str | None = None
    load_processor: str | None = None

    @property
    def model_class(self) -> Any:
        """The model's class, or None."""
        return None if self.load is None else class_called(self.load, "load", MODEL_NEEDS)

    @property
    def config_class(self) -> Any:
        """The class of its configuration, or None where it names none."""
        return getattr(self.model_class, "config_class", None)

    def load_whole(self, pretrained: str, **arguments: Any) -> Any:
        """The model, from a checkpoint that has all of its weights. UsageError where some are missing, which would stay random."""
        if not issubclass(self.model_class, _hub.PreTrainedModel):
            return self.model_class.from_pretrained(pretrained, **arguments)
        model, found = self.model_class.from_pretrained(pretrained, **arguments, output_loading_info=True)
        if missing := sorted(found["missing_keys"]):
            raise UsageError(
                f"load={self.load}: pretrained={pretrained} lacks '{missing[0]}' and {len(missing) - 1} more weights of this class, which "
                "would stay random; give the checkpoint that it saved"
            )
        return model

    @property
    def processor_class(self) -> Any:
        """The processor's class, or None."""
        return None if self.load_processor is None else class_called(self.load_processor, "load_processor", PROCESSOR_NEEDS)

    @property
    def code(self) -> tuple[str, ...]:
        """Changes with the files that the classes are written in; empty without any."""
        return tuple(code_of(found) for found in (self.model_class, self.processor_class) if found is not None)


def class_called(place: str, option: str, needs: Sequence[str]) -> Any:
    """The class at MODULE:CLASS, from a module on the PYTHONPATH or in the current folder. needs: what it must have. UsageError."""
    module, _, name = str(place).partition(":")
    if not module or not name:
        raise UsageError(f"{option}={place} names no class; write {option}=MODULE:CLASS, such as my_module:MyModel")
    found = getattr(_imported(module, f"{option}={place}"), name, None)
    if found is None:
        classes = [key for key, value in vars(sys.modules[module]).items() if isinstance(value, type)]
        raise UsageError(f"{option}={place}: {sys.modules[module].__file__} has no '{name}'; {did_you_mean(name, classes)}")
    for need in needs:
        if not hasattr(found, need):
            raise UsageError(f"{option}={place} has no {need}(); derive it from the class of transformers that it resembles, or write one")
    return found


def _imported(module: str, given: str) -> Any:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)  # last, so that no file here takes the place of an installed package
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise UsageError(f"{given}: {module} needs a package that is not installed ({error}); install it") from None
        raise UsageError(f"{given}: there is no module '{module}'; put its folder on the PYTHONPATH, or start lsgap in it") from None
    except Exception as error:
        raise UsageError(f"{given}: {module} cannot be imported ({with_kind(error)}); correct it") from error
