"""What a job gives back as source of cells: itself, its best values, a smaller search around some trials."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

from astraml_lab.errors import NotFound
from astraml_lab.jobs.foreground_cell import function_of
from astraml_lab.objectives import CellLines, call_of, notebook_argument
from astraml_lab.objectives.dimensions import choices_of
from astraml_lab.objectives.finetune import KIND, finetune_of
from astraml_lab.spec import Categorical, is_off, line_of, narrowed, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astraml_lab.jobs.job import Job
    from astraml_lab.objectives.cell_lines import Assigned
    from astraml_lab.spec import AnyDimension, JobSpec, ParamValue, Program, TrialView

_NOT_AGAIN = {"new": False, "replace": False, "wait": None}
"""Options of a launch that are not the next job's."""
_NO_CODE = "the code of {} is not in the store: no cell can be written for it"


def best_cell(job: Job) -> str:
    """Return assignments of the best values; see `Job.best`."""
    front = job.view().best if len(job.spec.objectives) > 1 else ()
    view = job.trials[front[0] if front else job.best.number].view()
    lines = [_told(job.name, view)]
    if len(front) > 1:
        others = ", ".join(str(number) for number in front[1:])
        lines.append(f"# one of {len(front)} on the front; the others: {others} (job.pareto)")
    return "\n".join([*lines, *(f"{name} = {value!r}" for name, value in view.params.items())])


def job_cell(job: Job) -> str:
    """Return the job as a cell: as it was written, as the request it was made of, or as a call of `tune`.

    Raises:
        NotFound: Its code is not in the store.
    """
    spec = job.spec
    program = spec.definitions[0].program
    if spec.origin is not None:
        return f"%%tune\n{json.dumps(spec.origin.request, indent=2, ensure_ascii=False)}\n"
    if program is None or not program.source:
        raise NotFound(_NO_CODE.format(job.name))
    if program.kind == "cell":
        return f"{line_of(spec)}\n{program.source}"
    return _call(job, program, spec)


def narrowed_cell(job: Job, numbers: Sequence[int], *, name: str, source: str) -> str:
    """Return a cell that searches once more, only around some trials.

    Args:
        job: The job.
        numbers: Its trials.
        name: What the new job is called.
        source: What the new job starts from, as `--warm-start` writes it.

    Raises:
        NotFound: The job has no such trial, or there is no text to write the cell from.
    """
    spec = job.spec
    program = spec.definitions[0].program
    if program is None or not program.source:
        raise NotFound(_NO_CODE.format(job.name))
    space = narrowed(spec.space, [job.trials[number].params for number in numbers])
    definition = spec.definitions[0].model_copy(update={"space": space})
    changes = {**_NOT_AGAIN, "name": name, "warm_start": (source,), "definitions": (definition,)}
    smaller = spec.model_copy(update=changes)
    fresh = {each: dimension for each, dimension in space.dimensions.items() if dimension != spec.space[each]}
    which = "trial" if len(numbers) == 1 else "trials"
    said = f"# {job.name}, around {which} {', '.join(map(str, numbers))}"
    if program.kind != "cell":
        return f"{said}\n{_call(job, program, smaller)}".rstrip("\n")
    return f"{line_of(smaller)}\n{said}\n{_rewritten(program, fresh)}"


def _call(job: Job, program: Program, spec: JobSpec) -> str:
    match program.kind:
        case "script":
            called = quoted(program.source)
        case "notebook":
            called = notebook_argument(program.source, program)
        case kind if kind == KIND and program.script is not None:
            called = repr(finetune_of(program.script))
        case _:
            called = function_of(program, job.name).name
    return call_of(called, spec, labelled=program.objects)


def _told(name: str, view: TrialView) -> str:
    said = ", ".join(f"{metric} {value:.4g}" for metric, value in view.metrics.items())
    return f"# {name}, trial {view.number}: {said}"


def _rewritten(program: Program, fresh: Mapping[str, AnyDimension]) -> str:
    """Return a cell's source with these dimensions in place of its own, and all else as it was."""
    lines = CellLines(program.source)
    written = {name: _written(each, fresh[name], program) for name, each in lines.assigned(fresh).items()}
    return lines.with_calls({name: text for name, text in written.items() if text is not None})


def _written(assigned: Assigned, dimension: AnyDimension, program: Program) -> str | None:
    """Return how a dimension is written now, or `None` where it stays as it is."""
    if is_off(dimension):
        return "None"
    kind, _, arguments = repr(dimension).partition("(")
    constructor = ast.unparse(assigned.call.func)
    if isinstance(dimension, Categorical) and assigned.name in program.objects:
        objects = choices_of(assigned.call)
        kept = _kept(objects, dimension.choices)
        if objects is None or kept is None:
            return None
        arguments = arguments.replace(repr(list(dimension.choices)), kept, 1)
    # An alias of a constructor stands for the same one; a call that builds it some other way is replaced.
    return f"{constructor if constructor.endswith(kind) else kind}({arguments}"


def _kept(objects: ast.expr | None, labels: Sequence[ParamValue]) -> str | None:
    """Return a mapping of labels to objects without the labels that are gone, where it is written out."""
    if not isinstance(objects, ast.Dict):
        return None
    pairs = [
        f"{ast.unparse(key)}: {ast.unparse(value)}"
        for key, value in zip(objects.keys, objects.values, strict=True)
        if isinstance(key, ast.Constant) and key.value in labels
    ]
    return "{" + ", ".join(pairs) + "}" if len(pairs) == len(labels) else None
