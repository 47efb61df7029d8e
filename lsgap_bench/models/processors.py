"""From a hub id or a folder to a processor; where the vision packages are missing, to the half of it that speech needs."""

from __future__ import annotations

from typing import Any

import transformers

from lsgap_bench.errors import UsageError

_hub: Any = transformers  # largely untyped


def load_processor(pretrained: str, arguments: dict[str, Any]) -> Any:
    """The processor of a checkpoint. arguments: what every `from_pretrained` of transformers takes.

    Many a processor cannot be loaded whole without torchvision, which no spoken or written question needs: then it is built without its
    image and video parts. UsageError where it cannot do without them. Errors of `from_pretrained` pass through.
    """
    try:
        return _hub.AutoProcessor.from_pretrained(pretrained, **arguments)
    except (ImportError, ValueError) as error:  # a missing package, and an image processor that needs one
        first = error
    try:
        return _without_vision(pretrained, arguments)
    except (AttributeError, KeyError, ImportError, ValueError, OSError):
        reason = str(first).strip().splitlines()[0]
        if isinstance(first, ImportError):
            raise UsageError(f"pretrained={pretrained}: its processor cannot be imported ({reason}); install what it names") from None
        raise first from None


def _without_vision(pretrained: str, arguments: dict[str, Any]) -> Any:
    extractor, _ = _hub.FeatureExtractionMixin.get_feature_extractor_dict(pretrained, **arguments)
    declared, _ = _hub.ProcessorMixin.get_processor_dict(pretrained, **arguments)
    whole = getattr(_hub, {**extractor, **declared}["processor_class"])
    ears = _hub.AutoFeatureExtractor.from_pretrained(pretrained, **arguments)
    words = _hub.AutoTokenizer.from_pretrained(pretrained, **arguments)
    parts = {"feature_extractor": ears, "audio_processor": ears, "tokenizer": words}
    half = type(whole.__name__, (whole,), {"check_argument_for_proper_class": _accept_absent})
    return half(**{name: parts.get(name) for name in whole.get_attributes()}, chat_template=declared.get("chat_template"))


def _accept_absent(self: Any, name: str, part: Any) -> Any:
    return None if part is None else _hub.ProcessorMixin.check_argument_for_proper_class(self, name, part)
