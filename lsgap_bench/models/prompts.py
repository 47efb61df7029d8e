"""One prompt path for both modalities: content -> chat template -> token ids, and where the content stands in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jinja2

from lsgap_bench.errors import UsageError
from lsgap_bench.models.adapter import Content

SENTINEL = "\u2402content\u2403"  # control pictures: no template and no question contains them


@dataclass(frozen=True)
class Written:
    """A text content among its prompt's tokens, counted without padding: [start, end).

    words: for each of its tokens the place of the word, between blanks, that its last character belongs to; -1 for blanks alone.
    """

    start: int
    end: int
    words: tuple[int, ...]


@dataclass(frozen=True)
class Encoded:
    """features: the processor's tensors, left-padded. prompts: as text. written: where each text stands, None for speech."""

    features: Any
    prompts: list[str]
    written: list[Written | None]


class Prompts(Protocol):
    """What every adapter of a decoder asks of its prompts, however they are made. template: what makes them, None where code does."""

    tokenizer: Any
    template: str | None

    def check_system(self, system: str) -> None:
        """UsageError where a system turn would not reach the model in both modalities."""


class Prompter:
    """Renders and tokenizes prompts with a processor's own chat template.

    processor: of transformers, with a tokenizer and a feature extractor. chat_template: path of a Jinja file that replaces the model's own.
    special_tokens: whether the processor's tokenizer may add some to a rendered prompt; a plain tokenizer adds none to its template.
    extract_on: device on which the features of clips are computed, where the extractor leaves the choice; None for the CPU.
    """

    def __init__(
        self, processor: Any, chat_template: str | None = None, special_tokens: bool = True, extract_on: str | None = None
    ) -> None:
        self.processor = processor
        self._audio = {} if extract_on is None else {"audio_kwargs": {"device": extract_on}}
        self._special_tokens = special_tokens
        self.tokenizer = processor.tokenizer
        self.template: str | None = _template(processor, chat_template)
        self._frames: dict[str | None, tuple[str, str]] = {}

    def encode(self, contents: Sequence[Content], systems: Sequence[str | None]) -> Encoded:
        """Tokenize one prompt per content; all contents of a call are of one modality."""
        conversations = [self._conversation(c, s) for c, s in zip(contents, systems, strict=True)]
        features = self.processor.apply_chat_template(
            conversations,
            chat_template=self.template,
            tokenize=True,
            return_dict=True,
            add_generation_prompt=True,
            return_tensors="pt",
            # nested, because a flat `padding` also reaches the audio extractor and un-pads its window
            processor_kwargs={"text_kwargs": {"padding": True, "padding_side": "left"}, **self._audio},
        )
        prompts = [self._render(c) for c in conversations]
        written = [
            self._written(content, system, prompt) if isinstance(content, str) else None
            for content, system, prompt in zip(contents, systems, prompts, strict=True)
        ]
        return Encoded(features, prompts, written)

    def check_system(self, system: str) -> None:
        """UsageError when the template drops the system turn, which would silently change what was asked for."""
        try:
            kept = system.strip() in self._render(self._conversation("", system))
        except jinja2.TemplateError:  # some templates refuse the turn themselves
            kept = False
        if not kept:
            raise UsageError(f"the model's chat template drops the system turn, so '{system}' would not reach it; leave it out")

    def _conversation(self, content: Content, system: str | None) -> list[dict[str, Any]]:
        part = {"type": "text", "text": content} if isinstance(content, str) else {"type": "audio", "audio": content}
        turns = [{"role": "user", "content": [part]}]
        if system:
            turns.insert(0, {"role": "system", "content": [{"type": "text", "text": system}]})
        return turns

    def _render(self, conversation: list[dict[str, Any]]) -> str:
        rendered: str = self.processor.apply_chat_template(
            conversation, chat_template=self.template, tokenize=False, add_generation_prompt=True
        )
        return rendered

    def _frame(self, system: str | None) -> tuple[str, str]:
        """What the template writes before and after a text content."""
        if system not in self._frames:
            before, _, after = self._render(self._conversation(SENTINEL, system)).partition(SENTINEL)
            self._frames[system] = (before, after)
        return self._frames[system]

    def _written(self, content: str, system: str | None, prompt: str) -> Written:
        """The tokens that carry characters of the content."""
        before, after = self._frame(system)
        first, last = len(before), len(prompt) - len(after)
        bos = self.tokenizer.bos_token
        added = self._special_tokens and not (bos and prompt.startswith(bos))
        encoded = self.tokenizer(prompt, return_offsets_mapping=True, add_special_tokens=added)
        offsets = encoded["offset_mapping"]
        inside = [i for i, (start, end) in enumerate(offsets) if start < last and end > first and end > start]
        if not inside:
            return Written(0, 0, ())
        start, end, words = inside[0], inside[-1] + 1, words_of_characters(prompt[first:last])
        of_tokens = (max(words[max(left - first, 0) : max(right - first, 0)], default=-1) for left, right in offsets[start:end])
        return Written(start, end, tuple(of_tokens))


def words_of_characters(text: str) -> list[int]:
    """For each character the place of its word, between blanks; -1 for a blank."""
    found = [-1] * len(text)
    for place, match in enumerate(re.finditer(r"\S+", text)):
        found[match.start() : match.end()] = [place] * (match.end() - match.start())
    return found


def _template(processor: Any, path: str | None) -> str | None:
    if path is not None:
        try:
            return Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"chat_template={path} cannot be read ({error.strerror}); give the path of a Jinja file") from None
    template = getattr(processor, "chat_template", None) or getattr(processor.tokenizer, "chat_template", None)
    if template is None:
        name = processor.tokenizer.name_or_path
        raise UsageError(f"pretrained={name} has no chat template; pass one with chat_template=FILE.jinja among its arguments")
    return template if isinstance(template, str) else None
