"""Which names code takes from the namespace around it, read from its bytecode.

The compiler has settled all questions of scope (comprehensions, classes, `global`, walrus) by then.
"""

from __future__ import annotations

import dis
import functools
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADS = frozenset({"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"})
_STORES = frozenset({"STORE_NAME", "STORE_GLOBAL"})


@functools.lru_cache(maxsize=1024)  # disassembling costs a microsecond per instruction
def outer_names(code: CodeType) -> tuple[str, ...]:
    """Return the names that a body reads without having bound them before, in order of appearance.

    What functions inside read counts unless the body binds it anywhere: they run later.
    """
    bound: set[str] = set()
    direct: dict[str, None] = {}
    inner: dict[str, None] = {}
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if instruction.opname in _STORES:
            bound.add(name)
        elif instruction.opname in _LOADS and name not in bound and not name.startswith("__"):
            direct[name] = None
        elif isinstance(name, CodeType):
            inner |= dict.fromkeys(outer_names(name))
    return (*direct, *(name for name in inner if name not in bound and name not in direct))


def inner_codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all that are defined inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from inner_codes(constant)


def rebound_names(code: CodeType) -> frozenset[str]:
    """Return the names around a function that it assigns by `global` or `nonlocal`: they hold its state."""
    stores = {"STORE_GLOBAL", "STORE_DEREF", "DELETE_GLOBAL", "DELETE_DEREF"}
    return frozenset(
        instruction.argval
        for part in inner_codes(code)
        for instruction in dis.get_instructions(part)
        if instruction.opname in stores and instruction.argval not in code.co_cellvars
    )
