"""What of the notebook travels with a trial's code to a process of its own."""

from __future__ import annotations

import sys
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.references import inner_codes
from astraml_lab.objectives.survey import Survey, survey
from astraml_lab.objectives.typed_lines import remember, typed_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Baggage:
    """The names that code uses, and what belongs to them.

    Pickled by cloudpickle, it takes along the lines of the cells that the code was typed in, and brings the
    notebook's functions and classes into the `__main__` of where it arrives, so that plain `pickle` (a data
    loader's workers, `torch.save`) finds them there as it does in the kernel. Values travel as they are when
    it is pickled, at the launch; later changes in the notebook reach no process.

    Args:
        names: What the code reads.
        codes: Code that is no function: the cell's.
        home: What a person calls the code: "the cell", "`train`".
        threads: How a person asks for threads instead of processes.
    """

    def __init__(
        self,
        names: Mapping[str, Any],
        *,
        codes: Sequence[CodeType] = (),
        home: str = "the cell",
        threads: str = "--executor threads",
    ) -> None:
        self.names = dict(names)
        self.home = home
        self.threads = threads
        self._codes = tuple(codes)
        self._survey: Survey | None = None

    def survey(self, more: Mapping[str, Any]) -> Survey:
        """Look at what travels, and at `more` that does so beside it; raises nothing on its account."""
        self._survey = survey({**self.names, **more})
        return self._survey

    def __getstate__(self) -> dict[str, Any]:
        found = self._survey or self.survey({})
        files = found.files.union(code.co_filename for code in self._codes)
        return {
            **vars(self),
            "_survey": None,
            "lines": typed_text(files),
            "of_main": found.of_main,
            "submodules": list(_submodules(self._codes, self.names)),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        for filename, text in state.pop("lines").items():
            remember(filename, text)
        main = sys.modules.get("__main__")
        for name, value in state.pop("of_main").items():
            if not hasattr(main, name):
                setattr(main, name, value)
        del state["submodules"]  # to unpickle them was to import them
        vars(self).update(state)


def _submodules(codes: Sequence[CodeType], names: Mapping[str, Any]) -> Iterator[ModuleType]:
    """Yield the imported modules that code reaches as attributes: `sklearn.datasets` through `sklearn`.

    A module travels by its name alone; cloudpickle does the same for functions.
    """
    words = {word for code in codes for inner in inner_codes(code) for word in inner.co_names}
    for package in [value for value in names.values() if isinstance(value, ModuleType)]:
        prefix = f"{package.__name__}."
        for name, module in list(sys.modules.items()):
            inside = name.removeprefix(prefix).split(".") if name.startswith(prefix) else ()
            if inside and words.issuperset(inside) and isinstance(module, ModuleType):
                yield module
