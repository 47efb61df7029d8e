"""`hf-text`: any causal language model of transformers, which reads and does not hear: the base beside a speech language model."""

from __future__ import annotations

from collections.abc import Sequence

from lsgap_bench.errors import UsageError
from lsgap_bench.models import loading
from lsgap_bench.models.adapter import Batch, Content
from lsgap_bench.models.hf_decoder import HFDecoder, with_texts
from lsgap_bench.models.placement import Placement
from lsgap_bench.models.prompts import Prompter
from lsgap_bench.models.words_only import WordsOnly
from lsgap_bench.registry import model


@model("hf-text")
class HFText(HFDecoder):
    """A causal language model of transformers for the written side: the base of a cascade (`--base`).

    pretrained: hub id or folder. revision, dtype, device, attn_implementation, device_map, trust_remote_code, subfolder, chat_template,
    load_in_8bit, load_in_4bit, compile: as for `hf-speech`.
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
        load_in_8bit: bool = False,
        load_in_4bit: bool = False,
        compile: bool | str = False,
    ) -> None:
        placement = Placement(dtype, device, attn_implementation, device_map, load_in_8bit, load_in_4bit, compile)
        source = loading.Source(str(pretrained), None if revision is None else str(revision), subfolder, trust_remote_code)
        loaded, tokenizer = loading.load_text(source, placement)
        prompter = Prompter(WordsOnly(tokenizer), chat_template, special_tokens=False)
        super().__init__(loaded, prompter, loading.describe(source, placement, loaded, "base"))

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Batch:
        """One left-padded prompt per text. See `SpeechLM.encode`. UsageError for a waveform."""
        if not all(isinstance(content, str) for content in contents):
            raise UsageError(f"{self.name} reads and does not hear; give it as --base, or run it with --model hf-speech if it has ears")
        encoded = self.prompter.encode(contents, systems)
        batch = self._batch({k: encoded.features[k] for k in ("input_ids", "attention_mask")}, encoded.prompts)
        return with_texts(batch, encoded.written)
