from __future__ import annotations

import gc
import importlib
import os
import queue
from typing import TYPE_CHECKING, Any

import pytest
from contracts.executor_contract import RecordingChannel
from plugins.patience import PATIENCE

from astraml_lab.executors import Outcome, ProcessExecutor, Task
from astraml_lab.process import Templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from executors.conftest import Bench

    from astraml_lab.trial import Channel

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def forking() -> Iterator[Templates]:
    """Servers that were started after these were imported, and so have them; pandas brings pyarrow."""
    importlib.import_module("pandas")
    servers = Templates(fork=True)
    yield servers
    assert servers.close(PATIENCE)


class Squares(torch.utils.data.Dataset[Any]):  # type: ignore[misc,name-defined]  # torch is loaded on demand
    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        return torch.tensor(float(index * index)), os.getpid()


def _sum_of_squares(start_method: str) -> Any:
    def run(_channel: Channel) -> tuple[float, int]:
        loader = torch.utils.data.DataLoader(
            Squares(), batch_size=2, num_workers=2, multiprocessing_context=start_method
        )
        total, workers = 0.0, set()
        for values, pids in loader:
            total += float(values.sum())
            workers |= set(pids.tolist())
        return total, len(workers - {os.getpid()})

    return run


def test_a_data_loader_forks_its_workers_in_a_trial(bench: Bench) -> None:
    assert bench.value(_sum_of_squares("fork")) == (140.0, 2)


@pytest.mark.slow
def test_a_data_loader_spawns_its_workers_in_a_trial(bench: Bench) -> None:
    assert bench.value(_sum_of_squares("spawn")) == (140.0, 2)


def test_the_servers_have_torch_one_thread_and_no_cuda(forking: Templates) -> None:
    probe = forking.base().probe()
    assert {"torch", "pandas"} <= set(probe.modules)
    assert "torch._dynamo" in probe.modules  # else the first optimizer of each trial would import it
    assert probe.threads == 1
    assert not probe.cuda


def test_global_seeds_make_a_trial_exact(bench: Bench) -> None:
    def run(_channel: Channel) -> list[float]:
        torch.manual_seed(7)
        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            loss = model(torch.randn(8, 4)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return [float(each) for each in model.weight.flatten()]

    assert bench.value(run) == bench.value(run)


def test_the_number_of_threads_is_the_environments(bench: Bench) -> None:
    def run(_channel: Channel) -> int:
        return int(torch.get_num_threads())

    assert [bench.value(run), bench.value(run, {"OMP_NUM_THREADS": "2"})] == [1, 2]


class _OnGpu(torch.Tensor):  # type: ignore[misc,name-defined]  # torch is loaded on demand
    """Says of itself what a tensor on a GPU says."""

    device = torch.device("cuda", 0)


def test_a_tensor_on_a_gpu_is_refused_by_name(bench: Bench) -> None:
    net = {"weights": torch.ones(2).as_subclass(_OnGpu)}
    advice = "move it to the CPU before the job, the trial moves it back"
    assert bench.end(lambda _channel: net).error == f"`net['weights']` holds a tensor on cuda:0: {advice}"


@pytest.mark.gpu
def test_cuda_works_in_trials_and_never_begins_in_the_servers(bench: Bench, forking: Templates) -> None:
    def run(_channel: Channel) -> tuple[float, int]:
        return float(torch.ones(3, device="cuda").sum()), torch.cuda.device_count()

    assert bench.value(run, {"CUDA_VISIBLE_DEVICES": "0"}) == (3.0, 1)
    assert not forking.base().probe().cuda
    template = bench.executor._site.template()
    assert not template.probe().cuda
    assert template.probe().threads == 1


@pytest.mark.gpu
def test_the_leased_gpu_alone_is_visible_although_torch_was_loaded_before(bench: Bench) -> None:
    def run(_channel: Channel) -> tuple[bool, int]:
        return torch.cuda.is_available(), torch.cuda.device_count()

    assert bench.value(run, {"CUDA_VISIBLE_DEVICES": ""}) == (False, 0)
    assert bench.value(run, {"CUDA_VISIBLE_DEVICES": "0"}) == (True, 1)


@pytest.mark.gpu
def test_a_gpu_that_is_full_or_asserts_costs_its_trial_alone_and_is_free_afterwards(bench: Bench) -> None:
    def fill(_channel: Channel) -> None:
        total = torch.cuda.mem_get_info()[1]
        torch.empty(2 * total, dtype=torch.uint8, device="cuda")

    def fail(_channel: Channel) -> None:
        torch.zeros(2, device="cuda")[torch.tensor([5], device="cuda")]
        torch.cuda.synchronize()

    def take(_channel: Channel) -> float:
        return float(torch.ones(1_000_000, device="cuda").sum())

    def free(_channel: Channel) -> int:
        return int(torch.cuda.mem_get_info()[0])

    before = bench.value(free)
    assert "OutOfMemoryError" in bench.end(fill).error_type
    assert "device-side assert" in bench.end(fail).traceback
    assert bench.value(take) == 1_000_000
    assert abs(int(str(bench.value(free))) - int(str(before))) < 100_000_000


@pytest.mark.gpu
def test_a_tensor_on_the_kernels_gpu_is_refused_by_name(forking: Templates) -> None:
    model = torch.nn.Linear(2, 2).cuda()
    executor = ProcessExecutor([model], home=forking)
    ends: queue.Queue[Outcome] = queue.Queue()
    executor.submit(Task("t", lambda _channel: None, RecordingChannel()), ends.put)
    assert "holds a tensor on cuda:0" in (ends.get(timeout=PATIENCE).error or "")
    assert executor.close(PATIENCE)
    del model
    gc.collect()
    torch.cuda.empty_cache()
