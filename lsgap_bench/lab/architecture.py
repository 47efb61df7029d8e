"""The lab's models, all of transformers' own classes: a Qwen2 text model, the Qwen2-Audio model around it, a Whisper recognizer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import (
    Qwen2AudioConfig,
    Qwen2AudioEncoder,
    Qwen2AudioEncoderConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2Config,
    Qwen2ForCausalLM,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

from lsgap_bench.errors import UsageError, did_you_mean
from lsgap_bench.lab import tokens

_RANGE = 2.0  # the log-mel features of a clip end this far below its largest value: 8 decades, divided by 4
_SILENCE = -1.5  # the feature of no sound at all: (-10 + 4) / 4
_CONTEXT = 2  # frames of padding that the convolutions see behind a clip
_PROJECTOR_SCALE = 0.05
_POSITION_SCALE = 0.2  # Whisper's sinusoids have amplitude 1, which would drown a tiny encoder's features at the start


@dataclass(frozen=True)
class Size:
    """Width, decoder layers and heads of a text model; its feed-forward layers are three times as wide."""

    width: int
    layers: int
    heads: int


SIZES: dict[str, Size] = {"nano": Size(96, 4, 3), "micro": Size(160, 4, 5)}
ENCODER_WIDTH, ENCODER_LAYERS, ENCODER_HEADS = 160, 3, 4
RECOGNIZER_DECODER_LAYERS = 2


def size_called(name: str) -> Size:
    """The size of that name; UsageError for an unknown one."""
    if name not in SIZES:
        raise UsageError(f"the lab has no size '{name}'; {did_you_mean(name, SIZES)}")
    return SIZES[name]


def text_config(size: Size) -> Qwen2Config:
    """The Qwen2 configuration of the text model, alone and inside the speech model."""
    return Qwen2Config(
        vocab_size=len(tokens.word_ids()),
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        intermediate_size=3 * size.width,
        max_position_embeddings=512,
        tie_word_embeddings=False,
        initializer_range=0.05,
        pad_token_id=tokens.PAD,
        bos_token_id=None,
        eos_token_id=tokens.EOS,
    )


def build_text_model(size: Size, seed: int) -> Qwen2ForCausalLM:
    """A text model with random weights."""
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(text_config(size))
    _set_generation(model)
    return model


def encoder_config(width: int = ENCODER_WIDTH, layers: int = ENCODER_LAYERS, heads: int = ENCODER_HEADS) -> Qwen2AudioEncoderConfig:
    """The Whisper-style encoder's configuration."""
    return Qwen2AudioEncoderConfig(
        d_model=width,
        encoder_layers=layers,
        encoder_attention_heads=heads,
        encoder_ffn_dim=4 * width,
        num_mel_bins=tokens.MELS,
        max_source_positions=tokens.SECONDS * tokens.SAMPLING_RATE // tokens.HOP // 2,
        dropout=0.0,
    )


def build_encoder(seed: int, width: int = ENCODER_WIDTH, layers: int = ENCODER_LAYERS) -> Qwen2AudioEncoder:
    """A speech encoder with random weights, and Whisper's sinusoids as positions (the class would leave them random)."""
    torch.manual_seed(seed)
    encoder = Qwen2AudioEncoder(encoder_config(width, layers))
    with torch.no_grad():
        encoder.embed_positions.weight.copy_(_sinusoids(*encoder.embed_positions.weight.shape))
    return encoder


def build_speech_model(text: Qwen2ForCausalLM, encoder: Qwen2AudioEncoder, seed: int) -> Qwen2AudioForConditionalGeneration:
    """The speech model before any alignment: the text model's weights, the encoder's, and a random projector between them."""
    torch.manual_seed(seed)
    # without the paths of this machine, which the parts' configurations remember
    parts = [{k: v for k, v in part.config.to_dict().items() if k != "_name_or_path"} for part in (encoder, text)]
    config = Qwen2AudioConfig(audio_config=parts[0], text_config=parts[1], audio_token_index=tokens.AUDIO)
    model = Qwen2AudioForConditionalGeneration(config)
    model.model.language_model.load_state_dict(text.model.state_dict())
    model.lm_head.load_state_dict(text.lm_head.state_dict())
    model.model.audio_tower.load_state_dict(encoder.state_dict())
    with torch.no_grad():  # the encoder's states are some twenty times as long as a word's embedding
        model.model.multi_modal_projector.linear.weight.mul_(_PROJECTOR_SCALE)
    _set_generation(model)
    return model


