"""What the benchmarks of this folder share: arguments, and a file from which a broken-off one goes on."""

from __future__ import annotations

import argparse
import itertools
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


def quiet() -> None:
    """Keep warnings and Optuna's log out of what is printed."""
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def arguments_of(seeds: str = "10-19") -> argparse.ArgumentParser:
    """Return a parser that knows `--out` and `--seeds`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default=seeds, type=seeds_of)
    return parser


def seeds_of(text: str) -> range:
    """Read `10-19`, or one seed."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def names_of(text: str) -> list[str]:
    """Read names with commas between them."""
    return text.split(",")


def completed(
    out: Path, of: Mapping[str, Iterable[Any]], run: Callable[..., Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return a run for each combination, made where the file does not hold it yet.

    Args:
        out: A JSON line for each run: how it is called, and what it gave.
        of: What a run is called by, and the values of each; the first changes last.
        run: Makes a run; takes what it is called by, by name.
    """
    lines = out.read_text().splitlines() if out.exists() else []
    found = {_key(one, tuple(of)): one for one in map(json.loads, lines)}
    kept = []
    for values in itertools.product(*of.values()):
        called = dict(zip(of, values, strict=True))
        key = _key(called, tuple(of))
        if key not in found:
            found[key] = {**called, **run(**called)}
            with out.open("a") as file:
                file.write(json.dumps(found[key]) + "\n")
        kept.append(found[key])
    return kept


def _key(one: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(one.get(name) for name in names)
