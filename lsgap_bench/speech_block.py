"""The YAML block `speech:`: which voice says a question and in which words, and the words of one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import jinja2

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.speech.formulas import Unsayable
from lsgap_bench.speech.synthesis import Manner, told
from lsgap_bench.speech.verbalize import verbalize

_MANNER = [field.name for field in fields(Manner)]
_KEYS = [*_MANNER, "say", "verbalize"]


@dataclass(frozen=True)
class SpeechBlock:
    """manner: the voice. say: template of the words, over the document's columns, `text` (the written question) and `options`.

    verbalize: write out numbers, signs and formulas.
    """

    manner: Manner
    say: str = "{{text}}"
    verbalize: bool = True

    def told(self) -> dict[str, Any]:
        """What a record says of it."""
        return {**told(self.manner), "say": self.say, "verbalize": self.verbalize}


def speech_block(value: Any, source: str) -> SpeechBlock:
    """The block of a YAML file; UsageError naming file and key for what is wrong with it."""
    if not isinstance(value, Mapping):
        raise UsageError(f'{source}: speech: {value!r} is no mapping; write for example {{voice: "espeak:en-us", speed: 1.0}}')
    for key in value:
        if key not in _KEYS:
            raise UsageError(f"{source}: speech: no key is called '{key}'; {did_you_mean(str(key), _KEYS)}")
    say, verbal = value.get("say", "{{text}}"), value.get("verbalize", True)
    if not isinstance(say, str) or not say.strip():
        raise UsageError(f"{source}: speech: say: {say!r} is no template; write the words, such as '{{{{text}}}}', or leave it out")
    if not isinstance(verbal, bool):
        raise UsageError(f"{source}: speech: verbalize: {verbal!r} is neither true nor false; write one of the two")
    try:
        return SpeechBlock(Manner(**{key: value[key] for key in _MANNER if key in value}), say, verbal)
    except UsageError as error:
        raise UsageError(f"{source}: speech: {error}") from None


def spoken_form(block: SpeechBlock, columns: Mapping[str, Any], text: str, options: Sequence[str], where: str) -> str:
    """The words as the voice is given them. where: file and item. UsageError for a template that fails, and for what cannot be said."""
    try:
        said = _template(block.say).render({**columns, "text": text, "options": list(options)})
    except (jinja2.TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise UsageError(f"{where}: speech: say: {block.say!r} cannot be rendered ({error}); columns: {', '.join(columns)}") from None
    if not block.verbalize:
        return said.strip()
    try:
        return verbalize(said)
    except Unsayable as error:
        raise UsageError(f"{where}: speech: there are no words for {error}; write them with `say`, or set verbalize: false") from None


@cache
def _template(source: str) -> jinja2.Template:
    return jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(source)
