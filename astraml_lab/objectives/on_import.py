"""Acting on a module when somebody imports it, and not before."""

from __future__ import annotations

import importlib.util
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class OnImport(MetaPathFinder):
    """Calls something when a module has been imported; put it at the front of `sys.meta_path`.

    Args:
        name: The module's full name.
        then: Gets the module, before the `import` statement of whoever imports it goes on.
    """

    def __init__(self, name: str, then: Callable[[Any], None]) -> None:
        self._name = name
        self._then = then
        self._asking = False

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol
        target: ModuleType | None = None,  # noqa: ARG002 - likewise
    ) -> ModuleSpec | None:
        """Find the module as it would be found anyway, and have its loader call back."""
        if fullname != self._name or self._asking:
            return None
        self._asking = True  # not: remove it. Another thread that goes through the list would skip a finder.
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._asking = False
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            self._then(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # this one loader, for this one import
        return spec
