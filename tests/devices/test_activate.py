from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from astraml_lab.clock import SystemClock
from astraml_lab.devices import (
    FakeProbe,
    LeaseRequest,
    Pool,
    SystemProbe,
    activate,
    allocated_bytes,
    cpu_threads,
    is_oom,
    is_poisoned,
    release_memory,
)


@pytest.mark.parametrize(
    ("parallel", "cores", "threads"), [(1, 8, 8), (2, 8, 4), (3, 8, 2), (16, 8, 1), (0, 4, 4)]
)
def test_trials_share_the_cores(parallel: int, cores: int, threads: int) -> None:
    assert cpu_threads(parallel, cores) == threads


def test_memory_that_ran_out_is_recognised_through_its_causes() -> None:
    torch = pytest.importorskip("torch")
    assert is_oom(MemoryError())
    assert is_oom(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"))
    assert is_oom(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert not is_oom(RuntimeError("shapes do not fit"))
    assert not is_oom(ValueError("the buffer is out of memory jokes"))
    error = ValueError("training failed")
    error.__cause__ = MemoryError()
    assert is_oom(error)
    error.__cause__ = error
    assert not is_oom(error)


def test_a_broken_cuda_context_is_recognised() -> None:
    assert is_poisoned(RuntimeError("CUDA error: device-side assert triggered"))
    assert not is_poisoned(RuntimeError("CUDA out of memory"))
    assert not is_poisoned(ValueError("device-side assert"))


def test_a_cpu_trial_needs_no_torch() -> None:
    code = (
        "import sys\n"
        "from astraml_lab.clock import SystemClock\n"
        "from astraml_lab.devices import *\n"
        "lease = Pool(FakeProbe(), SystemClock()).try_lease(LeaseRequest('a'))\n"
        "with activate(lease): pass\n"
        "assert (allocated_bytes(lease.devices), release_memory(lease.devices)) == (0, 0)\n"
        "assert not is_oom(RuntimeError('x')) and is_oom(RuntimeError('CUDA out of memory'))\n"
        "tuning = ProcessTuning(); tuning.start(1); tuning.refresh(); tuning.stop(1)\n"
        "assert not {'torch', 'pynvml', 'IPython', 'optuna'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_made_up_gpus_can_be_activated_and_hold_nothing() -> None:
    lease = Pool(FakeProbe(2), SystemClock()).try_lease(LeaseRequest("a"))
    assert lease is not None
    with activate(lease):
        assert allocated_bytes(lease.devices) == release_memory(lease.devices) == 0


@pytest.mark.gpu
def test_cuda_means_the_leased_gpu_in_the_trials_thread_only() -> None:
    import torch

    last = torch.cuda.device_count() - 1
    lease = Pool(SystemProbe(), SystemClock()).try_lease(LeaseRequest("a", devices=(last,)))
    assert lease is not None
    seen: list[int | None] = []

    def trial() -> None:
        with activate(lease):
            seen.append(torch.empty(1, device="cuda").device.index)

    thread = threading.Thread(target=trial)
    thread.start()
    thread.join()
    assert (seen, torch.cuda.current_device()) == ([last], 0)


@pytest.mark.gpu
def test_what_a_trial_leaks_is_measured_and_what_it_left_is_freed() -> None:
    import torch

    before = allocated_bytes((0,))
    leaked = torch.empty(1 << 20, dtype=torch.uint8, device="cuda:0")
    freed = torch.empty(1 << 28, dtype=torch.uint8, device="cuda:0")
    del freed
    assert release_memory((0,)) - before == leaked.numel()
    assert torch.cuda.memory_reserved(0) < 1 << 28
