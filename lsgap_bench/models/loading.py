"""From a hub id or a folder to a model and its processor, and the facts that identify them."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import transformers
from safetensors import SafetensorError
from transformers.models.auto import tokenization_auto

from lsgap_bench.errors import UsageError, first_line
from lsgap_bench.models.named_class import Own
from lsgap_bench.models.placement import Placement
from lsgap_bench.models.processors import load_processor
from lsgap_bench.models.quirks import quirk_of
from lsgap_bench.weights import folder_hash

SAMPLING = {"do_sample", "temperature", "top_p", "top_k", "min_p", "typical_p", "repetition_penalty", "no_repeat_ngram_size", "num_beams"}
OWN_ARCHITECTURES = ("lsgap_bench.models.whisper_llm.model", "lsgap_bench.models.whisper_llm.processor")
"""They join transformers' automatic classes when they are imported; not before a model is loaded, for that takes seconds."""
_hub: Any = transformers  # largely untyped


@dataclass(frozen=True)
class Source:
    """Where a checkpoint comes from. own: a user's classes to load it with."""

    pretrained: str
    revision: str | None
    subfolder: str | None
    trust_remote_code: bool
    own: Own = field(default_factory=Own)

    def arguments(self) -> dict[str, Any]:
        """What every `from_pretrained` of transformers takes. False is passed on, too: without it transformers asks at the terminal."""
        named = {"revision": self.revision, "subfolder": self.subfolder}
        return {k: v for k, v in named.items() if v is not None} | {"trust_remote_code": self.trust_remote_code}


def load(source: Source, placement: Placement) -> tuple[Any, Any]:
    """The model, in evaluation mode on its device, and its processor. UsageError for what is missing or is no speech language model.

    What costs little is checked before the weights are read.
    """
    _hub.utils.logging.disable_progress_bar()
    for name in OWN_ARCHITECTURES:
        importlib.import_module(name)
    target = placement.target()
    config = loaded((source.own.config_class or transformers.AutoConfig).from_pretrained, source)
    own = source.own.processor_class
    processor = loaded(own.from_pretrained if own else lambda pretrained, **arguments: load_processor(pretrained, arguments), source)
    if extractor_of(processor) is None or audio_token_id(config, processor) is None:
        raise UsageError(
            f"pretrained={source.pretrained} ({config.model_type}) does not merge audio at placeholder tokens, so it is no speech language "
            "model for hf-speech; give an audio-text checkpoint such as Qwen/Qwen2-Audio-7B-Instruct"
        )
    arguments = placement.arguments(target)
    if source.own.load:
        model = loaded(source.own.load_whole, source, **arguments)
    else:
        model = _complete(_model_class(config), source, "a speech language model", arguments)
    adapter = quirk_of(config.model_type).lora
    if isinstance(adapter, str):
        _add_adapter(model, source, adapter)
    return placement.placed(model, target), processor


def _add_adapter(model: Any, source: Source, folder: str) -> None:
    """Load the LoRA for speech that lies in a folder of the checkpoint. UsageError where it is not there, or peft is not installed."""
    place = {key: value for key, value in source.arguments().items() if key == "revision"}
    try:
        model.load_adapter(source.pretrained, adapter_name="speech", adapter_kwargs={"subfolder": folder, **place})
    except (OSError, ValueError, ImportError) as error:
        reason = first_line(error)
        raise UsageError(
            f"pretrained={source.pretrained}: its LoRA for speech cannot be loaded from its folder '{folder}' ({reason}); without it the "
            "model would hear with the wrong weights; give the whole checkpoint, and install peft"
        ) from None


def load_text(source: Source, placement: Placement) -> tuple[Any, Any]:
    """A causal language model, in evaluation mode on its device, and its tokenizer. UsageError for what is missing or is none."""
    _hub.utils.logging.disable_progress_bar()
    target, kind = placement.target(), "a causal language model"
    tokenizer = loaded(load_tokenizer, source, kind)
    model = _complete(transformers.AutoModelForCausalLM, source, kind, placement.arguments(target))
    return placement.placed(model, target), tokenizer


def _complete(model_class: Any, source: Source, kind: str, arguments: dict[str, Any]) -> Any:
    """The model. UsageError for a checkpoint without some of its weights, which would stay random behind a line of a log."""
    model, found = loaded(model_class.from_pretrained, source, kind, output_loading_info=True, **arguments)
    if missing := sorted(found["missing_keys"]):
        raise UsageError(
            f"pretrained={source.pretrained} lacks '{missing[0]}' and {len(missing) - 1} more weights of {type(model).__name__}, "
            "which would stay random; give the whole checkpoint"
        )
    return model


