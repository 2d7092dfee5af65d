from __future__ import annotations

import subprocess
import sys

import pytest

from astraml_lab.devices import SystemProbe
from astraml_lab.devices.probe import visible_order

UUIDS = ["GPU-aa11", "GPU-ab22", "GPU-cc33"]


@pytest.mark.parametrize(
    ("visible", "order"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("2,0", [2, 0]),
        (" 1 ", [1]),
        ("0,9,1", [0]),
        ("-1", []),
        ("1,1", []),
        ("GPU-cc,GPU-aa11", [2, 0]),
        ("GPU-a", []),
        ("NoDevFiles", []),
    ],
)
def test_visible_devices_are_numbered_as_cuda_does(visible: str | None, order: list[int]) -> None:
    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert visible_order(UUIDS, environ) == order


def test_looking_without_a_driver_finds_nothing_and_loads_no_torch() -> None:
    code = (
        "import sys\n"
        "from astraml_lab.devices import SystemProbe\n"
        "found = SystemProbe().list()\n"
        "assert found or 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.gpu
def test_gpus_have_torchs_numbers_and_ones_own_memory_is_nobody_elses() -> None:
    import torch

    probe = SystemProbe()
    before = probe.list()
    assert [device.name for device in before] == [
        torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())
    ]
    assert [device.uuid for device in before] == [
        f"GPU-{torch.cuda.get_device_properties(number).uuid}" for number in range(torch.cuda.device_count())
    ]
    held = torch.empty(1 << 30, dtype=torch.uint8, device="cuda:0")
    after = probe.list()
    assert after[0].free_bytes <= before[0].free_bytes - held.numel()
    assert after[0].used_by_others_bytes < before[0].used_by_others_bytes + (1 << 30)
