"""A model from its parts: an encoder, a language model, the projector between them, and a LoRA if that was trained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers
from transformers.activations import ACT2FN
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from lsgap_bench.errors import UsageError, did_you_mean, first_line
from lsgap_bench.models import loading
from lsgap_bench.models.placement import Placement
from lsgap_bench.models.whisper_llm.config import WhisperLLMConfig
from lsgap_bench.models.whisper_llm.model import WhisperLLMForConditionalGeneration
from lsgap_bench.models.whisper_llm.processor import AUDIO_TOKEN, HERE, WhisperLLMProcessor
from lsgap_bench.models.whisper_llm.projector import StackedProjector, Weights, read_projector

_hub: Any = transformers  # largely untyped
ENCODER, READER = "a Whisper encoder", "a causal language model"
STACK, SIZE = 5, 2048  # of a projector with random weights


class Whole(NamedTuple):
    """The parts as one. weights: changes with any of them, and with how they are put together."""

    model: WhisperLLMForConditionalGeneration
    processor: WhisperLLMProcessor
    weights: str


@dataclass(frozen=True)
class Parts:
    """The parts of a model of the recipe, by hub id or folder.

    encoder: a Whisper checkpoint, or its encoder alone. language_model: a causal language model with its tokenizer and chat template.
    projector: file with its two linear layers, see `read_projector`; how many frames are stacked follows from their shapes. lora: peft
    folder, merged into the language model. activation: between the two layers, `linear` for none. wrapper, audio_token, cut_to_clip: see
    `WhisperLLMProcessor`. random_projector: build one with random weights, to try the machinery.
    """

    encoder: str
    language_model: str
    projector: str | None = None
    lora: str | None = None
    activation: str = "relu"
    audio_token: str = AUDIO_TOKEN
    wrapper: str = HERE
    cut_to_clip: bool = True
    random_projector: bool = False
    trust_remote_code: bool = False

    @property
    def name(self) -> str:
        """`whisper-large-v3 + Qwen2.5-7B-Instruct`."""
        return " + ".join(Path(part).name for part in (self.encoder, self.language_model))

    @property
    def whole_name(self) -> str:
        """The name with that of what was trained, so that two checkpoints of the same parts are told apart."""
        return " + ".join([self.name, *(Path(part).name for part in (self.projector, self.lora) if part is not None)])

    def load(self, placement: Placement | None = None) -> Whole:
        """Model, in evaluation mode on its device, and processor. UsageError for what is missing or does not fit.

        Every part is held in the dtype of the language model.
        """
        _hub.utils.logging.disable_progress_bar()
        placement = placement or Placement()
        arguments = _arguments(placement)
        weights, stack = self._projector()
        words = loading.loaded(loading.load_tokenizer, self._source(self.language_model), READER)
        extractor = loading.loaded(_hub.WhisperFeatureExtractor.from_pretrained, self._source(self.encoder), ENCODER)
        processor = WhisperLLMProcessor(extractor, words, stack, self.audio_token, self.wrapper, self.cut_to_clip)
        encoder, reader = self._encoder(arguments), self._language_model(arguments)
        commits = [getattr(part.config, "_commit_hash", None) for part in (encoder, reader)]
        model = _joined(encoder, reader, self._config(encoder, reader, weights, processor), weights)
        return Whole(placement.placed(model, placement.target()), processor, self._identity(commits))

    def save(self, folder: str | Path) -> None:
        """Write them as one folder, in the language model's dtype, for `pretrained=FOLDER` and transformers' `from_pretrained`."""
        config = loading.loaded(_hub.AutoConfig.from_pretrained, self._source(self.language_model), READER)
        kind = str(config.dtype or torch.float32).removeprefix("torch.")
        whole = self.load(Placement(dtype=kind, device="cpu"))
        whole.model.save_pretrained(folder)
        whole.processor.save_pretrained(folder)

    def described(self) -> Mapping[str, Any]:
        """For a record: the parts and how they are put together, without the paths of this machine."""
        places = ("encoder", "language_model", "projector", "lora")
        return {k: Path(v).name if k in places and isinstance(v, str) and Path(v).exists() else v for k, v in asdict(self).items()}

    def _projector(self) -> tuple[Weights | None, int]:
        """Its weights, None for random ones, and how many frames it stacks. What is wrong is found here, before much is loaded."""
        if self.activation not in ACT2FN:
            raise UsageError(f"activation={self.activation} is not known; {did_you_mean(self.activation, ACT2FN)}")
        if self.projector is None and not self.random_projector:
            raise UsageError(
                "no projector is given, and with a random one the language model would hear noise; give projector=FILE, or "
                "random_projector=true to try the machinery"
            )
        ears = loading.loaded(_hub.AutoConfig.from_pretrained, self._source(self.encoder), ENCODER)
        if ears.model_type != "whisper":
            raise UsageError(f"encoder={self.encoder} ({ears.model_type}) is no Whisper; give one such as openai/whisper-large-v3")
        reader = loading.loaded(_hub.AutoConfig.from_pretrained, self._source(self.language_model), READER)
        if self.projector is None:
            return None, STACK
        weights = read_projector(self.projector, ears.d_model, reader.get_text_config().hidden_size)
        return weights, weights["linear_1.weight"].shape[1] // ears.d_model

    def _source(self, pretrained: str) -> loading.Source:
        return loading.Source(pretrained, None, None, self.trust_remote_code)

    def _encoder(self, arguments: dict[str, Any]) -> Any:
        source = self._source(self.encoder)
        config = loading.loaded(_hub.AutoConfig.from_pretrained, source, ENCODER)
        alone = (config.architectures or [None])[0] == "WhisperEncoder"
        part = loading.loaded((WhisperEncoder if alone else _hub.WhisperModel).from_pretrained, source, ENCODER, **arguments)
        return part if alone else part.encoder

    def _language_model(self, arguments: dict[str, Any]) -> Any:
        source = self._source(self.language_model)
        reader = loading.loaded(_hub.AutoModelForCausalLM.from_pretrained, source, READER, **arguments)
        return reader if self.lora is None else _merged(reader, self.lora)

    def _config(self, encoder: Any, reader: Any, weights: Weights | None, processor: WhisperLLMProcessor) -> WhisperLLMConfig:
        size = SIZE if weights is None else len(weights["linear_1.weight"])
        config = WhisperLLMConfig(
            audio_config=_plain(encoder.config),
            text_config=_plain(reader.config),
            stack=processor.stack,
            projector_size=size,
            projector_act=self.activation,
            projector_bias=weights is None or "linear_1.bias" in weights,
            audio_token_id=processor.audio_token_id,
        )
        config._attn_implementation = reader.config._attn_implementation
        return config

    def _identity(self, commits: list[str | None]) -> str:
        folders = zip((self.encoder, self.language_model), commits, strict=True)
        made_of = [loading.weights_of(part, commit) for part, commit in folders]
        if self.projector is not None:
            made_of.append(hashlib.sha256(Path(self.projector).read_bytes()).hexdigest())
        if self.lora is not None:
            made_of.append(loading.weights_of(self.lora, None))
        choices = (self.activation, self.audio_token, self.wrapper, str(self.cut_to_clip))
        return loading.digest(*made_of, *choices)


def _arguments(placement: Placement) -> dict[str, Any]:
    if placement.device_map:
        raise UsageError("device_map places a model as one; save the parts as one folder first, and give that as pretrained=FOLDER")
    return placement.arguments(placement.target())


def _plain(config: Any) -> dict[str, Any]:
    """Without the path that the part was loaded from."""
    return {key: value for key, value in config.to_dict().items() if key != "_name_or_path"}


def _joined(encoder: Any, reader: Any, config: WhisperLLMConfig, weights: Weights | None) -> WhisperLLMForConditionalGeneration:
    with torch.device("meta"):  # only the frame: each part brings its own weights
        model = WhisperLLMForConditionalGeneration(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        projector = StackedProjector(config)
    if weights is not None:
        projector.load_state_dict(dict(weights))
    model.audio_tower, model.language_model, model.multi_modal_projector = encoder, reader, projector
    model.generation_config = reader.generation_config
    model.to(reader.dtype)
    model.config.dtype = reader.dtype
    return model


def _merged(reader: Any, folder: str) -> Any:
    """The language model with a LoRA's weights in its own. UsageError where any of them finds no place, and so would be left out."""
    try:
        import peft

        adapted: Any = peft.PeftModel.from_pretrained(reader, folder)
        given, taken = peft.load_peft_weights(folder, device="cpu").keys(), peft.get_peft_model_state_dict(adapted).keys()
    except (ImportError, OSError, ValueError) as error:
        reason = first_line(error)
        raise UsageError(
            f"lora={folder} cannot be loaded ({reason}); give a folder that peft's save_pretrained wrote, and install peft"
        ) from None
    if strange := sorted(given ^ taken):
        raise UsageError(
            f"lora={folder}: '{strange[0]}' and {len(strange) - 1} more do not match the language model's layers; name them as a LoRA "
            "of the language model alone names them"
        )
    return adapted.merge_and_unload()
