"""Random draws that belong to one thread: torch's global generator is everybody's."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_DRAWING = ("bernoulli_", "exponential_", "normal_", "random_", "uniform_")
"""What fills tensors; all initializers of torch and transformers come down to these."""


@contextlib.contextmanager
def own_draws(seed: int) -> Iterator[None]:
    """Have new weights that the calling thread makes depend on `seed` alone.

    Whatever other threads draw or seed meanwhile: tensors are filled from a generator of this thread, one per
    device. Not for a training: dropout takes no generator, and the interception costs microseconds per call.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    filling = {getattr(torch.Tensor, name) for name in _DRAWING}
    generators: dict[Any, Any] = {}

    class OwnDraws(TorchFunctionMode):
        def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            takes = func in filling or "generator" in kwargs
            if takes and kwargs.get("generator") is None:
                device = next((each.device for each in args if isinstance(each, torch.Tensor)), None)
                if device is None:
                    device = kwargs["tensor"].device
                kwargs = {**kwargs, "generator": generator(device)}
            return func(*args, **kwargs)

    def generator(device: Any) -> Any:
        if device.type == "meta":
            return None
        if device not in generators:
            generators[device] = torch.Generator(device).manual_seed(seed)
        return generators[device]

    with OwnDraws():
        yield
