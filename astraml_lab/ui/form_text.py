"""A job as text that the form can read: a `%%tune` cell, a cell that calls `tune`, or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from astraml_lab.errors import InvalidSpec, Problem
from astraml_lab.objectives import call_in, parse_cell
from astraml_lab.spec import Categorical, JobSpec, Program, Space, validate
from astraml_lab.spec.options import read_options

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAGIC = "%%tune"
_LARGE = 5_000_000
"""Characters beyond which no text is a job."""


def job_in(text: str, names: Mapping[str, Any]) -> JobSpec:
    """Read a job.

    Args:
        text: What somebody wrote, pasted or chose.
        names: The notebook's names, which a cell's dimensions may use.

    Raises:
        InvalidSpec: With every mistake in it.
    """
    if len(text) > _LARGE:
        raise InvalidSpec(
            [Problem("the text", f"{len(text)} characters", "too long to be a job")], subject="the text"
        )
    stripped = text.strip()
    if stripped.startswith(_MAGIC):
        return _cell(stripped, names)
    if stripped.startswith("{"):
        return _json(stripped, names)
    called = call_in(stripped, names)
    if called is None:
        hint = "paste the whole cell, its first line included"
        problem = Problem(
            "the text", "", "must be a %%tune cell, a cell that calls tune(…), or a job as JSON", hint
        )
        raise InvalidSpec([problem], subject="the text")
    return called


def json_of(spec: JobSpec) -> str:
    """Write a job as JSON."""
    return spec.model_dump_json(indent=2) + "\n"


def summary_of(spec: JobSpec) -> str:
    """Say of a job without mistakes how large it is."""
    goals = ", ".join(f"{objective.goal.value} {objective.metric}" for objective in spec.objectives)
    count = len(spec.space)
    dimensions = f"{count} dimension{'' if count == 1 else 's'}"
    return f"No mistakes: {dimensions}, {goals or 'no objective'}, {spec.trials} trials."


def _cell(text: str, names: Mapping[str, Any]) -> JobSpec:
    """Read a cell; the mistakes of its line and of its body are reported together."""
    line, _, body = text.partition("\n")
    options = read_options(line.removeprefix(_MAGIC))
    try:
        parsed = parse_cell(body, names)
    except InvalidSpec as error:
        raise InvalidSpec([*options.problems_with(Space({})), *error.problems], subject="the cell") from None
    return options.spec(parsed.space, Program(kind="cell", source=body))


def _json(text: str, names: Mapping[str, Any]) -> JobSpec:
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = (
            f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "it"
        )
        said = error.msg if isinstance(error, json.JSONDecodeError) else "is nested too deeply"
        raise InvalidSpec([Problem(where, "", said)], subject="the JSON") from None
    if not isinstance(data, dict):
        raise InvalidSpec([Problem("the JSON", "", "must be an object")], subject="the JSON")
    spec = validate(JobSpec, data, subject="the JSON")
    return _with_objects(spec, names)


def _with_objects(spec: JobSpec, names: Mapping[str, Any]) -> JobSpec:
    """Put the objects behind the labels that the JSON names, as its cell spells them."""
    definition = spec.definitions[0]
    program = definition.program
    if program is None or not program.objects or program.kind != "cell":
        return spec
    found = parse_cell(program.source, names).space
    dimensions = dict(definition.space.dimensions)
    for name in program.objects:
        again = found.dimensions.get(name)
        if isinstance(again, Categorical) and name in dimensions:
            dimensions[name] = again
    made = definition.model_copy(update={"space": Space(dimensions)})
    return spec.model_copy(update={"definitions": (made, *spec.definitions[1:])})
