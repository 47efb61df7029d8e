"""More real architectures with random weights and their real processors, built offline; a builder each, as in tiny_models."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peft
import tiny_models
import torch
import transformers
from safetensors.torch import save_file
from tiny_models import MELS, STRINGS, TEMPLATE, text_config, tokenizer

from lsgap_bench.models.whisper_llm.config import WhisperLLMConfig
from lsgap_bench.models.whisper_llm.model import WhisperLLMForConditionalGeneration
from lsgap_bench.models.whisper_llm.processor import WhisperLLMProcessor

_hub: Any = transformers  # largely untyped
WINDOW = 30  # seconds: these processors know no other


def template(wrapper: str) -> str:
    """A chat template that writes `wrapper` for a clip."""
    return TEMPLATE.replace("WRAPPER", wrapper)


def tower(**names: Any) -> dict[str, Any]:
    """Of an audio encoder: its sizes under the names that its configuration gives them."""
    return {"num_mel_bins": MELS, "initializer_range": 0.2, **names}


def llama_tower(**more: Any) -> dict[str, Any]:
    """Sizes under the names that the newer configurations share."""
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    return tower(**sizes, max_source_positions=50 * WINDOW, **more)


def whisper_extractor() -> Any:
    """The extractor of most of them."""
    return _hub.WhisperFeatureExtractor(feature_size=MELS)


def saved(model: Any, words: Any, processor: Any, folder: Path, wrapper: str | None) -> Path:
    """Model, processor and tokenizer in a folder. wrapper: what the template writes for a clip; None where the processor has its own."""
    folder.mkdir(parents=True, exist_ok=True)
    if wrapper is not None:
        processor.chat_template = words.chat_template = template(wrapper)
    processor.save_pretrained(folder)
    return tiny_models._save(model, words, folder)


def saved_without_vision(
    model: Any, words: Any, extractor: Any, processor: str, folder: Path, wrapper: str, images: dict[str, Any] | None = None
) -> Path:
    """As a published checkpoint lies there: one file describes the audio and the image half of the processor, tests need the first."""
    words.chat_template = template(wrapper)
    words.save_pretrained(folder)
    extractor.save_pretrained(folder)
    described = folder / "preprocessor_config.json"
    halves = {**(images or {}), **json.loads(described.read_text(encoding="utf-8")), "processor_class": processor}
    described.write_text(json.dumps(halves), encoding="utf-8")
    return tiny_models._save(model, words, folder)


def qwen3_omni_moe(folder: Path) -> Path:
    """The thinker of Qwen3-Omni: interleaved M-RoPE, a mixture of experts, a processor with a vision half."""
    words = tokenizer(**tiny_models.AUDIO_TOKENS, **tiny_models.VISION_TOKENS)
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1], "mrope_interleaved": True}
    experts = {"moe_intermediate_size": 32, "num_experts": 4, "num_experts_per_tok": 2, "decoder_sparse_step": 1, "head_dim": 8}
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 4, "out_hidden_size": 32}
    audio = tiny_models.audio_config() | {"output_dim": 32, "n_window": 50, "n_window_infer": 800, "downsample_hidden_size": 16}
    audio.pop("max_source_positions")
    config = _hub.Qwen3OmniMoeThinkerConfig(
        audio_config=audio,
        vision_config={**vision, "deepstack_visual_indexes": [0], "num_position_embeddings": 16},
        text_config=text_config(words, rope_parameters=rope, **experts),
        audio_token_id=words.audio_token_id,
        image_token_id=words.image_token_id,
        video_token_id=words.video_token_id,
        audio_start_token_id=words.audio_bos_token_id,
        vision_start_token_id=words.vision_bos_token_id,
        initializer_range=0.2,
    )
    torch.manual_seed(0)
    model = _hub.Qwen3OmniMoeThinkerForConditionalGeneration(config)
    images = _hub.Qwen2VLImageProcessorPil().to_dict()
    wrapper = "<|audio_bos|><|AUDIO|><|audio_eos|>"
    return saved_without_vision(model, words, whisper_extractor(), "Qwen3OmniMoeProcessor", folder, wrapper, images)


def qwen3_asr(folder: Path) -> Path:
    """Qwen3-ASR: one clip per prompt, clips of half a second and more."""
    words = tokenizer(**tiny_models.AUDIO_TOKENS, timestamp_token="<timestamp>")
    audio = tiny_models.audio_config() | {"output_dim": 32, "downsample_hidden_size": 16}
    audio.pop("max_source_positions")
    config = _hub.Qwen3ASRConfig(
        audio_config=audio,
        text_config=text_config(words, head_dim=8) | {"model_type": "qwen3"},
        audio_token_id=words.audio_token_id,
        timestamp_token_id=words.timestamp_token_id,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    torch.manual_seed(0)
    processor = _hub.Qwen3ASRProcessor(_hub.Qwen3ASRFeatureExtractor(), words)
    return saved(_hub.Qwen3ASRForConditionalGeneration(config), words, processor, folder, "<|audio_bos|><|AUDIO|><|audio_eos|>")


def glmasr(folder: Path) -> Path:
    """GLM-ASR: an encoder without a mask, one clip per prompt."""
    words = tokenizer(audio_token="<|pad|>", begin="<|begin_of_audio|>", end="<|end_of_audio|>")
    audio = llama_tower(num_key_value_heads=4, max_position_embeddings=50 * WINDOW) | {"intermediate_size": 128}
    config = _hub.GlmAsrConfig(
        audio_config=audio,
        text_config=text_config(words) | {"model_type": "llama"},
        audio_token_id=words.audio_token_id,
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    processor = _hub.GlmAsrProcessor(whisper_extractor(), words)
    model = _hub.GlmAsrForConditionalGeneration(config)
    return saved(model, words, processor, folder, "<|begin_of_audio|><|pad|><|end_of_audio|>")


def audioflamingo3(folder: Path) -> Path:
    """Audio Flamingo 3: windows of 30 seconds, not among transformers' automatic classes."""
    words = tokenizer(audio_token="<sound>")
    config = _hub.AudioFlamingo3Config(
        audio_config=llama_tower(), text_config=text_config(words) | {"model_type": "qwen2"}, audio_token_id=words.audio_token_id
    )
    torch.manual_seed(0)
    processor = _hub.AudioFlamingo3Processor(whisper_extractor(), words)
    return saved(_hub.AudioFlamingo3ForConditionalGeneration(config), words, processor, folder, "<sound>")


