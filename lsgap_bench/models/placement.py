"""Where and how a model's weights are held: device, numbers, attention kernel, quantization, compilation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import transformers

from lsgap_bench.errors import UsageError
from lsgap_bench.memory import ran_out

_hub: Any = transformers  # largely untyped
BLOCKS = ("layers", "h")
"""What decoders of transformers call their blocks."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Placement:
    """dtype: "auto" or a name. device: None for CUDA where there is one. attn_implementation, device_map: see transformers.

    load_in_8bit, load_in_4bit: quantize while loading, with bitsandbytes (extra `quantization`). compile: the decoder's blocks by
    torch.compile, with a backend if one is named.
    """

    dtype: str = "auto"
    device: str | None = None
    attn_implementation: str | None = None
    device_map: str | None = None
    load_in_8bit: bool = False
    load_in_4bit: bool = False
    compile: bool | str = False

    def target(self) -> str:
        """The device; UsageError where it cannot be used, and for settings that contradict each other."""
        if self.load_in_8bit and self.load_in_4bit:
            raise UsageError("load_in_8bit and load_in_4bit are given both; choose one")
        return _usable(self.device or ("cuda" if torch.cuda.is_available() else "cpu"))

    def arguments(self, target: str) -> dict[str, Any]:
        """What `from_pretrained` of a model takes."""
        dtype = _dtype(self.dtype, target)
        named: dict[str, Any] = {"attn_implementation": self.attn_implementation, "device_map": self.device_map}
        if self.load_in_8bit or self.load_in_4bit:
            named["device_map"] = self.device_map or {"": target}  # quantized weights cannot be moved afterwards
            named["quantization_config"] = self._bitsandbytes(torch.bfloat16 if dtype == "auto" else dtype)
        return {"dtype": dtype, **{k: v for k, v in named.items() if v}}

    def _bitsandbytes(self, computed_in: torch.dtype) -> Any:
        try:
            return _hub.BitsAndBytesConfig(
                load_in_8bit=self.load_in_8bit,
                load_in_4bit=self.load_in_4bit,
                bnb_4bit_compute_dtype=computed_in,
                bnb_4bit_quant_type="nf4",
            )
        except ImportError:
            asked = "load_in_8bit" if self.load_in_8bit else "load_in_4bit"
            raise UsageError(f"{asked} needs the package bitsandbytes; pip install 'lsgap-bench[quantization]'") from None

    def placed(self, model: Any, target: str) -> Any:
        """The model in evaluation mode on its device; UsageError where there is no room for it."""
        if model.dtype == torch.float32:  # convolutions of a GPU are coarser otherwise, and then depend on the batch
            torch.backends.cudnn.allow_tf32 = False
        if target.startswith("cuda"):  # cuDNN's attention plans anew for every length, which takes longer than to attend
            torch.backends.cuda.enable_cudnn_sdp(False)
        try:
            model = model.eval() if self.device_map or _quantization(model) else model.eval().to(target)
        except RuntimeError as error:
            if not ran_out(error):
                raise
            raise UsageError(f"device={target} has no room for the model; choose a smaller dtype or --model_args device_map=auto") from None
        if self.compile:
            compiled(model, _backend(self.compile))
        return model

    def facts(self, model: Any) -> dict[str, str]:
        """What a record says of how a model is held: `dtype`, with the quantization if there is one; `compiled`, if it is."""
        held = (str(model.dtype).removeprefix("torch."), _quantization(model))
        return {"dtype": ", ".join(filter(None, held)), **({"compiled": _backend(self.compile)} if self.compile else {})}


def blocks_of(decoder: Any) -> Any:
    """A decoder's blocks, in order; empty where they have other names than BLOCKS."""
    return next((getattr(decoder, name) for name in BLOCKS if hasattr(decoder, name)), ())


def compiled(model: Any, backend: str) -> None:
    """Compile the forward of each decoder block, and nothing around it, so that hooks run outside of what is compiled."""
    blocks = blocks_of(model.get_decoder())
    limit = torch._dynamo.config.recompile_limit
    torch._dynamo.config.recompile_limit = max(limit, 4 * len(blocks))  # each block counts, for each knows its place in the cache
    for block in blocks:
        block.forward = torch.compile(block.forward, backend=backend, dynamic=True)


def _quantization(model: Any) -> str | None:
    """How the weights were made smaller, by us or in the checkpoint."""
    config = getattr(model.config, "quantization_config", None)
    if config is None:
        return None
    declared = config if isinstance(config, dict) else config.to_dict()
    method = getattr(declared.get("quant_method"), "value", declared.get("quant_method"))
    bits = 8 if declared.get("load_in_8bit") else 4 if declared.get("load_in_4bit") else declared.get("bits")
    return f"{method} {bits} bit" if bits else str(method)


def _backend(compile: bool | str) -> str:
    return compile if isinstance(compile, str) else "inductor"


def _usable(device: str) -> str:
    """The device, after a first tensor on it."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"device={device} cannot be used ({str(error).splitlines()[0]}); choose another --device") from None
    return device


def _dtype(name: str, target: str) -> Any:
    if name == "auto":
        return torch.float32 if target.startswith("cpu") else "auto"  # bfloat16 is slower and coarser on most CPUs
    if name not in DTYPES:
        raise UsageError(f"dtype={name} is not known; write auto, {', '.join(DTYPES)}")
    return DTYPES[name]
