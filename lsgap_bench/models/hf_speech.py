"""`hf-speech`: any transformers model that merges audio embeddings at placeholder tokens, by its hub id or a local folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np
import torch

from lsgap_bench.errors import UsageError
from lsgap_bench.models import loading, windows
from lsgap_bench.models.adapter import Batch, Content
from lsgap_bench.models.hf_decoder import HFDecoder, with_content, with_texts
from lsgap_bench.models.prompts import Prompter
from lsgap_bench.models.quirks import quirk_of
from lsgap_bench.models.replay import before_decoder, replayed
from lsgap_bench.registry import model


@model("hf-speech")
class HFSpeech(HFDecoder):
    """A speech language model of transformers, loaded once and run on both modalities.

    pretrained: hub id or folder. revision: of the hub repository. dtype: "auto" (the checkpoint's own), float32, bfloat16, float16.
    device: "cpu", "cuda", "cuda:1" ...; default CUDA where there is one. attn_implementation, device_map, trust_remote_code, subfolder: as
    in transformers. chat_template: path of a Jinja file that replaces the model's own.
    """

    def __init__(
        self,
        pretrained: str,
        revision: str | None = None,
        dtype: str = "auto",
        device: str | None = None,
        attn_implementation: str | None = None,
        device_map: str | None = None,
        trust_remote_code: bool = False,
        subfolder: str | None = None,
        chat_template: str | None = None,
    ) -> None:
        source = loading.Source(str(pretrained), None if revision is None else str(revision), subfolder, trust_remote_code)
        loaded, self.processor = loading.load(source, loading.Placement(dtype, device, attn_implementation, device_map))
        super().__init__(loaded, Prompter(self.processor, chat_template), loading.describe(source, loaded, "lslm"))
        self.quirk = quirk_of(self.model.config.model_type)
        self.extractor = loading.extractor_of(self.processor)
        self.sampling_rate: int = self.extractor.sampling_rate
        self.max_seconds: float | None = self.extractor.n_samples / self.sampling_rate if self.quirk.window else None
        self.audio_token_id: int = loading.audio_token_id(self.model.config, self.processor)
        self._placeholder: str = self.tokenizer.convert_ids_to_tokens(self.audio_token_id)
        self._rate: tuple[float, float] | None = None
        self._ears = before_decoder(self.model, self.model.get_decoder(), self.model.get_output_embeddings())

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        """One left-padded prompt per content; all of one modality. See `SpeechLM.encode`."""
        written = [words for words in (*contents, *systems) if isinstance(words, str)]
        if any(self._placeholder in words for words in written):
            raise UsageError(f"a text contains the model's audio placeholder {self._placeholder}; take it out of the text")
        encoded = self.prompter.encode(contents, systems)
        features = {k: v for k, v in encoded.features.items() if torch.is_tensor(v)}
        if "feature_attention_mask" in features and self.quirk.shortenable:
            features = windows.crop(features)
        batch = self._batch(features, encoded.prompts)
        if isinstance(contents[0], str):
            return with_texts(batch, encoded.written)
        heard = (batch.inputs["input_ids"] == self.audio_token_id) & batch.valid
        return with_content(batch, [row.nonzero()[:, 0].tolist() for row in heard])

    def expected_tokens(self, seconds: float) -> int:
        """Speech positions for a clip of `seconds`: a line through what the processor gives for 1 s and for 3 s of silence."""
        if self._rate is None:
            one, three = (self._placeholders(s) for s in (1.0, 3.0))
            slope = (three - one) / 2.0
            self._rate = (slope, one - slope)
        slope, offset = self._rate
        return round(slope * seconds + offset)

    def _placeholders(self, seconds: float) -> int:
        return int(self.encode([np.zeros(round(seconds * self.sampling_rate), dtype=np.float32)], [None]).content_mask.sum())

    @contextmanager
    def _narrowed(self, batch: Batch) -> Iterator[None]:
        """The encoder's window, cut to the clips of the batch where the architecture allows it; and the clips heard once per batch."""
        shorten = self.quirk.shortenable and "input_features" in batch.inputs
        window = windows.window(self.model.model.audio_tower, batch.inputs["input_features"].shape[-1]) if shorten else nullcontext()
        with window, replayed(self._ears, batch.kept):
            yield
