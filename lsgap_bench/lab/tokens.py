"""What a lab model reads: the tokens, the chat template, the processor. Every word of the world is one token; others are unknown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2AudioProcessor, WhisperFeatureExtractor

from lsgap_bench.lab import world

SPECIAL = (
    "<|pad|>",
    "<|unk|>",
    "<|eos|>",
    "<|user|>",
    "<|answer|>",
    "<|transcribe|>",
    "<|audio_bos|>",
    "<|AUDIO|>",
    "<|audio_eos|>",
    "<|silence|>",
)
PAD, UNKNOWN, EOS, USER, ANSWER, TRANSCRIBE, AUDIO_BEGIN, AUDIO, AUDIO_END, SILENCE = range(len(SPECIAL))

SAMPLING_RATE = 16_000  # Hz
HOP = 240  # samples between mel frames: 15 ms
FRAMES_PER_TOKEN = 4  # the encoder's convolution halves the frames, its pooling halves them again: 60 ms a token
SECONDS = 9  # the longest clip that is heard whole
MELS = 80

# One turn of the user, written or spoken, then the answer; nothing else differs between the two forms.
CHAT_TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'user' %}<|user|>"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|answer|>{% endif %}"
)


@cache
def word_ids() -> dict[str, int]:
    """Token -> id: the special tokens, then every word of the world in alphabetic order."""
    return {token: number for number, token in enumerate((*SPECIAL, *world.vocabulary()))}


def ids_of(words: Sequence[str]) -> list[int]:
    """Ids of some words of the world. KeyError for a word that it does not have."""
    known = word_ids()
    return [known[word] for word in words]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, whatever its case; punctuation is dropped; a word outside the world is <|unk|>."""
    tokenizer = Tokenizer(models.WordLevel(dict(word_ids()), unk_token=SPECIAL[UNKNOWN]))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(Regex("[^a-z ]"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=SPECIAL[PAD],
        unk_token=SPECIAL[UNKNOWN],
        eos_token=SPECIAL[EOS],
        additional_special_tokens=list(SPECIAL[USER:]),
        chat_template=CHAT_TEMPLATE,
    )


def build_feature_extractor(**options: Any) -> WhisperFeatureExtractor:
    """Log-mel features as Whisper's, at a wider hop so that a tiny encoder sees fewer frames."""
    return WhisperFeatureExtractor(  # type: ignore[no-untyped-call]
        feature_size=MELS, sampling_rate=SAMPLING_RATE, hop_length=HOP, chunk_length=SECONDS, return_attention_mask=True, **options
    )


def build_processor() -> Qwen2AudioProcessor:
    """Tokenizer and features together, as transformers loads them beside a checkpoint."""
    parts = {"feature_extractor": build_feature_extractor(), "tokenizer": build_tokenizer()}
    return Qwen2AudioProcessor(**parts, chat_template=CHAT_TEMPLATE)  # type: ignore[no-untyped-call]
