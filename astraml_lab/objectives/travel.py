"""Whether a job's code can be sent to the processes of its trials, and how much that is."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives.paths import path_to
from astraml_lab.spec import Categorical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from astraml_lab.objectives.baggage import Baggage
    from astraml_lab.objectives.base import Code
    from astraml_lab.objectives.paths import Step
    from astraml_lab.objectives.survey import Snag
    from astraml_lab.spec import Space

LARGE = 50_000_000
"""Bytes from which on a capture is named."""
_PLAIN = frozenset({"__main__", "builtins", "collections", "functools"})
"""Modules of what people put together by hand: what is inside is to blame, not the whole."""
_GB = 1e9
_MB = 1e6


@dataclass(frozen=True)
class Travel:
    """What a job sends to its processes, once.

    Attributes:
        notes: One sentence that names what is large; empty where nothing is.
        size: Bytes in all, within a few per cent.
    """

    notes: tuple[str, ...] = ()
    size: int = 0


def check(code: Code, space: Space) -> Travel:
    """Look at everything that the code takes along to a process, and at the objects behind labels.

    To be called in the main thread, at the launch: processes get the values as they are then.

    Raises:
        InvalidSpec: Something cannot travel, with every name, its type and what to do.
    """
    found = code.baggage.survey(labelled(space))
    if found.snags:
        problems = [_problem(snag, code.baggage) for snag in found.snags]
        raise InvalidSpec(problems, subject="what the trials' processes need")
    size = sum(found.sizes.values())
    return Travel(_notes(found.sizes, size), size)


def labelled(space: Space) -> dict[str, Any]:
    """Return the objects behind the labels of a space by expression: `act['relu']`."""
    return {
        f"{name}[{label!r}]": dimension.decode(label)
        for name, dimension in space.dimensions.items()
        if isinstance(dimension, Categorical) and dimension.has_objects
        for label in dimension.choices
    }


def _problem(snag: Snag, baggage: Baggage) -> Problem:
    path = path_to(snag.item.name, snag.item.value, snag.thing)
    users = "".join(f", used by `{user}`" for user in snag.item.via)
    if snag.device:
        return _on_gpu(snag, path, users, baggage)
    where, culprit = next((step for step in path if type(step[1]).__module__ not in _PLAIN), path[-1])
    reason = _reason(snag.error) if culprit is snag.thing else _inside(where, path[-1])
    hint = f"{_verb(culprit)} it inside {baggage.home}, or use {baggage.threads}"
    return Problem(f"`{where}`{users}", _kind(culprit), f"it cannot be sent to a process{reason}", hint)


def _reason(error: str) -> str:
    """Quote what pickling said, unless that is only the type once more."""
    return "" if not error or error.startswith("cannot pickle") else f": {_one_line(error)}"


def _inside(where: str, last: Step) -> str:
    """Say which part of an object is to blame; private names tell a person nothing."""
    inner, thing = last
    return (
        f": it holds {_kind(thing)}"
        if "._" in inner.removeprefix(where)
        else f": `{inner}` is {_kind(thing)}"
    )


def _on_gpu(snag: Snag, path: tuple[Step, ...], users: str, baggage: Baggage) -> Problem:
    """Name the outermost object that can be moved as a whole: the model, not its weights."""
    movable = [step for step in path if hasattr(step[1], "cpu") and "…" not in step[0]]
    if movable:
        where, thing = movable[0]
        given = f"{_kind(thing)} that lives on {snag.device}"
        hint = f"move it to the CPU first: {where} = {where}.cpu()"
    else:  # an optimizer's state, a set
        where, thing = path[0]
        given = f"{_kind(thing)} with tensors on {snag.device}"
        hint = f"make it inside {baggage.home}, or use {baggage.threads}"
    return Problem(f"`{where}`{users}", given, "GPU memory cannot be sent to a process", hint)


def _kind(thing: Any) -> str:
    kind = type(thing)
    name = kind.__qualname__
    if kind.__module__ == "_io":
        name = "open file"
    elif kind.__module__ not in {"builtins", "__main__"}:
        name = f"{kind.__module__}.{name}"
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _verb(thing: Any) -> str:
    opened = hasattr(thing, "close") and not isinstance(thing, Generator | Coroutine)
    return "open" if opened else "make"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200].rstrip(".")


def _notes(sizes: Mapping[str, int], size: int) -> tuple[str, ...]:
    if size < LARGE:
        return ()
    largest = sorted(sizes, key=lambda name: sizes[name], reverse=True)
    named = [name for name in largest if sizes[name] >= LARGE] or largest[:1]
    words = [f"{name} ({_size_words(sizes[name])})" for name in named]
    what = words[0] + " is" if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]} are"
    whole = _size_words(size)
    rest = "" if len(words) == 1 and whole in words[0] else f", {whole} in all"
    return (f"{what} copied to the trials' processes once per job{rest}",)


def _size_words(size: int) -> str:
    return f"{size / _GB:.1f} GB" if size >= _GB else f"{size / _MB:.0f} MB"
