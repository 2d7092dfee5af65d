"""What is different for accelerate and the Trainer inside a trial; outside, each calls the original."""

from __future__ import annotations

import copy
import functools
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.trainers.surroundings import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from astraml_lab.objectives.trainers.surroundings import Surroundings

_DEFAULT_FOLDER = "trainer_output"
"""Where a Trainer writes that was told nothing."""


class OwnState:
    """Stands for the class attribute in which accelerate keeps what all objects of the class share.

    Accelerate does the same for TPUs, by thread; here it is by trial, whatever threads the trial starts.
    """

    def __init__(self, shared: Any) -> None:
        self._shared = shared

    def __get__(self, instance: object, owner: type) -> Any:
        own = current.get()
        return self._shared if own is None else own.state(owner)


def own_arguments(original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap `TrainingArguments.__post_init__`."""

    @functools.wraps(original)
    def post_init(self: Any) -> None:
        own = current.get()
        if own is not None:
            _settle(self, own)
        original(self)

    return post_init


def own_device(original: Any) -> Any:
    """Wrap `TrainingArguments._setup_devices`: it takes `cuda:0`, and copies the model to every GPU."""

    def set_up(self: Any) -> Any:
        own = current.get()
        device = None if own is None else own.device()
        if device is None or self.use_cpu or self.deepspeed:
            return original.func(self)
        self.use_cpu = True  # or it would make cuda:0 the current device, and so take memory there
        try:
            original.func(self)
        finally:
            self.use_cpu = False
        state = vars(self.distributed_state)
        state["device"], state["_cpu"] = device, False
        self._n_gpu = 1
        return device

    ours = functools.cached_property(set_up)
    ours.__set_name__(object, original.attrname)
    return ours


def own_trainer(original: Callable[..., None]) -> Callable[..., None]:
    """Wrap `Trainer.__init__`: its arguments may have been made in a cell above, for all trials."""

    @functools.wraps(original)
    def init(self: Any, model: Any = None, args: Any = None, *more: Any, **named: Any) -> None:
        own = current.get()
        if own is not None and args is not None and not _made_in(own, args):
            args = _taken_over(args, own)
        original(self, model, args, *more, **named)

    return init


def one_at_a_time(lock: threading.RLock) -> Callable[[Any], Any]:
    """Return what wraps a method that changes the process for a while: for all threads, trials or not."""

    def wrap(original: Any) -> Any:
        function = original.__func__ if isinstance(original, classmethod) else original

        @functools.wraps(function)
        def alone(*given: Any, **named: Any) -> Any:
            with lock:
                return function(*given, **named)

        return classmethod(alone) if isinstance(original, classmethod) else alone

    return wrap


one_model = one_at_a_time(threading.RLock())
"""Wraps what makes a model: meanwhile transformers puts functions of its own into its classes and torch's
modules, and two at once put each other's back. Then no later model ties its weights."""
one_checkpoint = one_at_a_time(threading.RLock())
"""Wraps what saves or loads a part of a checkpoint: meanwhile a Trainer catches all warnings, and of two at
once one leaves them caught for good."""


def _settle(args: Any, own: Surroundings) -> None:
    """Make arguments a trial's own, before anything is derived from them."""
    folder = Path(args.output_dir or _DEFAULT_FOLDER).expanduser()
    args.output_dir = str(own.folder / folder)  # as it is, if absolute
    args.disable_tqdm = True  # the log gets lines instead, and no cell a bar
    if args.data_seed is None:
        args.data_seed = args.seed  # what it comes to anyway, as long as nobody else sets torch's global seed
    if not own.devices:
        args.use_cpu = True


def _made_in(own: Surroundings, args: Any) -> bool:
    state = vars(args).get("distributed_state")
    return state is not None and vars(state) is own.states.get(type(state))


def _taken_over(args: Any, own: Surroundings) -> Any:
    args = copy.copy(args)
    args.accelerator_config = copy.copy(args.accelerator_config)
    vars(args).pop("_setup_devices", None)
    _settle(args, own)
    return args
