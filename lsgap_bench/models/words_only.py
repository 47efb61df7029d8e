"""A tokenizer with the face of a processor, so that a model without ears takes the same prompt path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Conversation = Sequence[Mapping[str, Any]]


class WordsOnly:
    """tokenizer: of transformers. A turn's content reaches its template as a plain string, as templates of text models expect it."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.chat_template: Any = tokenizer.chat_template

    def apply_chat_template(
        self, conversation: Sequence[Any], *, tokenize: bool, processor_kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """As a processor's: one conversation (its turns) or several; the turns hold text parts only."""
        several = bool(conversation) and not isinstance(conversation[0], Mapping)
        flat = [_flat(one) for one in conversation] if several else _flat(conversation)
        if not tokenize:
            return self.tokenizer.apply_chat_template(flat, tokenize=False, **options)
        arguments = dict((processor_kwargs or {}).get("text_kwargs", {}))
        padding = arguments.pop("padding", False)
        return self.tokenizer.apply_chat_template(flat, tokenize=True, padding=padding, tokenizer_kwargs=arguments, **options)


def _flat(conversation: Conversation) -> list[dict[str, str]]:
    return [{"role": str(turn["role"]), "content": "".join(str(part["text"]) for part in turn["content"])} for turn in conversation]