def musicflamingo(folder: Path) -> Path:
    """Music Flamingo: Audio Flamingo 3 with positions of its own for sound."""
    words = tokenizer(audio_token="<sound>", audio_bos_token="<|sound_bos|>", audio_eos_token="<|sound_eos|>")
    config = _hub.MusicFlamingoConfig(
        audio_config=llama_tower(model_type="audioflamingo3_encoder"),
        text_config=text_config(words) | {"model_type": "qwen2"},
        audio_token_id=words.audio_token_id,
        audio_bos_token_id=words.audio_bos_token_id,
        audio_eos_token_id=words.audio_eos_token_id,
    )
    torch.manual_seed(0)
    processor = _hub.MusicFlamingoProcessor(whisper_extractor(), words)
    return saved(_hub.MusicFlamingoForConditionalGeneration(config), words, processor, folder, "<sound>")


def gemma4(folder: Path) -> Path:
    """Gemma 4: a sliding window in every other layer, embeddings of the tokens in every layer."""
    names = {"image_token": "<|image|>", "boi_token": "<|image>", "eoi_token": "<image|>"}
    words = tokenizer(**names, audio_token="<|audio|>", boa_token="<|audio>", eoa_token="<audio|>", video_token="<|video|>")
    kinds = ["sliding_attention", "full_attention"] * 2
    own = {"head_dim": 8, "global_head_dim": 8, "sliding_window": 512, "layer_types": kinds, "num_kv_shared_layers": 0}
    per_layer = {"hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": len(words)}
    config = _hub.Gemma4Config(
        text_config=text_config(words, layers=4, **own, **per_layer),
        audio_config=_hub.Gemma4AudioConfig(
            hidden_size=32, num_hidden_layers=2, num_attention_heads=4, output_proj_dims=32, subsampling_conv_channels=[128, 8]
        ).to_dict(),
        vision_config=_hub.Gemma4VisionConfig(
            hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=4, head_dim=8
        ).to_dict(),
        audio_token_id=words.audio_token_id,
        image_token_id=words.image_token_id,
        video_token_id=words.video_token_id,
        boa_token_id=words.boa_token_id,
        eoa_token_index=words.eoa_token_id,
    )
    torch.manual_seed(0)
    model = _hub.Gemma4ForConditionalGeneration(config)
    return saved_without_vision(model, words, _hub.Gemma4AudioFeatureExtractor(), "Gemma4Processor", folder, "<|audio|>")


