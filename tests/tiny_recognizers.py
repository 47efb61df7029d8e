"""Recognizers of real architectures with random weights, built offline: `tiny_recognizers.whisper(folder)`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tiny_models
import torch
import transformers

SECONDS = 2  # the window of the tiny Whisper
LETTERS = " abcdefghijklmnopqrstuvwxyz'"


def whisper(folder: Path, seconds: int = SECONDS) -> Path:
    """Whisper with a short window, and a tokenizer of another class than Whisper's own."""
    words = tiny_models.tokenizer()
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        **tiny_models.audio_config(seconds=seconds),
        vocab_size=len(words),
        decoder_layers=2,
        decoder_attention_heads=4,
        decoder_ffn_dim=64,
        max_target_positions=24,
        pad_token_id=words.pad_token_id,
        bos_token_id=words.eos_token_id,
        eos_token_id=words.eos_token_id,
        decoder_start_token_id=words.convert_tokens_to_ids("<|im_start|>"),
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    words.save_pretrained(folder)
    tiny_models.extractor(seconds).save_pretrained(folder)
    transformers.WhisperForConditionalGeneration(config).eval().save_pretrained(folder)
    return folder


def faster_whisper(folder: Path, source: Path) -> Path:
    """A Whisper in CTranslate2's format, converted of one of transformers with the tokens that it must have, which is left in `source`."""
    import ctranslate2

    words = tiny_models.tokenizer()
    names = ["startoftranscript", "startoflm", "startofprev", "nospeech", "translate", "transcribe", "notimestamps"]
    words.add_special_tokens({"additional_special_tokens": [f"<|{name}|>" for name in names]})
    end = words.convert_tokens_to_ids("<|endoftext|>")
    torch.manual_seed(5)
    config = transformers.WhisperConfig(
        **{**tiny_models.audio_config(seconds=30), "num_mel_bins": 80, "initializer_range": 0.4},
        vocab_size=len(words),
        decoder_layers=2,
        decoder_attention_heads=4,
        decoder_ffn_dim=64,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=words.convert_tokens_to_ids("<|startoftranscript|>"),
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    words.save_pretrained(source)
    transformers.WhisperForConditionalGeneration(config).eval().save_pretrained(source)
    ctranslate2.converters.TransformersConverter(str(source), copy_files=["tokenizer.json"]).convert(str(folder))
    return folder


def wav2vec2(folder: Path, masked: bool = True) -> Path:
    """wav2vec 2.0 with CTC. masked: of the kind whose batches carry an attention mask."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, **{c: 5 + k for k, c in enumerate(LETTERS.strip())}}
    (folder / "vocab.json").write_text(json.dumps(letters))
    transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=masked).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(letters),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        feat_extract_norm="layer" if masked else "group",
        do_stable_layer_norm=masked,
        initializer_range=0.5,
    )
    model: Any = transformers.Wav2Vec2ForCTC(config).eval()
    model.lm_head.weight.data *= 8
    model.lm_head.bias.data[1:4] = -1e3  # trained ones never write their special tokens
    model.save_pretrained(folder)
    return folder
