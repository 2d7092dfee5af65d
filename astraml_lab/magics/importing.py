"""`%tune import`: a table, a data frame or a study becomes a job; a request goes to `lab.submit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from astraml_lab.errors import NotFound
from astraml_lab.spec import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from astraml_lab.magics.call import Call

OPTIONS = ("project", "name", "maximize", "minimize", "params")
_REQUESTS = frozenset({".json", ".yaml", ".yml"})
_KINDS = ("DataFrame", "Study")


def run_import(call: Call) -> object:
    """Import what the first word names: a file, or a variable of the notebook.

    Raises:
        NotFound: It is neither.
        AstramlError: Whatever the import itself refuses.
    """
    word = call.words[0]
    variables = call.notebook.user_ns
    if Path(word).suffix.lower() in _REQUESTS:
        return call.lab.submit(word)
    if word not in variables and not Path(word).suffix:
        hint = nearest(word, _importable(variables)) or "a file (.csv, .jsonl …), a DataFrame or a study"
        raise NotFound(f"No variable and no table file is called {word}: {hint}")
    given: dict[str, Any] = {
        name: _listed(call.options[name])
        for name in ("maximize", "minimize", "params")
        if name in call.options
    }
    is_variable = word in variables
    name = call.options.get("name") or (word if is_variable else None)
    source = variables[word] if is_variable else word
    job = call.lab.import_trials(source, name=name, project=call.project or "default", **given)
    notes = job.view().note.split("; ")
    return "\n".join([repr(job), *(f"  {note}" for note in notes if note)])


def _importable(variables: Mapping[str, Any]) -> list[str]:
    return [name for name, value in variables.items() if type(value).__name__ in _KINDS]


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
