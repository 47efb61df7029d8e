"""Which errors mean that memory ran out."""

from __future__ import annotations

import psutil
import pytest
import torch

from lsgap_bench.memory import free_bytes, ran_out


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
        MemoryError(),
    ],
)
def test_an_allocator_that_finds_no_room_is_understood(error: BaseException) -> None:
    assert ran_out(error)


@pytest.mark.parametrize("error", [RuntimeError("shapes do not match"), ValueError("out of memory"), KeyboardInterrupt()])
def test_other_errors_are_not_taken_for_it(error: BaseException) -> None:
    assert not ran_out(error)


def test_an_allocation_that_torch_refuses_is_understood() -> None:
    with pytest.raises((RuntimeError, MemoryError)) as refused:
        torch.empty(1 << 60)
    assert ran_out(refused.value)


def test_what_is_free_on_the_cpu_is_less_than_there_is() -> None:
    assert 0 < free_bytes(torch.device("cpu")) < psutil.virtual_memory().total
