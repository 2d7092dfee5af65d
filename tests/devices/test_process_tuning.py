from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from astraml_lab.devices import ProcessTuning

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def interval() -> Iterator[float]:
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


def in_a_new_thread(call: Any) -> Any:
    values: list[Any] = []
    thread = threading.Thread(target=lambda: values.append(call()))
    thread.start()
    thread.join()
    return values[0]


def test_the_last_job_restores_the_switch_interval(interval: float) -> None:
    tuning = ProcessTuning(switch_interval=0.0004)
    tuning.start(1)
    tuning.start(2)
    tuning.stop(1)
    assert sys.getswitchinterval() == pytest.approx(0.0004)
    tuning.stop(2)
    tuning.stop(2)
    assert sys.getswitchinterval() == interval


def test_what_the_user_changed_meanwhile_stays() -> None:
    tuning = ProcessTuning()
    tuning.start(1)
    sys.setswitchinterval(0.01)
    tuning.stop(1)
    assert sys.getswitchinterval() == pytest.approx(0.01)


def test_a_shorter_interval_of_the_user_is_kept() -> None:
    sys.setswitchinterval(0.00005)
    before = sys.getswitchinterval()
    tuning = ProcessTuning()
    tuning.start(1)
    assert sys.getswitchinterval() == before
    tuning.stop(1)
    assert sys.getswitchinterval() == before


def test_trials_get_the_threads_and_the_users_own_thread_keeps_its_number() -> None:
    torch = pytest.importorskip("torch")
    mine, new = torch.get_num_threads(), in_a_new_thread(torch.get_num_threads)
    tuning = ProcessTuning()
    tuning.start(3)
    tuning.start(1)
    assert (torch.get_num_threads(), in_a_new_thread(torch.get_num_threads)) == (mine, 1)
    tuning.stop(1)
    assert in_a_new_thread(torch.get_num_threads) == 3
    tuning.stop(3)
    assert (torch.get_num_threads(), in_a_new_thread(torch.get_num_threads)) == (mine, new)


def test_a_torch_that_is_imported_later_is_tuned_and_restored() -> None:
    pytest.importorskip("torch")
    code = (
        "import threading\n"
        "from astraml_lab.devices import ProcessTuning\n"
        "tuning = ProcessTuning()\n"
        "tuning.start(7)\n"
        "import torch\n"
        "def seen():\n"
        "    values = []\n"
        "    thread = threading.Thread(target=lambda: values.append(torch.get_num_threads()))\n"
        "    thread.start(); thread.join()\n"
        "    return values[0]\n"
        "before = seen()\n"
        "tuning.refresh()\n"
        "assert seen() == 7\n"
        "tuning.stop(7)\n"
        "assert seen() == before == torch.get_num_threads()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
