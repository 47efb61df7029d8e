"""Prompts by mistral_common, which is no Jinja template and gives no character offsets: one path for both modalities, by tokens."""

from __future__ import annotations

import base64
import importlib.metadata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lsgap_bench.errors import UsageError, first_line
from lsgap_bench.models.adapter import Content, Waveform
from lsgap_bench.models.prompts import Encoded, Written, words_of_characters
from lsgap_bench.speech.clips import encode

Ids = list[int]


class MistralPrompter:
    """Renders and tokenizes prompts with a processor whose tokenizer is mistral_common's.

    processor: of transformers, with such a tokenizer; UsageError where it has another one. rate: Hz, of the waveforms.
    """

    def __init__(self, processor: Any, rate: int) -> None:
        if type(processor.tokenizer).__name__ != "MistralCommonBackend":  # transformers takes another one where the package is missing
            raise UsageError("this model's prompts are made by mistral_common, which is not there; pip install 'lsgap-bench[voxtral]'")
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.template: str | None = f"mistral_common {importlib.metadata.version('mistral_common')}"
        self._rate = rate
        self._frames: dict[str | None, tuple[Ids, Ids]] = {}

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Encoded:
        """Tokenize one prompt per content; all contents of a call are of one modality."""
        conversations = [self._conversation(c, s) for c, s in zip(contents, systems, strict=True)]
        arguments = {"text_kwargs": {"padding": True, "padding_side": "left"}}
        features = self.processor.apply_chat_template(conversations, processor_kwargs=arguments)
        rows = [row[mask.bool()].tolist() for row, mask in zip(features["input_ids"], features["attention_mask"], strict=True)]
        written = [
            self._written(ids, content, system) if isinstance(content, str) else None
            for ids, content, system in zip(rows, contents, systems, strict=True)
        ]
        return Encoded(features, [self._read(ids) for ids in rows], written)

    def check_system(self, system: str) -> None:
        """UsageError where a system turn cannot stand before a clip, since it must reach both modalities or neither."""
        try:
            self._frame(system)
        except ValueError as error:
            reason = first_line(error)
            raise UsageError(f"mistral_common refuses the system turn '{system}' before a clip ({reason}); leave it out") from None

    def _conversation(self, content: Content, system: str | None) -> list[dict[str, Any]]:
        part = {"type": "text", "text": content} if isinstance(content, str) else {"type": "audio", "base64": self._file(content)}
        turns = [{"role": "user", "content": [part]}]
        if system:
            turns.insert(0, {"role": "system", "content": [{"type": "text", "text": system}]})
        return turns

    def _file(self, wave: Waveform) -> str:
        """A WAV file of floats, so that the waveform comes out of it as it went in."""
        return base64.b64encode(encode(wave, self._rate, "wav-float")).decode()

    def _ids(self, content: Content, system: str | None) -> Ids:
        features: Mapping[str, Any] = self.processor.apply_chat_template(self._conversation(content, system))
        ids: Ids = features["input_ids"][0].tolist()
        return ids

    def _frame(self, system: str | None) -> tuple[Ids, Ids]:
        """The tokens before and after any content: what a written and a spoken prompt begin and end with alike."""
        if system not in self._frames:
            written = self._ids("a", system)
            spoken = self._ids(np.zeros(self._rate, dtype=np.float32), system)
            before = _shared(written, spoken)
            self._frames[system] = (written[:before], written[len(written) - _shared(written[before:][::-1], spoken[::-1]) :])
        return self._frames[system]

    def _written(self, ids: Ids, content: str, system: str | None) -> Written:
        """The tokens of the content, which mistral_common never joins with those around it."""
        before, after = self._frame(system)
        inside = ids[len(before) : len(ids) - len(after)]
        place = words_of_characters(content)
        read = [len(self.tokenizer.decode(inside[: k + 1])) for k in range(len(inside))]
        ends = zip([0, *read], read, strict=False)
        words = tuple(max(place[min(start, end - 1) : end], default=-1) for start, end in ends)
        return Written(len(before), len(before) + len(inside), words)

    def _read(self, ids: Ids) -> str:
        """A prompt as text; the placeholders of a clip stand as one."""
        audio: int = self.processor.audio_token_id
        short = [token for k, token in enumerate(ids) if token != audio or k == 0 or ids[k - 1] != audio]
        text: str = self.tokenizer.decode(short, skip_special_tokens=False)
        return text


def _shared(one: Ids, other: Ids) -> int:
    """How many tokens the two begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((k for k, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
