"""Seeds for a process that belongs to one trial: every generator in it, also of libraries that come later."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.on_import import OnImport

if TYPE_CHECKING:
    from collections.abc import Callable


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch, as far as they are imported; torch seeds CUDA when that starts."""
    random.seed(seed)
    for name, set_up in _setters(seed).items():
        if name in sys.modules:
            set_up(sys.modules[name])


def seed_process(seed: int, threads: int) -> None:
    """Do the same, also for what the trial's code imports only later, and set torch's threads."""
    random.seed(seed)
    for name, set_up in _setters(seed, threads).items():
        if name in sys.modules:
            set_up(sys.modules[name])
        else:
            sys.meta_path.insert(0, OnImport(name, set_up))


def _setters(seed: int, threads: int = 0) -> dict[str, Callable[[Any], None]]:
    def set_numpy(numpy: Any) -> None:
        numpy.random.seed(seed)

    def set_torch(torch: Any) -> None:
        torch.manual_seed(seed)
        if threads:
            torch.set_num_threads(threads)

    return {"numpy": set_numpy, "torch": set_torch}
