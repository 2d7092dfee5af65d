"""Runs a cell once per trial, each time in a module of its own."""

from __future__ import annotations

import contextlib
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import cloudpickle

from astraml_lab.objectives.baggage import Baggage
from astraml_lab.objectives.base import NO_EXTRAS
from astraml_lab.objectives.fingerprint import reached, tree_digest
from astraml_lab.objectives.frames import user_traceback
from astraml_lab.objectives.references import outer_names
from astraml_lab.spec import Program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from astraml_lab.objectives.cell_source import ParsedCell
    from astraml_lab.trial import Trial

# IPython's own names: the history would keep every output alive as long as the job.
_IPYTHON = re.compile(r"__\w+__|_{1,3}|_i{1,3}|_i?\d+|_[iod]h|In|Out|exit|quit")


class CellCode:
    """The code of a `%%tune` cell.

    Thread-safe: trials share the compiled code and a shallow snapshot of the notebook's names, nothing else.
    Pickled (by cloudpickle), it takes only the names along that the cell's text reads: in a process, what is
    looked up by a made-up name (`globals()[…]`) is not there.

    Args:
        cell: The parsed cell.
        names: The notebook's names; those that exist now are what every trial sees.
        job: The job's name, part of the trial modules' names.
    """

    def __init__(self, cell: ParsedCell, names: Mapping[str, Any], *, job: str = "") -> None:
        self._code = cell.code
        self._names = {name: value for name, value in names.items() if not _IPYTHON.fullmatch(name)}
        self._wants_device = "device" in outer_names(cell.code)
        self._job = re.sub(r"\W+", "_", job).strip("_") or "job"
        body = [name for name in cell.names if name in self._names]
        found = reached(body, names, cell.tree)
        self._parts = {"the cell": tree_digest(cell.tree), **found.parts}
        self.uncompared = found.uncompared
        objects = cell.space.with_objects()
        self.program = Program(kind="cell", source=cell.source, names=tuple(body), objects=objects)
        self.baggage = Baggage({name: self._names[name] for name in body}, codes=(cell.code,))

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_names": self.baggage.names}

    def fingerprint(self) -> Mapping[str, str]:
        """Return a digest of the cell, and of each notebook function, class and value it reaches."""
        return dict(self._parts)

    def run(self, trial: Trial, extras: Mapping[str, Any] = NO_EXTRAS) -> None:
        """Run the cell for one trial; its metrics come through `report`."""
        with self._module(trial.number) as module:
            namespace = module.__dict__
            namespace.update(self._names, **trial.params)
            namespace.update(report=trial.report, trial=trial, **extras)
            if self._wants_device:
                namespace["device"] = trial.device  # else it would import torch for nobody: seconds
            exec(self._code, namespace)  # noqa: S102 - the user's own cell, in the user's own kernel

    def traceback(self, error: BaseException) -> str:
        """Format the user's part of the traceback, with the lines of the cell."""
        return user_traceback(error)

    @contextlib.contextmanager
    def _module(self, number: int) -> Iterator[ModuleType]:
        """Register a module for one trial: pickle, dataclasses and data loaders look classes up there.

        What outlives the trial (a kept model, a thread) goes on using the module's names; with nothing kept,
        the garbage collector frees module, functions and model together.
        """
        module = ModuleType(f"astraml_cell_{self._job}_{number}")
        while sys.modules.setdefault(module.__name__, module) is not module:  # a namesake job is running
            module.__name__ += "_"
        name = module.__name__
        cloudpickle.register_pickle_by_value(module)  # no other process can import it
        try:
            yield module
        finally:
            cloudpickle.unregister_pickle_by_value(ModuleType(name))  # the cell may have set `__name__`
            sys.modules.pop(name, None)
