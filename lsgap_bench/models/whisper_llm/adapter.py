"""`whisper-llm`: a model of the paper's own recipe, from one folder or from its parts."""

from __future__ import annotations

from typing import Any

from lsgap_bench.errors import UsageError
from lsgap_bench.models import loading
from lsgap_bench.models.hf_speech import HFSpeech
from lsgap_bench.models.placement import Placement
from lsgap_bench.registry import model


@model("whisper-llm")
class WhisperLLM(HFSpeech):
    """A Whisper encoder, two linear layers over stacked frames and any causal language model: in one folder, or as parts.

    pretrained: the folder, with which everything is as for `hf-speech`. Without it encoder, language_model, projector and the other fields
    of `lsgap_bench.models.whisper_llm.parts.Parts`. dtype, device, attn_implementation, chat_template: as for `hf-speech`.
    """

    def __init__(
        self,
        pretrained: str | None = None,
        dtype: str = "auto",
        device: str | None = None,
        attn_implementation: str | None = None,
        chat_template: str | None = None,
        **more: Any,
    ) -> None:
        if pretrained is not None:
            more |= {"dtype": dtype, "device": device, "attn_implementation": attn_implementation, "chat_template": chat_template}
            super().__init__(pretrained, **more)
            return
        if not {"encoder", "language_model"} <= more.keys():
            raise UsageError("whisper-llm needs pretrained=FOLDER, or encoder=HUB_ID,language_model=HUB_ID,projector=FILE")
        from lsgap_bench.models.whisper_llm.parts import Parts

        parts, placement = Parts(**more), Placement(dtype, device, attn_implementation)
        whole = parts.load(placement)
        source = loading.Source(parts.language_model, None, None, parts.trust_remote_code)
        own = {"name": parts.name, "pretrained": parts.whole_name, "revision": None, "parts": parts.described(), "weights": whole.weights}
        self._begin(whole.model, whole.processor, chat_template, {**loading.describe(source, placement, whole.model, "lslm"), **own})
