"""From any form of a request to plain data: a mapping, JSON or YAML text, or the path of such a file.

Nothing is evaluated and nothing is guessed: a key that stands twice, a number that is none, a tag, an alias
and a body of more than 1 MiB are refused. YAML is read by its 1.2 core schema, as JSON's twin: `3e-5` is a
number, `on`, `no`, `12:30` and `2026-01-01` are strings. PyYAML alone reads all of these differently.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.dialects.astraml.problem import ProblemError
from astraml_lab.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

Data = dict[str, Any]
Steps = tuple[str | int, ...]
MAX_BYTES = 1 << 20
MAX_DEPTH = 64
SUFFIXES = (".json", ".yaml", ".yml")
_JSON = re.compile(r'\s*(\{\s*["}]|\[)')
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)|NaN|[-+]?Infinity")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Unreadable(ProblemError):
    """A request is no plain data: `malformed`.

    Attributes:
        place: The path of what is to blame, where that is known: `studySpec.metrics[0].goal`.
    """

    def __init__(self, detail: str, path: Steps = ()) -> None:
        super().__init__("malformed", detail)
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        self.place = "".join(steps).removeprefix(".")


def read_text(request: object) -> Data:
    """Read a request as data.

    Args:
        request: A mapping; JSON or YAML as text or bytes; or the path of a .json, .yaml or .yml file.

    Raises:
        Unreadable: It is no request's text.
        ProblemError: `body-too-large`.
        NotFound: There is no such file.
    """
    if isinstance(request, Mapping):
        return _checked(request)
    if isinstance(request, os.PathLike) or (isinstance(request, str) and is_path(request)):
        request = _content(Path(request))
    if isinstance(request, str):
        request = request.encode("utf-8", "surrogatepass")
    if not isinstance(request, bytes | bytearray):
        kind = type(request).__name__
        raise Unreadable(f"a request is a mapping, JSON or YAML text, or the path of a file, not a {kind}")
    return _parse(bytes(request))


def is_path(text: str) -> bool:
    """Whether a text is the name of a request's file rather than a request."""
    return "\n" not in text and text.strip().lower().endswith(SUFFIXES) and not text.lstrip().startswith("{")


def _content(path: Path) -> bytes:
    try:
        path = path.expanduser()
        if not path.is_file():
            raise NotFound(f"there is no file `{path}`")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except RuntimeError:  # `~name` of a user whom this machine does not know
        raise NotFound(f"there is no file `{path}`") from None
    except OSError as error:
        raise NotFound(f"the file `{path}` cannot be read: {error.strerror}") from None


