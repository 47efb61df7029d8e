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

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.models import loading
from lsgap_bench.models.whisper_llm.config import WhisperLLMConfig
from lsgap_bench.models.whisper_llm.model import WhisperEncoder, WhisperLLMForConditionalGeneration
from lsgap_bench.models.whisper_llm.processor import AUDIO_TOKEN, HERE, WhisperLLMProcessor
from lsgap_bench.models.whisper_llm.projector import StackedProjector, Weights, projector_file, read_projector

_hub: Any = transformers  # largely untyped
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

    def load(self, placement: loading.Placement | None = None) -> Whole:
        """Model, in evaluation mode on its device, and processor. UsageError for what is missing or does not fit.

        Every part is held in the dtype of the language model.
        """
        self._check()
        placement = placement or loading.Placement()
        words = loading.loaded(loading.load_tokenizer, self._source(self.language_model), "a causal language model")
        extractor = loading.loaded(_hub.WhisperFeatureExtractor.from_pretrained, self._source(self.encoder), "a Whisper encoder")
        encoder, reader = self._encoder(placement), self._language_model(placement)
        heard, read = encoder.config.d_model, reader.config.get_text_config().hidden_size
        weights = None if self.projector is None else read_projector(self.projector, heard, read)
        stack = STACK if weights is None else weights["linear_1.weight"].shape[1] // heard
        processor = WhisperLLMProcessor(extractor, words, stack, self.audio_token, self.wrapper, self.cut_to_clip)
        commits = [getattr(part.config, "_commit_hash", None) for part in (encoder, reader)]
        config = WhisperLLMConfig(
            audio_config=_plain(encoder.config),
            text_config=_plain(reader.config),
            stack=stack,
            projector_size=SIZE if weights is None else len(weights["linear_1.weight"]),
            projector_act=self.activation,
            projector_bias=weights is None or "linear_1.bias" in weights,
            audio_token_id=processor.audio_token_id,
            attn_implementation=reader.config._attn_implementation,
        )
        with torch.device("meta"):  # only the frame: each part brings its own weights
            model = WhisperLLMForConditionalGeneration(config)
        model.audio_tower, model.language_model = encoder, reader
        model.multi_modal_projector = _projector(config, weights)
        model.generation_config = reader.generation_config
        model.to(reader.dtype)
        model.config.dtype = reader.dtype
        return Whole(loading.placed(model, placement, placement.target()), processor, self._identity(commits))

    def save(self, folder: str | Path) -> None:
        """Write them as one folder, for `pretrained=FOLDER` and for transformers' `from_pretrained`."""
        whole = self.load(loading.Placement(device="cpu"))
        whole.model.save_pretrained(folder)
        whole.processor.save_pretrained(folder)

    def described(self) -> Mapping[str, Any]:
        """For a record: the parts and how they are put together, without the paths of this machine."""
        places = ("encoder", "language_model", "projector", "lora")
        return {k: Path(v).name if k in places and isinstance(v, str) and Path(v).exists() else v for k, v in asdict(self).items()}

    def _check(self) -> None:
        if self.activation not in ACT2FN:
            raise UsageError(f"activation={self.activation} is not known; {did_you_mean(self.activation, ACT2FN)}")
        if self.projector is not None:
            projector_file(self.projector)
        elif not self.random_projector:
            raise UsageError(
                "no projector is given, and with a random one the language model would hear noise; give projector=FILE, or "
                "random_projector=true to try the machinery"
            )

    def _source(self, pretrained: str) -> loading.Source:
        return loading.Source(pretrained, None, None, self.trust_remote_code)

    def _encoder(self, placement: loading.Placement) -> Any:
        source, kind = self._source(self.encoder), "a Whisper encoder"
        config = loading.loaded(_hub.AutoConfig.from_pretrained, source, kind)
        if config.model_type != "whisper":
            raise UsageError(f"encoder={self.encoder} ({config.model_type}) is no Whisper checkpoint; give one such as openai/whisper-large-v3")
        alone = (config.architectures or [None])[0] == "WhisperEncoder"
        part = loading.loaded((WhisperEncoder if alone else _hub.WhisperModel).from_pretrained, source, kind, **_arguments(placement))
        return part if alone else part.encoder

    def _language_model(self, placement: loading.Placement) -> Any:
        source, kind = self._source(self.language_model), "a causal language model"
        reader = loading.loaded(_hub.AutoModelForCausalLM.from_pretrained, source, kind, **_arguments(placement))
        return reader if self.lora is None else _merged(reader, self.lora)

    def _identity(self, commits: list[str | None]) -> str:
        folders = zip((self.encoder, self.language_model), commits, strict=True)
        made_of = [loading.weights_of(part, commit) for part, commit in folders]
        if self.projector is not None:
            made_of.append(hashlib.sha256(projector_file(self.projector).read_bytes()).hexdigest())
        if self.lora is not None:
            made_of.append(loading.weights_of(self.lora, None))
        choices = (self.activation, self.audio_token, self.wrapper, str(self.cut_to_clip))
        return loading.digest(*made_of, *choices)


def _arguments(placement: loading.Placement) -> dict[str, Any]:
    if placement.device_map:
        raise UsageError("device_map places a model as one; save the parts as one folder first, and give that as pretrained=FOLDER")
    return placement.arguments(placement.target())


def _plain(config: Any) -> dict[str, Any]:
    """Without the path that the part was loaded from."""
    return {key: value for key, value in config.to_dict().items() if key != "_name_or_path"}


def _projector(config: WhisperLLMConfig, weights: Weights | None) -> StackedProjector:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        projector = StackedProjector(config)
    if weights is not None:
        projector.load_state_dict(dict(weights))
    return projector


def _merged(reader: Any, folder: str) -> Any:
    """The language model with a LoRA's weights in its own. UsageError where any of them finds no place, and so would be left out."""
    try:
        import peft

        adapted: Any = peft.PeftModel.from_pretrained(reader, folder)
        given, taken = peft.load_peft_weights(folder, device="cpu").keys(), peft.get_peft_model_state_dict(adapted).keys()
    except (ImportError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UsageError(f"lora={folder} cannot be loaded ({reason}); give a folder that peft's save_pretrained wrote, and install peft") from None
    if strange := sorted(given ^ taken):
        raise UsageError(
            f"lora={folder}: '{strange[0]}' and {len(strange) - 1} more do not match the language model's layers; train or rename the LoRA on "
            "the language model alone"
        )
    return adapted.merge_and_unload()
