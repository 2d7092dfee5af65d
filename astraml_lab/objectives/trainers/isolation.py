"""Keeps the Hugging Face Trainers of trials that run at once apart, and on their own devices.

As shipped they crash in threads: accelerate keeps one state per process, which each `TrainingArguments`
empties, and each Trainer empties the environment for a moment.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from astraml_lab.objectives.on_import import OnImport
from astraml_lab.objectives.trainers.changes import (
    OwnState,
    one_checkpoint,
    one_model,
    own_arguments,
    own_device,
    own_trainer,
)
from astraml_lab.objectives.trainers.environment import OwnEnvironment, one_look, own_environment
from astraml_lab.objectives.trainers.surroundings import Surroundings, current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class _Change(NamedTuple):
    """An attribute of a class, or of a module, and what is put in its place."""

    module: str
    owner: str
    """The class; empty for the module itself."""
    name: str
    wrap: Callable[[Any], Any]


_CHANGES = (
    _Change("accelerate.utils.environment", "", "os", OwnEnvironment),
    _Change("accelerate.utils.environment", "", "clear_environment", own_environment),
    _Change("accelerate.utils.dataclasses", "", "os", OwnEnvironment),
    _Change("accelerate.utils.imports", "", "patch_environment", one_look),
    _Change("accelerate.state", "PartialState", "_shared_state", OwnState),
    _Change("accelerate.state", "AcceleratorState", "_shared_state", OwnState),
    _Change("accelerate.state", "GradientState", "_shared_state", OwnState),
    _Change("transformers.training_args", "TrainingArguments", "__post_init__", own_arguments),
    _Change("transformers.training_args", "TrainingArguments", "_setup_devices", own_device),
    _Change("transformers.trainer", "Trainer", "__init__", own_trainer),
    _Change("transformers.trainer", "Trainer", "_save_optimizer_and_scheduler", one_checkpoint),
    _Change("transformers.trainer", "Trainer", "_load_optimizer_and_scheduler", one_checkpoint),
    _Change("transformers.trainer", "Trainer", "_save_scaler", one_checkpoint),
    _Change("transformers.trainer", "Trainer", "_load_scaler", one_checkpoint),
    _Change("transformers.modeling_utils", "PreTrainedModel", "from_pretrained", one_model),
    _Change("transformers.modeling_utils", "PreTrainedModel", "_from_config", one_model),
    _Change("transformers.modeling_utils", "PreTrainedModel", "post_init", one_model),
)
_MODULES = tuple(dict.fromkeys(change.module for change in _CHANGES))


class _Isolation:
    """What is changed in the process from the first trial on. Thread-safe.

    It stays: a thread that began to load a model while it was taken out would not wait for the others.
    Outside of trials threads wait for each other, and accelerate's `clear_environment` hides variables from
    accelerate alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._finders: list[OnImport] = []
        self._ours: dict[_Change, list[Any]] = {}

    def install(self) -> None:
        with self._lock:
            if not self._finders:
                self._finders = [OnImport(name, self._imported) for name in _MODULES]
                self._finders.append(OnImport("transformers", _usable_at_once))
            if missing := [finder for finder in self._finders if finder not in sys.meta_path]:
                # a new list: another thread may be going through the old one
                sys.meta_path = [*missing, *sys.meta_path]
        for name in _MODULES:
            # Another thread may be importing it since before there was a finder. Wait for that without our
            # lock, which it may need.
            if name in sys.modules:
                with contextlib.suppress(ImportError):  # it fails for whoever imports it
                    self._imported(importlib.import_module(name))

    def _imported(self, module: Any) -> None:
        with self._lock:
            for change in _CHANGES:
                if change.module == module.__name__:
                    self._apply(getattr(module, change.owner, None) if change.owner else module, change)

    def _apply(self, owner: Any, change: _Change) -> None:
        original = vars(owner).get(change.name) if owner is not None else None
        if original is None or hasattr(original, "_storage"):  # the second: on TPUs it is apart already
            return
        ours = self._ours.setdefault(change, [])
        if not any(original is each for each in ours):  # somebody may have put an earlier one back
            ours.append(change.wrap(original))
            setattr(owner, change.name, ours[-1])


def _usable_at_once(module: Any) -> None:
    """Let a module that another has replaced pass on what it is asked for.

    At its end transformers puts a lazy module into `sys.modules`. A thread whose `import transformers` came
    while another one's was under way gets the empty shell before it: "no attribute 'Trainer'".
    """
    full = sys.modules[module.__name__]
    if full is not module:
        module.__getattr__ = functools.partial(getattr, full)


# One per process, because the classes are.
_isolation = _Isolation()


@contextlib.contextmanager
def isolated(devices: tuple[int, ...], folder: Path) -> Iterator[None]:
    """Keep the Trainers of the calling thread, and of those it starts, to themselves.

    It works whether transformers was imported before, or will be in the meantime.

    Args:
        devices: The leased GPUs as torch numbers; empty on a CPU. In threads a Trainer uses the first.
        folder: Takes what they write under a relative `output_dir`.
    """
    _isolation.install()
    own = Surroundings(devices, folder)
    token = current.set(own)
    try:
        yield
    finally:
        current.reset(token)
        if own.states and not own.devices:  # a GPU's memory is looked after by whoever lent it
            # a Trainer, its model and optimizer hold each other: gigabytes that Python is in no hurry for
            gc.collect()