def _parse(body: bytes) -> Data:
    if len(body) > MAX_BYTES:
        raise ProblemError("body-too-large", f"a request may have 1 MiB, {MAX_BYTES} bytes")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"the request is not UTF-8 (byte {error.start})") from None
    data = _read_json(text) if _JSON.match(text) else _read_yaml(text)
    if not isinstance(data, dict):
        raise Unreadable("a request is one mapping of fields, `{…}`")
    return _checked(data)


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Unreadable(f"no JSON: {error.msg} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # an integer of thousands of digits
        raise Unreadable("the request holds a number that is too long to read") from None


def _once(pairs: list[tuple[str, Any]]) -> Data:
    found = dict(pairs)
    if len(found) != len(pairs):
        (often,) = Counter(key for key, _ in pairs).most_common(1)
        raise _twice(often[0])
    return found


def _no_constant(name: str) -> Any:
    raise Unreadable(f"{name} is no JSON number; write a finite one, or leave the field out")


def _read_yaml(text: str) -> Any:
    import yaml

    events = _events(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    try:
        return _Builder(events).document()
    except yaml.MarkedYAMLError as error:
        # without PyYAML's excerpt of the text, which may hold a secret
        mark = error.problem_mark or error.context_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        hint = "; put `*` in quotes" if "alphabetic or numeric" in str(error.problem) else ""
        raise Unreadable(f"neither JSON nor YAML: {error.problem or error.context}{where}{hint}") from None
    except yaml.YAMLError:
        raise Unreadable("neither JSON nor YAML: it holds characters that YAML does not allow") from None


def _events(text: str, loader: Any) -> Iterator[Any]:
    import yaml

    yield from yaml.parse(text, Loader=loader)


class _Builder:
    """Makes data of YAML events: no node of PyYAML's, so no constructor, no tag and no alias can act."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._depth = 0

    def document(self) -> Any:
        """Return the only document."""
        self._next()  # of the stream
        if type(self._next()).__name__ != "DocumentStartEvent":
            raise Unreadable("the request is empty")
        data = self._value(self._next())
        self._next()  # the document's end
        if type(self._next()).__name__ != "StreamEndEvent":
            raise Unreadable("a request is one YAML document; this is several (`---`)")
        return data

    def _next(self) -> Any:
        return next(self._events)

    def _value(self, event: Any) -> Any:
        kind = type(event).__name__
        line = event.start_mark.line + 1
        if kind == "AliasEvent":
            hint = "put `*` in quotes, or write out what the alias stands for"
            raise Unreadable(f"YAML aliases are not read (line {line}): {hint}")
        if event.tag is not None:
            raise Unreadable(f"YAML tags are not read (line {line}): leave `!…` out, or quote it")
        if kind == "ScalarEvent":
            return event.value if event.style else _scalar(event.value, line)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _too_deep()
        made = self._mapping() if kind == "MappingStartEvent" else self._sequence()
        self._depth -= 1
        return made

    def _sequence(self) -> list[Any]:
        items = []
        while type(event := self._next()).__name__ != "SequenceEndEvent":
            items.append(self._value(event))
        return items

    def _mapping(self) -> Data:
        found: Data = {}
        while type(event := self._next()).__name__ != "MappingEndEvent":
            key = self._key(event)
            if key in found:
                raise _twice(key)
            found[key] = self._value(self._next())
        return found

    def _key(self, event: Any) -> str:
        self._refuse_complex(event)
        if not event.style and event.value == "<<":
            raise Unreadable("YAML merge keys `<<` are not read: write the fields out")
        return str(event.value)  # `on:` and `1:` are "on" and "1", as in JSON

    def _refuse_complex(self, event: Any) -> None:
        if type(event).__name__ == "ScalarEvent" and event.tag is None:
            return
        if type(event).__name__ in {"AliasEvent", "ScalarEvent"}:
            self._value(event)
        raise Unreadable(f"a key is a plain word (line {event.start_mark.line + 1})")


def _scalar(text: str, line: int) -> Any:
    """Read a scalar without quotes by YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _NO_NUMBER.fullmatch(text):
        raise Unreadable(f"{text} (line {line}) is no number; write a finite one, or leave the field out")
    try:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _BASED.fullmatch(text):
            return int(text, 0)
    except ValueError:
        raise Unreadable("the request holds a number that is too long to read") from None
    return float(text) if _FLOAT.fullmatch(text) else text


def _checked(request: Mapping[Any, Any]) -> Data:
    """Return a copy of a mapping, as JSON has it."""
    data: Data = _copied(request, ())
    if len(json.dumps(data, ensure_ascii=False).encode()) > MAX_BYTES:
        raise ProblemError("body-too-large", f"a request may have 1 MiB, {MAX_BYTES} bytes")
    return data


def _copied(value: Any, path: Steps) -> Any:
    if len(path) >= MAX_DEPTH:
        raise _too_deep()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {_plain(key, path): _copied(each, (*path, key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(each, (*path, index)) for index, each in enumerate(value)]
    if isinstance(value, str):
        return _plain(value, path)
    return _number(value, path)


def _plain(text: Any, path: Steps) -> str:
    if not isinstance(text, str):
        raise Unreadable(f"a key is a string, not a {type(text).__name__}", path)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("the request holds half of a surrogate pair, which is no character", path) from None
    return str(text)


def _number(value: Any, path: Steps) -> bool | int | float:
    value = _item(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _counted(value, path)
    if not isinstance(value, float):
        raise Unreadable(
            f"JSON has no {type(value).__name__}; a request holds strings, numbers, lists, mappings", path
        )
    if not math.isfinite(value):
        raise Unreadable(f"{value} is no JSON number; write a finite one, or leave the field out", path)
    return float(value)


def _item(value: Any) -> Any:
    """Return the one number of a NumPy scalar; anything else as it is."""
    try:
        return value.item()
    except (AttributeError, TypeError, ValueError, RuntimeError):  # an array of several has none
        return value


def _counted(value: int, path: Steps) -> int:
    """Refuse what no double holds: JSON's own limit, and that of every computation with it."""
    try:
        float(value)
    except OverflowError:
        raise Unreadable("the request holds a number that is too long to read", path) from None
    return int(value)


def _twice(key: str) -> Unreadable:
    shown = key if len(key) <= 40 else key[:40] + "…"  # noqa: PLR2004 - enough to find it
    return Unreadable(f"the key `{shown}` stands twice in one mapping; keep one")


def _too_deep() -> Unreadable:
    return Unreadable(f"the request is nested deeper than {MAX_DEPTH} levels")
