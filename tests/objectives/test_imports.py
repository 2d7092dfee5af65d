from __future__ import annotations

from astraml_lab.objectives.imports import imported


def test_every_import_is_found_once_by_its_full_name() -> None:
    source = """
import torch, os
import torch.nn.functional as F
from torch.utils.data import DataLoader
def train():
    from torch.utils.data import Dataset
    from . import sibling
    import sklearn
"""
    names = ("torch", "os", "torch.nn.functional", "torch.utils.data", "sklearn")
    assert imported(source) == names


def test_what_is_no_python_imports_nothing() -> None:
    assert imported("trials: 20\nimport") == imported("") == imported("\0") == ()