def load_tokenizer(pretrained: str, **arguments: Any) -> Any:
    """The tokenizer that a checkpoint declares. Errors of `from_pretrained` pass through.

    For some model types, Qwen2's among them, AutoTokenizer puts the class of the published models in the place of a plain tokenizer file,
    and with it other pre-tokenization: a word would become other tokens than the model was trained on, without a warning.
    """
    declared = tokenization_auto.get_tokenizer_config(pretrained, **arguments).get("tokenizer_class")
    plain = declared in ("TokenizersBackend", "PreTrainedTokenizerFast")
    return (_hub.PreTrainedTokenizerFast if plain else _hub.AutoTokenizer).from_pretrained(pretrained, **arguments)


def extractor_of(processor: Any) -> Any:
    """The processor's audio feature extractor, None if it has none."""
    return getattr(processor, "feature_extractor", None) or getattr(processor, "audio_processor", None)


def audio_token_id(config: Any, processor: Any) -> Any:
    """Id (int) of the placeholder at which audio embeddings are merged; None for a model that has none."""
    places = (config, getattr(config, "audio_config", None), processor, getattr(processor, "tokenizer", None))
    return next((found for place in places if (found := getattr(place, "audio_token_id", None)) is not None), None)


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Ids that end an answer: the generation configuration's and the tokenizer's."""
    declared = model.generation_config.eos_token_id
    ids = declared if isinstance(declared, list) else [declared]
    return frozenset(i for i in [*ids, tokenizer.eos_token_id] if i is not None)


def describe(source: Source, placement: Placement, model: Any, kind: str) -> dict[str, Any]:
    """The `system` entry of a record, with a hash of the weights. kind: lslm, base or recognizer."""
    config = model.config
    backbone = config.get_text_config()
    resolved = getattr(config, "_commit_hash", None) or source.revision  # a branch moves, a commit does not
    folder = Path(source.pretrained)
    here = folder.is_dir()
    weights = weights_of(source.pretrained, resolved, source.subfolder or "", quirk_of(config.model_type).lora)
    return {
        "name": folder.name if here else source.pretrained,
        "kind": kind,
        "pretrained": source.pretrained if not here else folder.name,
        "revision": resolved,
        "architecture": type(model).__name__,
        "backbone": f"{backbone.model_type}, {backbone.num_hidden_layers} layers, width {backbone.hidden_size}",
        **placement.facts(model),
        "parameters": model.num_parameters(),
        "own_generation": _own_generation(model),
        "weights": digest(weights, *source.own.code) if source.own.code else weights,
    }


def weights_of(pretrained: str, revision: str | None, subfolder: str = "", adapter: bool | str = False) -> str:
    """Changes with a checkpoint: a hash of a folder's files, else of the hub id and its commit. adapter: a folder in it that counts."""
    folder = Path(pretrained)
    return folder_hash(folder / subfolder, adapter) if folder.is_dir() else digest(pretrained, str(revision), subfolder)


def _own_generation(model: Any) -> dict[str, Any]:
    """The checkpoint's own sampling and penalties, which no run uses unless asked: what differs from transformers' defaults."""
    own = getattr(model, "generation_config", None)  # CTC generates nothing
    changed = own.to_diff_dict() if own is not None else {}
    return {key: changed[key] for key in sorted(SAMPLING & changed.keys())}


def digest(*parts: str) -> str:
    """A short sha256 over the parts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _model_class(config: Any) -> Any:
    name = quirk_of(config.model_type).load_as
    if name is None and type(config) in transformers.AutoModelForMultimodalLM._model_mapping:
        return transformers.AutoModelForMultimodalLM
    name = name or next(iter(config.architectures or []), None)
    found = getattr(transformers, name, None) if name else None
    if found is None:
        raise UsageError(f"transformers {transformers.__version__} has no class for model_type '{config.model_type}'; update transformers")
    return found


def loaded(load_from: Callable[..., Any], source: Source, kind: str = "a speech language model", **options: Any) -> Any:
    """What `load_from(pretrained, ...)` gives; UsageError saying that it is not `kind` where transformers cannot."""
    try:
        return load_from(source.pretrained, **source.arguments(), **options)
    except (OSError, ValueError, TypeError, ImportError, SafetensorError) as error:
        if "trust_remote_code" in str(error) and not source.trust_remote_code:
            raise UsageError(
                f"pretrained={source.pretrained} brings code of its own, which is not run unasked; read it, then say trust_remote_code=true"
            ) from None
        reason = first_line(error)
        raise UsageError(
            f"pretrained={source.pretrained} cannot be loaded as {kind} ({reason}); give a hub id or a folder that save_pretrained wrote, "
            "processor or tokenizer included"
        ) from None
