"""What became of a request, for a person: what runs here, and of every field whether it is acted on.

`report_of` says it once, as sections; `text_of` and `html_of` spell them. Nothing of a request gets into the
HTML unescaped, and that holds no script: colours are JupyterLab's own variables, so both themes fit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from typing import TYPE_CHECKING

from astraml_lab.dialects.report_job import job_rows
from astraml_lab.spec import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from astraml_lab.dialects.report_job import Row, StandIn
    from astraml_lab.spec import Fidelity, JobSpec, Origin

SERVICES = {
    Dialect.ASTRAML: "AstraML",
    Dialect.SAGEMAKER: "SageMaker",
    Dialect.VERTEX: "Vertex AI",
}
"""What people call the services."""
_INDEX = re.compile(r"\[(\d+)\](?!.*\[\d+\])")
_LONGEST = 2_000
_ROWS = 40


class Tone(StrEnum):
    """How much a section asks to be read."""

    PLAIN = "plain"
    ALARM = "alarm"
    FOLDED = "folded"


@dataclass(frozen=True)
class Section:
    """Some of the report.

    Attributes:
        title: What its rows have in common.
        rows: What it is about, as the request spells it, and what is to be said of it; either may be empty.
        tone: How much it asks to be read.
    """

    title: str
    rows: tuple[Row, ...]
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Report:
    """All of it: a title and sections."""

    title: str
    sections: tuple[Section, ...]


def report_of(spec: JobSpec, stands: Mapping[str, StandIn]) -> Report:
    """Return the report of a job that was made of a request.

    Args:
        spec: The job.
        stands: What runs here for each image, algorithm, module or model that the request names.
    """
    origin = spec.origin
    if origin is None:
        raise TypeError("the job was made of no request")
    title = f"{SERVICES[origin.dialect]} request: {spec.name or f'a job of project {spec.project}'}"
    missing = tuple((name, each.words) for name, each in stands.items() if not each.there)
    sections = [
        Section("Runs here", tuple(job_rows(spec, stands))),
        Section("Before it can run", missing, Tone.ALARM),
        *_fields(origin),
    ]
    return Report(title, tuple(section for section in sections if section.rows))


def summary_of(fidelity: Fidelity, dialect: Dialect) -> str:
    """Say in one line what became of a request: `made of a SageMaker request: 2 fields approximated`."""
    article = "an" if dialect is Dialect.ASTRAML else "a"
    counts = {"approximated": len(fidelity.approximated), "without effect": len(_silent(fidelity))}
    parts = [f"{_fields_of(count)} {word}" for word, count in counts.items() if count]
    promises = len(fidelity.security)
    if promises:
        parts.append(f"{promises} security {'promise' if promises == 1 else 'promises'} NOT kept")
    said = ", ".join(parts) or "every field is acted on"
    return f"made of {article} {SERVICES[dialect]} request: {said}"


def service_of(origin: Origin | None) -> str:
    """Name the service whose request a job was made of; empty for a cell and a function."""
    return "" if origin is None else SERVICES[origin.dialect]


def text_of(report: Report) -> str:
    """Spell a report for a terminal."""
    lines = [report.title]
    for section in report.sections:
        if section.tone is Tone.FOLDED:
            lines += ["", section.title]
            continue
        lines += ["", f"{section.title.upper() if section.tone is Tone.ALARM else section.title}:"]
        lines += [
            f"  {_short(subject)}{': ' if subject and words else ''}{_short(words)}"
            for subject, words in _few(section.rows)
        ]
    return "\n".join(lines)


def html_of(report: Report) -> str:
    """Spell a report for a notebook."""
    body = "".join(_section(section) for section in report.sections)
    return f'<div style="{_BOX}"><div style="{_TITLE}">{escape(report.title)}</div>{body}</div>'


def _fields(origin: Origin) -> Iterator[Section]:
    fidelity = origin.fidelity
    yield Section(
        "Security: promised by the request, NOT kept here",
        tuple(("", each) for each in fidelity.security),
        Tone.ALARM,
    )
    yield Section("To know", tuple(("", each) for each in _notes(fidelity)))
    yield Section(
        f"Approximated ({_fields_of(len(fidelity.approximated))})", tuple(_grouped(fidelity.approximated))
    )
    silent = _silent(fidelity)
    yield Section(f"Kept, without effect here ({_fields_of(len(silent))})", tuple(_grouped(silent)))
    yield from _filled_in(origin)
    yield Section(
        f"Acted on as said ({_fields_of(len(fidelity.honoured))})", _listed(fidelity.honoured), Tone.FOLDED
    )


def _filled_in(origin: Origin) -> Iterator[Section]:
    """Say what the request left open, and who decided it."""
    version = "" if origin.policy_version is None else f" (version {origin.policy_version})"
    by_source: dict[str, list[str]] = {}
    for name, source in origin.provenance.items():
        by_source.setdefault(source, []).append(name)
    clamped = [name for source, names in by_source.items() if source.endswith("+clamped") for name in names]
    yield Section(f"Cut to what the project's policy allows{version}", _listed(clamped))
    yield Section(f"From the project's policy{version}", _listed(by_source.get("policy", ())))
    left = by_source.get("default", ())
    yield Section(f"Left to the defaults ({_fields_of(len(left))})", _listed(left), Tone.FOLDED)


def _listed(paths: Sequence[str]) -> tuple[Row, ...]:
    return ((", ".join(_folded(paths)), ""),) if paths else ()


def _silent(fidelity: Fidelity) -> dict[str, str]:
    """Return the fields without effect, but for those of which a broken promise is told."""
    return {
        path: why for path, why in fidelity.accepted_not_acted.items() if not _told(path, fidelity.security)
    }


def _notes(fidelity: Fidelity) -> list[str]:
    """Return the warnings that say more than the lists below them."""
    listed = (*fidelity.approximated, *fidelity.accepted_not_acted)
    return [
        each
        for each in dict.fromkeys(fidelity.warnings)
        if each not in fidelity.security and not any(_told(path, [each]) for path in listed)
    ]


def _told(path: str, sentences: Iterable[str]) -> bool:
    return any(each.startswith((f"{path}:", f"`{path}`")) for each in sentences)


def _grouped(account: Mapping[str, str]) -> Iterator[Row]:
    """Join the fields of which the same is to be said."""
    groups: dict[str, list[str]] = {}
    for path, words in account.items():
        groups.setdefault(words, []).append(path)
    for words, paths in groups.items():
        yield ", ".join(_folded(paths)), words


def _folded(paths: Iterable[str]) -> list[str]:
    """Join paths that differ in their last index only: `a[0].b`, `a[2].b` are `a[0, 2].b`."""
    found: dict[str, list[str]] = {}
    for path in paths:
        match = _INDEX.search(path)
        found.setdefault(_INDEX.sub("[#]", path), []).extend([match[1]] if match else [])
    return [path.replace("[#]", f"[{', '.join(indices)}]") for path, indices in found.items()]


def _fields_of(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"


def _few(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    more = len(rows) - _ROWS
    return rows if more <= 0 else (*rows[:_ROWS], ("", f"… and {more} more"))


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def _colour(name: str, elsewhere: str, otherwise: str) -> str:
    return f"var(--jp-{name}, var(--vscode-{elsewhere}, {otherwise}))"


_INK = _colour("content-font-color1", "editor-foreground", "#1f2933")
_QUIET = _colour("ui-font-color2", "descriptionForeground", "#52606d")
_LINE = _colour("border-color2", "panel-border", "#d5dbe1")
_PAPER = _colour("layout-color1", "editorWidget-background", "#ffffff")
_ALARM = _colour("error-color1", "errorForeground", "#b2182b")
_BOX = (
    f"box-sizing:border-box;max-width:70em;padding:10px 14px;border:1px solid {_LINE};border-radius:4px;"
    f"background:{_PAPER};color:{_INK};font-size:13px;line-height:1.45;overflow-wrap:anywhere"
)
_TITLE = "font-size:15px;font-weight:600"
_HEAD = f"margin-top:10px;font-weight:600;color:{_QUIET}"
_ROW = "margin:2px 0 0 12px"
_CODE = "font-family:var(--jp-code-font-family, ui-monospace, Menlo, Consolas, monospace);font-size:12px"
_RED = (
    f"margin-top:10px;padding:6px 10px;border-left:4px solid {_ALARM};"
    f"background:{_colour('layout-color2', 'editor-background', '#f3f4f6')}"
)
_FOLD = f"margin-top:10px;color:{_QUIET}"


def _section(section: Section) -> str:
    title = escape(section.title)
    rows = "".join(_row(row) for row in _few(section.rows))
    if section.tone is Tone.FOLDED:
        return f'<details style="{_FOLD}"><summary>{title}</summary>{rows}</details>'
    if section.tone is Tone.ALARM:
        return f'<div role="alert" style="{_RED}"><b style="color:{_ALARM}">{title}</b>{rows}</div>'
    return f'<div style="{_HEAD}">{title}</div>{rows}'


def _row(row: Row) -> str:
    subject, words = row
    code = f'<span style="{_CODE}">{escape(_short(subject))}</span>' if subject else ""
    said = escape(_short(words))
    return f'<div style="{_ROW}">{code}{": " if code and said else ""}{said}</div>'
