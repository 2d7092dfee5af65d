"""Worker processes of a data loader, forked from a trial's thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from objectives.children import cell, run_in_child

if TYPE_CHECKING:
    from pathlib import Path

    from objectives.conftest import MakeTrial

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")

LOADS = """
from dataclasses import dataclass
import torch
from torch.utils.data import DataLoader, Dataset

@dataclass
class Batch:
    rows: object

class Squares(Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, index):
        return torch.tensor(float(index * index))

def collate(rows):
    return Batch(torch.stack(rows))

loader = DataLoader(Squares(), batch_size=2, num_workers=2, collate_fn=collate)
report(total=sum(batch.rows.sum().item() for batch in loader))
"""


def test_it_works_in_a_trials_thread_with_the_cells_own_classes(make_trial: MakeTrial) -> None:
    trial, recorder = make_trial()
    code = cell(LOADS, {})
    thread = threading.Thread(target=code.run, args=(trial,), daemon=True)
    thread.start()
    thread.join(timeout=120)
    assert recorder.reports == [{"total": 140.0}]


def test_it_works_in_a_process_with_the_cells_own_classes(tmp_path: Path) -> None:
    ran = run_in_child(cell(LOADS, {}), tmp_path)
    assert ran.traceback == ""
    assert ran.reports == [{"total": 140.0}]
