"""Seeds for a process that belongs to one trial: every generator in it, also of libraries that come later."""

from __future__ import annotations

import importlib.util
import random
import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


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
            sys.meta_path.insert(0, _OnImport(name, set_up))


def _setters(seed: int, threads: int = 0) -> dict[str, Callable[[Any], None]]:
    def set_numpy(numpy: Any) -> None:
        numpy.random.seed(seed)

    def set_torch(torch: Any) -> None:
        torch.manual_seed(seed)
        if threads:
            torch.set_num_threads(threads)

    return {"numpy": set_numpy, "torch": set_torch}


class _OnImport(MetaPathFinder):
    """Calls something once, when a module has been imported."""

    def __init__(self, name: str, then: Callable[[Any], None]) -> None:
        self._name = name
        self._then = then

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol
        target: ModuleType | None = None,  # noqa: ARG002 - likewise
    ) -> ModuleSpec | None:
        if fullname != self._name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            self._then(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # this one loader, for this one import
        return spec