def vibevoice_asr(folder: Path) -> Path:
    """VibeVoice-ASR: 24 kHz, two acoustic tokenizers, noise added unless told otherwise."""
    words = tokenizer(audio_token="<|box_start|>", audio_bos_token="<|object_ref_start|>", audio_eos_token="<|object_ref_end|>")

    def heard(width: int) -> dict[str, Any]:
        return {"model_type": "vibevoice_acoustic_tokenizer_encoder", "hidden_size": width, "num_filters": 4, "depths": [1] * 7}

    config = _hub.VibeVoiceAsrConfig(
        acoustic_tokenizer_encoder_config=heard(16),
        semantic_tokenizer_encoder_config=heard(24),
        text_config=text_config(words) | {"model_type": "qwen2"},
        audio_token_id=words.audio_token_id,
        audio_bos_token_id=words.audio_bos_token_id,
        audio_eos_token_id=words.audio_eos_token_id,
    )
    torch.manual_seed(0)
    processor = _hub.VibeVoiceAsrProcessor(_hub.VibeVoiceAcousticTokenizerFeatureExtractor(), words)
    wrapper = "<|object_ref_start|><|box_start|><|object_ref_end|>"
    return saved(_hub.VibeVoiceAsrForConditionalGeneration(config), words, processor, folder, wrapper)


def voxtral(folder: Path) -> Path:
    """Voxtral: prompts by mistral_common, 375 placeholders for every 30 seconds begun."""
    size = tekken(folder)
    words = _hub.MistralCommonBackend.from_pretrained(folder)
    config = _hub.VoxtralConfig(
        audio_config=llama_tower() | {"intermediate_size": 128},
        text_config=text_config(words) | {"model_type": "llama", "vocab_size": size, "bos_token_id": 1},
        audio_token_id=words.convert_tokens_to_ids("[AUDIO]"),
    )
    torch.manual_seed(0)
    processor = _hub.VoxtralProcessor(whisper_extractor(), words)
    return saved(_hub.VoxtralForConditionalGeneration(config), words, processor, folder, None)


