"""`hf-asr`: the speech recognizers of transformers, with a text decoder (Whisper and its kind) or with CTC (wav2vec 2.0 and its kind)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor

from lsgap_bench.errors import UsageError
from lsgap_bench.models import loading
from lsgap_bench.models.placement import Placement
from lsgap_bench.registry import recognizer
from lsgap_bench.speech.clips import Wave

_hub: Any = transformers  # largely untyped
KIND = "a speech recognizer"
SHORTEST = 0.1  # seconds: a shorter clip is padded, since convolutions need some frames to stand on


@recognizer("hf-asr")
class HFASR:
    """A speech recognizer of transformers, decoded greedily.

    pretrained: hub id or folder with model, feature extractor and tokenizer. revision, dtype, device, attn_implementation,
    trust_remote_code, subfolder: as for `hf-speech`. language: for multilingual ones, such as en; without it they guess it clip by clip.
    max_new_tokens: of one transcript; default as many as the decoder has positions.
    """

    def __init__(
        self,
        pretrained: str,
        revision: str | None = None,
        dtype: str = "auto",
        device: str | None = None,
        attn_implementation: str | None = None,
        trust_remote_code: bool = False,
        subfolder: str | None = None,
        language: str | None = None,
        max_new_tokens: int | None = None,
    ) -> None:
        source = loading.Source(str(pretrained), None if revision is None else str(revision), subfolder, trust_remote_code)
        placement = Placement(dtype, device, attn_implementation)
        target = placement.target()
        _hub.utils.logging.disable_progress_bar()
        loading_class, self._ctc = _class_of(loading.loaded(_hub.AutoConfig.from_pretrained, source, KIND), source)
        # not AutoProcessor, which wants the tokenizer class that its model was published with
        self.extractor = loading.loaded(_hub.AutoFeatureExtractor.from_pretrained, source, KIND)
        self.tokenizer = loading.loaded(loading.load_tokenizer, source, KIND)
        weights = loading.loaded(loading_class.from_pretrained, source, KIND, **placement.arguments(target))
        self.model = placement.placed(weights, target)
        self.device: torch.device = self.model.device
        self.sampling_rate: int = self.extractor.sampling_rate
        window = getattr(self.extractor, "n_samples", None)
        self.max_seconds: float | None = window / self.sampling_rate if window else None
        self._settings = self._generation(language, max_new_tokens)
        self._description = loading.describe(source, placement, self.model, "recognizer")

    @property
    def info(self) -> Mapping[str, Any]:
        """See `Recognizer.info`."""
        return {**self._description, "decoding": "CTC, greedy" if self._ctc else self._settings}

    @property
    def fingerprint(self) -> str:
        """See `Recognizer.fingerprint`."""
        made_by = (self._description["weights"], self._description["dtype"], self.device.type, str(sorted(self._settings.items())))
        return loading.digest(*made_by, str(self.model.config._attn_implementation), torch.__version__, transformers.__version__)

    def transcribe(self, waves: Sequence[Wave]) -> list[str]:
        """See `Recognizer.transcribe`."""
        shortest = round(SHORTEST * self.sampling_rate)
        waves = [np.pad(wave, (0, max(0, shortest - len(wave)))) for wave in waves]
        if self.max_seconds is None and not self.extractor.return_attention_mask:
            # made without a mask, it would take the padding of a batch for sound
            return [text for wave in waves for text in self._transcripts([wave])]
        return self._transcripts(waves)

    @torch.no_grad()
    def _transcripts(self, waves: Sequence[Wave]) -> list[str]:
        padding = True if self.max_seconds is None else "max_length"
        encoded = self.extractor(list(waves), sampling_rate=self.sampling_rate, return_tensors="pt", padding=padding)
        kind = self.model.dtype
        inputs = {k: v.to(self.device, kind if v.is_floating_point() else None) for k, v in encoded.items()}
        if self._ctc:
            return self._collapsed(self.model(**inputs).logits.argmax(-1), inputs.get("attention_mask"))
        ids = self.model.generate(**inputs, **self._settings, do_sample=False, num_beams=1)
        texts: list[str] = self.tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [text.strip() for text in texts]

    def _collapsed(self, ids: Tensor, mask: Tensor | None) -> list[str]:
        """CTC: the likeliest token of every frame, ids (B, T), repeats joined and blanks dropped; frames of padding are no frames."""
        lengths = [ids.shape[1]] * len(ids) if mask is None else self._frames(mask.sum(-1), ids.shape[1])
        blank = self.model.config.pad_token_id
        grouping = any("group_tokens" in inspect.signature(f).parameters for f in (self.tokenizer.decode, self.tokenizer._decode))
        keep = {"group_tokens": False} if grouping else {}  # what is joined here must not be joined once more
        texts = []
        for row, length in zip(ids, lengths, strict=True):
            found = [token for token in row[:length].unique_consecutive().tolist() if token != blank]
            texts.append(str(self.tokenizer.decode(found, skip_special_tokens=True, **keep)).strip() if found else "")
        return texts

    def _frames(self, samples: Tensor, whole: int) -> list[int]:
        """How many of a batch's `whole` output frames belong to each clip. samples: (B,), frames of the input that are no padding."""
        counted = getattr(self.model, "_get_feat_extract_output_lengths", None) or getattr(
            self.model, "_get_subsampling_output_length", None
        )
        lengths = counted(samples) if counted else torch.full_like(samples, whole)
        return [min(int(length), whole) for length in lengths]

    def _generation(self, language: str | None, max_new_tokens: int | None) -> dict[str, Any]:
        """Arguments of `generate`. Without a length of its own transformers would stop after 20 tokens."""
        if self._ctc:
            return {}
        longest = getattr(self.model.config, "max_target_positions", None) or getattr(self.model.config, "max_position_embeddings", 448)
        length = {"max_length": longest} if max_new_tokens is None else {"max_new_tokens": max_new_tokens}
        return {**length, **({} if language is None else {"language": language, "task": "transcribe"})}


def _class_of(config: Any, source: loading.Source) -> tuple[Any, bool]:
    """The class to load with, and whether it is CTC. UsageError for a model that writes down no speech."""
    automatic = {"AutoModelForCTC": True, "AutoModelForSpeechSeq2Seq": False}
    fitting = {getattr(_hub, name): ctc for name, ctc in automatic.items() if type(config) in getattr(_hub, name)._model_mapping}
    named = str(next(iter(config.architectures or []), ""))
    for loading_class, ctc in fitting.items():
        if ctc == named.endswith("CTC") or len(fitting) == 1:
            return loading_class, ctc
    raise UsageError(
        f"pretrained={source.pretrained} ({config.model_type}) is no speech recognizer; give one such as openai/whisper-large-v3 or "
        "facebook/wav2vec2-large-960h"
    )