def build_recognizer(encoder: Qwen2AudioEncoder, seed: int) -> WhisperForConditionalGeneration:
    """A Whisper model around the encoder, with a random decoder that writes the world's words."""
    torch.manual_seed(seed)
    own = encoder.config
    config = WhisperConfig(
        vocab_size=len(tokens.word_ids()),
        num_mel_bins=own.num_mel_bins,
        d_model=own.d_model,
        encoder_layers=own.encoder_layers,
        encoder_attention_heads=own.encoder_attention_heads,
        encoder_ffn_dim=own.encoder_ffn_dim,
        decoder_layers=RECOGNIZER_DECODER_LAYERS,
        decoder_attention_heads=own.encoder_attention_heads,
        decoder_ffn_dim=2 * own.d_model,
        max_source_positions=own.max_source_positions,
        max_target_positions=64,
        pad_token_id=tokens.PAD,
        bos_token_id=tokens.TRANSCRIBE,
        eos_token_id=tokens.EOS,
        decoder_start_token_id=tokens.TRANSCRIBE,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    model = WhisperForConditionalGeneration(config)
    model.model.encoder.load_state_dict(encoder.state_dict())
    generation = model.generation_config
    generation.decoder_start_token_id, generation.bos_token_id = tokens.TRANSCRIBE, tokens.TRANSCRIBE
    generation.eos_token_id, generation.pad_token_id = tokens.EOS, tokens.PAD
    generation.suppress_tokens = generation.begin_suppress_tokens = None
    generation.max_length = config.max_target_positions
    return model


def floor_of(mel: Tensor) -> float:
    """The feature of silence beside a clip: what the feature extractor pads its window with."""
    return max(float(mel.max()) - _RANGE, _SILENCE)


def encode(encoder: Qwen2AudioEncoder, mels: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The encoder's states of some clips, not padded to its window: (B, N, width), and the valid ones of each, int64 (B,).

    mels: (frames, bins) each. The same as the encoder's own forward on padded features, at the price of the longest clip.
    """
    longest = max(len(mel) for mel in mels) + _CONTEXT
    longest = min(longest + -longest % tokens.FRAMES_PER_TOKEN, 2 * encoder.config.max_source_positions)
    padded = [nn.functional.pad(mel.float(), (0, 0, 0, longest - len(mel)), value=floor_of(mel)) for mel in mels]
    features = torch.stack(padded).transpose(1, 2).to(encoder.conv1.weight.device)
    frames = torch.tensor([len(mel) for mel in mels], device=features.device)
    halves = (frames - 1) // 2 + 1
    hidden = nn.functional.gelu(encoder.conv2(nn.functional.gelu(encoder.conv1(features)))).transpose(1, 2)
    hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
    padding = torch.arange(hidden.shape[1], device=hidden.device)[None] >= halves[:, None]
    mask = torch.zeros(padding.shape, device=hidden.device).masked_fill(padding, torch.finfo(torch.float32).min)[:, None, None]
    for layer in encoder.layers:
        out = layer(hidden, mask)
        hidden = out[0] if isinstance(out, tuple) else out
    pooled = encoder.avg_pooler(hidden.transpose(1, 2)).transpose(1, 2)
    states: Tensor = encoder.layer_norm(pooled)
    return states, (halves - 2) // 2 + 1


def _sinusoids(count: int, width: int) -> Tensor:
    """Whisper's position table (Radford et al. 2022), scaled down."""
    scales = torch.exp(-math.log(10_000) / (width // 2 - 1) * torch.arange(width // 2))
    angles = torch.arange(count)[:, None] * scales
    return torch.cat([angles.sin(), angles.cos()], dim=1) * _POSITION_SCALE


def _set_generation(model: Qwen2ForCausalLM | Qwen2AudioForConditionalGeneration) -> None:
    """An answer ends where the next mark begins, for the models put several after each other in training."""
    model.generation_config.eos_token_id = [tokens.EOS, tokens.ANSWER, tokens.TRANSCRIBE]
    model.generation_config.pad_token_id = tokens.PAD