def tekken(folder: Path, version: str = "v13") -> int:
    """Write the words of mistral_common, its audio section included: the bytes and WORDS; returns their number."""
    pieces = [bytes([byte]) for byte in range(256)] + [f" {word}".encode() for word in sorted(set(tiny_models.WORDS.split()))]
    named = {
        0: "<unk>",
        1: "<s>",
        2: "</s>",
        3: "[INST]",
        4: "[/INST]",
        11: "<pad>",
        24: "[AUDIO]",
        25: "[BEGIN_AUDIO]",
        34: "[TRANSCRIBE]",
    }
    tools = ["AVAILABLE_TOOLS", "TOOL_RESULTS", "TOOL_CONTENT", "SYSTEM_PROMPT"]
    others = ["TOOL_CALLS", "ARGS", "CALL_ID", "IMG", "IMG_BREAK", "IMG_END", "PREFIX", "MIDDLE", "SUFFIX"]
    more = iter([*(f"[{mark}{tool}]" for tool in tools for mark in ("", "/")), *(f"[{other}]" for other in others)])
    control = [named.get(k) or next(more, f"<SPECIAL_{k}>") for k in range(40)]
    described = {
        "config": {
            "pattern": r" ?[^\s]+|\s+",
            "num_vocab_tokens": len(pieces),
            "default_vocab_size": len(pieces) + len(control),
            "default_num_special_tokens": len(control),
            "version": version,
        },
        "vocab": [{"rank": k, "token_bytes": b64encode(piece).decode(), "token_str": None} for k, piece in enumerate(pieces)],
        "special_tokens": [{"rank": k, "token_str": name, "is_control": True} for k, name in enumerate(control)],
        "audio": {
            "sampling_rate": 16_000,
            "frame_rate": 12.5,
            "chunk_length_s": float(WINDOW),
            "audio_encoding_config": {"num_mel_bins": MELS, "hop_length": 160, "window_size": 400},
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tekken.json").write_text(json.dumps(described), encoding="utf-8")
    return len(pieces) + len(control)


def granite_speech(folder: Path) -> Path:
    """Granite Speech: logits divided by a constant, a LoRA that only speech switches on, an encoder that hears its padding."""
    words = tokenizer(audio_token="<|audio|>")
    encoder = {"input_dim": 160, "num_layers": 2, "hidden_dim": 32, "feedforward_mult": 2, "num_heads": 4, "dim_head": 8, "output_dim": 42}
    projector = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64, "encoder_hidden_size": 32}
    config = _hub.GraniteSpeechConfig(
        text_config=text_config(words) | {"model_type": "granite", "logits_scaling": 8.0},
        encoder_config={**encoder, "context_size": 200, "max_pos_emb": 512, "conv_kernel_size": 15},
        projector_config={**projector, "cross_attention_frequency": 1, "model_type": "blip_2_qformer"},
        audio_token_index=words.audio_token_id,
        has_lora_adapter=True,
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    processor = _hub.GraniteSpeechProcessor(_hub.GraniteSpeechFeatureExtractor(), words)
    model = _hub.GraniteSpeechForConditionalGeneration(config)
    saved(model, words, processor, folder, "<|audio|>")
    with_lora(model, ["q_proj", "v_proj"], folder)
    return folder


def phi4_multimodal(folder: Path) -> Path:
    """Phi-4 multimodal: other names for its inputs, a template that its processor does not load again, an encoder that hears padding."""
    words = tokenizer(image_token="<|endoftext10|>", audio_token="<|endoftext11|>")
    vision = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 28,
        "crop_size": 28,
    }
    audio = {"hidden_size": 32, "intermediate_size": 64, "num_blocks": 2, "num_attention_heads": 4, "ext_pw_out_channel": 32}
    shapes = {"depthwise_separable_out_channel": 32, "nemo_conv_channels": 16, "input_size": 80}
    config = _hub.Phi4MultimodalConfig(
        **text_config(words),
        vision_config={**vision, "image_size": 28, "crop_size": 28, "image_token_id": words.image_token_id},
        audio_config={**audio, **shapes, "audio_token_id": words.audio_token_id},
    )
    torch.manual_seed(0)
    model = _hub.Phi4MultimodalForCausalLM(config)
    extractor = _hub.Phi4MultimodalFeatureExtractor()
    folder = saved_without_vision(model, words, extractor, "Phi4MultimodalProcessor", folder, "<|endoftext11|>")
    with_lora(model, ["qkv_proj"], folder / "speech-lora")
    return folder


def with_lora(model: Any, layers: list[str], folder: Path) -> None:
    """Write a LoRA with random weights for some layers of the decoder."""
    torch.manual_seed(1)
    model.add_adapter(
        peft.LoraConfig(target_modules=rf".*layers\.\d+\..*({'|'.join(layers)})", init_lora_weights=False, r=4, lora_alpha=16)
    )
    weights = peft.get_peft_model_state_dict(model)
    folder.mkdir(exist_ok=True)
    save_file({f"base_model.model.{name}": value.contiguous() for name, value in weights.items()}, folder / "adapter_model.safetensors")
    model.peft_config["default"].save_pretrained(folder)


def gemma3n(folder: Path) -> Path:
    """Gemma 3n: 188 placeholders whatever the clip, parallel streams of states (AltUp), an encoder that hears its padding."""
    names = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"}
    words = tokenizer(**names, audio_token="<audio_soft_token>", boa_token="<start_of_audio>", eoa_token="<end_of_audio>")
    size, layers = len(words) + 16, 4  # above the words: what the vision and the audio half call their own tokens
    kinds = ["sliding_attention", "full_attention"] * (layers // 2)
    own = {"head_dim": 8, "sliding_window": 512, "layer_types": kinds, "num_kv_shared_layers": 0, "laurel_rank": 8}
    per_layer = {"hidden_size_per_layer_input": 8, "vocab_size_per_layer_input": size, "activation_sparsity_pattern": [0.0] * layers}
    config = _hub.Gemma3nConfig(
        text_config=text_config(words, layers=layers, **own, **per_layer) | {"vocab_size": size, "intermediate_size": [64] * layers},
        audio_config={
            "vocab_size": 8,
            "vocab_offset": len(words) + 8,
            "hidden_size": 32,
            "conf_num_attention_heads": 4,
            "conf_num_hidden_layers": 2,
            "sscp_conv_channel_size": [16, 8],
        },
        vision_config={"hidden_size": 32, "vocab_size": 8, "vocab_offset": len(words)},
        audio_token_id=words.audio_token_id,
        image_token_id=words.image_token_id,
        boa_token_id=words.boa_token_id,
        eoa_token_id=words.eoa_token_id,
        boi_token_id=words.boi_token_id,
        eoi_token_id=words.eoi_token_id,
    )
    torch.manual_seed(0)
    with blind():
        model = _hub.Gemma3nForConditionalGeneration(config)
    wrapper = "<audio_soft_token>"
    return saved_without_vision(model, words, _hub.Gemma3nAudioFeatureExtractor(), "Gemma3nProcessor", folder, wrapper)


@contextmanager
def blind() -> Iterator[None]:
    """Inside the `with`, Gemma 3n has no eyes: timm, which makes them, needs torchvision, and that has no build for the processor alone."""
    from transformers.models.gemma3n import modeling_gemma3n

    whole = modeling_gemma3n.AutoModel

    class Ears:
        @staticmethod
        def from_config(config: Any, **options: Any) -> Any:
            return torch.nn.Identity() if config.model_type == "gemma3n_vision" else whole.from_config(config, **options)

    modeling_gemma3n.AutoModel = Ears
    try:
        yield
    finally:
        modeling_gemma3n.AutoModel = whole


def whisper_llm(folder: Path, seconds: int = WINDOW, **changed: Any) -> Path:
    """The recipe of the paper's own models, around a Qwen2 whose template takes plain strings. changed: of the processor."""
    words = tokenizer()
    words.chat_template = STRINGS
    processor = WhisperLLMProcessor(_hub.WhisperFeatureExtractor(feature_size=MELS, chunk_length=seconds), words, **changed)
    audio = tiny_models.audio_config(seconds=seconds)
    audio["init_std"] = audio.pop("initializer_range")
    config = WhisperLLMConfig(
        audio_config=audio,
        text_config=text_config(words) | {"model_type": "qwen2"},
        projector_size=48,
        audio_token_id=processor.audio_token_id,
    )
    torch.manual_seed(0)
    processor.save_pretrained(folder)
    return tiny_models._save(WhisperLLMForConditionalGeneration(config), words, folder)


BUILDERS: dict[str, Callable[[Path], Path]] = {
    build.__name__: build
    for build in (
        qwen3_omni_moe,
        qwen3_asr,
        glmasr,
        audioflamingo3,
        musicflamingo,
        gemma4,
        vibevoice_asr,
        voxtral,
        granite_speech,
        phi4_multimodal,
        gemma3n,
        whisper_llm,
    )
}
