"""Checkpoints of real architectures with random weights and their real processors, built offline: `tiny_models.qwen2_audio(folder)`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SECONDS = 4  # the window of the audio extractor, unless said otherwise
MELS = 128
WORDS = (
    "the capital of france is paris and the answer to this question is yes or no . which of these is larger , a whale or a mouse ? "
    "you are a helpful assistant . listen and choose A B C or D . system user assistant Audio 1 : one two three bread and milk"
)
TEMPLATE = (
    "{% for m in messages %}"
    "{% if loop.first and m['role'] != 'system' %}<|im_start|>system\nyou are a helpful assistant .<|im_end|>\n{% endif %}"
    "<|im_start|>{{ m['role'] }}\n"
    "{% for c in m['content'] %}{% if c['type'] == 'audio' %}WRAPPER{% else %}{{ c['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STRINGS = (
    "{% for m in messages %}"
    "{% if loop.first and m['role'] != 'system' %}{{ '<|im_start|>system\nyou are a helpful assistant .<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""As templates of text models are: a turn's content is one string."""
AUDIO_TOKENS = {"audio_token": "<|AUDIO|>", "audio_bos_token": "<|audio_bos|>", "audio_eos_token": "<|audio_eos|>"}
VISION_TOKENS = {
    "image_token": "<|IMAGE|>",
    "video_token": "<|VIDEO|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
}


def wave(seconds: float, seed: int = 0) -> Any:
    """Noise whose loudness rises and falls: float32, mono, 16 kHz."""
    samples = np.arange(round(seconds * 16_000))
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    return (0.1 * noise * (1 + np.sin(samples / (500 + 100 * seed)))).astype(np.float32)


def tokenizer(**named: str) -> Any:
    """A byte-level BPE of the kind that Qwen uses, trained on WORDS. named: special tokens by attribute."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False, min_frequency=1)
    bpe.train_from_iterator([WORDS] * 4, trainer)
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<|endoftext|>", eos_token="<|im_end|>", padding_side="left", extra_special_tokens=named
    )
    wrapped.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    return wrapped


def extractor(seconds: int = SECONDS) -> Any:
    """A Whisper extractor with a short window."""
    return transformers.WhisperFeatureExtractor(feature_size=MELS, chunk_length=seconds)


def text_config(words: Any, hidden: int = 32, layers: int = 3, **more: Any) -> dict[str, Any]:
    """Of a decoder whose random weights are large enough for answers to depend on every position."""
    return {
        "vocab_size": len(words),
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 2048,
        "initializer_range": 2 / hidden**0.5,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "pad_token_id": words.pad_token_id,
        "eos_token_id": words.eos_token_id,
        **more,
    }


def audio_config(width: int = 32, layers: int = 2, seconds: int = SECONDS) -> dict[str, Any]:
    """Of a Whisper-type encoder."""
    return {
        "num_mel_bins": MELS,
        "d_model": width,
        "encoder_layers": layers,
        "encoder_ffn_dim": 2 * width,
        "encoder_attention_heads": 4,
        "max_source_positions": seconds * 50,
        "initializer_range": 0.2,
    }


def qwen2_audio(folder: Path, hidden: int = 32, layers: int = 3, width: int = 32, seconds: int = SECONDS) -> Path:
    """Qwen2-Audio: placeholders, a fixed encoder window, a template that writes "Audio 1: " before the clip."""
    words = tokenizer(**AUDIO_TOKENS)
    torch.manual_seed(0)
    config = transformers.Qwen2AudioConfig(
        audio_config=transformers.Qwen2AudioEncoderConfig(**audio_config(width, seconds=seconds)),
        text_config=transformers.Qwen2Config(**text_config(words, hidden, layers)),
        audio_token_index=words.audio_token_id,
    )
    model = transformers.Qwen2AudioForConditionalGeneration(config)
    template = TEMPLATE.replace("WRAPPER", "Audio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\n")
    transformers.Qwen2AudioProcessor(extractor(seconds), words, chat_template=template).save_pretrained(folder)
    return _save(model, words, folder)


def qwen2_5_omni(folder: Path, whole: bool = False) -> Path:
    """The thinker of Qwen2.5-Omni: M-RoPE, and a processor with a vision half. whole: inside an Omni checkpoint instead."""
    words = tokenizer(**AUDIO_TOKENS, **VISION_TOKENS)
    torch.manual_seed(1)
    config = _thinker_config(words)
    model: Any = transformers.Qwen2_5OmniThinkerForConditionalGeneration(config)
    if whole:
        thinker = model.state_dict()
        full = transformers.Qwen2_5OmniConfig(thinker_config=config.to_dict(), enable_audio_output=False)
        model = transformers.Qwen2_5OmniForConditionalGeneration(full)
        model.thinker.load_state_dict(thinker)
    words.chat_template = TEMPLATE.replace("WRAPPER", "<|audio_bos|><|AUDIO|><|audio_eos|>")
    words.save_pretrained(folder)
    # as in the published checkpoints, one file describes the audio and the image half
    halves = {**transformers.Qwen2VLImageProcessorPil().to_dict(), **extractor().to_dict(), "processor_class": "Qwen2_5OmniProcessor"}
    (folder / "preprocessor_config.json").write_text(json.dumps(halves), encoding="utf-8")
    return _save(model, words, folder)


def text_only(folder: Path) -> Path:
    """A plain language model without ears."""
    words = tokenizer()
    words.save_pretrained(folder)
    return _save(transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**text_config(words))), words, folder)


def _thinker_config(words: Any) -> Any:
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 4, "out_hidden_size": 32, "fullatt_block_indexes": [0]}
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]}
    audio = {**audio_config(), "output_dim": 32, "n_window": 50}
    return transformers.Qwen2_5OmniThinkerConfig(
        audio_config=audio,
        vision_config=vision,
        text_config=text_config(words, rope_parameters=rope),
        audio_token_index=words.audio_token_id,
        image_token_index=words.image_token_id,
        video_token_index=words.video_token_id,
        audio_start_token_id=words.audio_bos_token_id,
        audio_end_token_id=words.audio_eos_token_id,
        vision_start_token_id=words.vision_bos_token_id,
        initializer_range=0.2,
        tie_word_embeddings=False,
    )


def _save(model: Any, words: Any, folder: Path) -> Path:
    model.generation_config.pad_token_id, model.generation_config.eos_token_id = words.pad_token_id, words.eos_token_id
    model.eval().save_pretrained(folder)
    return folder
