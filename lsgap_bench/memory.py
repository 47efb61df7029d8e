"""How much memory a device has left, how much was taken at most, and whether an error says that it ran out."""

from __future__ import annotations

import psutil
import torch

_SAID = ("out of memory", "can't allocate memory", "not enough memory")  # by the allocators of accelerators and of the CPU


def ran_out(error: BaseException) -> bool:
    """Whether an error means that a device has no memory left, so that a smaller batch may do."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in _SAID)


def free_bytes(device: torch.device) -> int:
    """Bytes that tensors may still take on a device."""
    if device.type != "cuda":
        return int(psutil.virtual_memory().available)
    free, _ = torch.cuda.mem_get_info(device)
    return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))  # what torch holds for later is free, too


def peak_bytes(device: torch.device) -> int:
    """Most bytes that tensors took on a GPU since `forget_peak`; elsewhere what the process holds now."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


def forget_peak(device: torch.device) -> None:
    """Begin anew to measure the most that is taken."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def give_back() -> None:
    """Return what torch holds for later to the GPU."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
