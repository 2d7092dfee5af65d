"""Metrics that a script prints: the regexes of a request over its lines, which can never hang the lab."""

from __future__ import annotations

import codecs
import re
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from astraml_lab.spec import LogMetric

LONGEST_LINE = 1 << 16
"""Of a longer line, the rest is not read."""
PATIENCE = 0.1
"""Seconds that a regex which is not linear has for a line."""
_TAB = "#011"
"""How regexes of built-in algorithms write a tab: syslog's way."""
_BREAKS = re.compile(r"[\r\n]+")
_READ_OTHERWISE = re.compile(r"\{,\d")
"""What the linear engine reads otherwise than Python: {,3} is literal there."""
_SETS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_BRACKETS = re.compile(r"\\.|\[", re.DOTALL)
_CLASSES = re.compile(r"\\[wWdDsSbB]|\(\?[a-z]*i")
"""What means more to Python than to the linear engine, on lines beyond it: `\\d` is any script's digit."""
_BEYOND = re.compile(r"[\x0b\x80-\U0010ffff]")
_ENDS = re.compile(r"\\[AZ]|\(\?[a-z]*-")
"""What does not mean the same in many lines at once."""


class Lines:
    """Cuts the pieces of one stream into lines; each state of a progress bar is one."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._begun = ""
        self._too_long = False

    def text(self, data: bytes) -> str:
        """Decode a piece; what it holds of an unfinished character comes with the next."""
        return self._decoder.decode(data)

    def add(self, text: str) -> list[str]:
        """Return the lines that a piece of text completes."""
        *lines, rest = _BREAKS.split(text)
        if not lines:
            return self._long(rest)
        first, self._begun = self._begun + lines[0], ""
        lines[0] = "" if self._too_long else first
        self._too_long = False
        return [line[:LONGEST_LINE] for line in lines if line] + self._long(rest)

    def end(self) -> list[str]:
        """Return the last line, if it has no break."""
        last, self._begun = self._begun, ""
        return [last] if last else []

    def _long(self, rest: str) -> list[str]:
        """Keep the beginning of a line; of one that is too long, return what counts and skip the rest."""
        if self._too_long:
            return []
        self._begun += rest
        if len(self._begun) < LONGEST_LINE:
            return []
        cut, self._begun, self._too_long = self._begun[:LONGEST_LINE], "", True
        return [cut]


class LogMetrics:
    """Finds metrics in lines.

    Args:
        definitions: Several may have one name.
        tell: Takes a sentence when a regex is dropped.
    """

    def __init__(self, definitions: Sequence[LogMetric], tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._readers: list[tuple[LogMetric, _Reader]] = []
        for definition in definitions:
            reader = _reader_of(definition.regex)
            if reader is None:
                tell(f"{_named(definition)} cannot be read by any engine here: it finds nothing")
            else:
                self._readers.append((definition, reader))

    def find(self, lines: Sequence[str]) -> Iterator[tuple[str, float]]:
        """Yield metrics in the order of the lines, and on a line in the order of the regexes."""
        text = "\n".join(lines)
        here = [(definition, reader) for definition, reader in self._readers if reader.may_match(text)]
        if not here:
            return
        for line in lines:
            for definition, reader in list(here):
                try:
                    found = reader.values(line)
                except TimeoutError:
                    here = [each for each in here if each[1] is not reader]
                    self._drop(definition, reader, line)
                else:
                    yield from ((definition.name, value) for value in found)

    def _drop(self, definition: LogMetric, reader: _Reader, line: str) -> None:
        self._readers = [each for each in self._readers if each[1] is not reader]
        self._tell(
            f"{_named(definition)} took longer than {1000 * PATIENCE:g} ms on a line of {len(line)} "
            "characters and is not used any more: write it without nested repetition"
        )


class _Reader:
    """One regex, as each way to read it."""

    def __init__(self, ways: Sequence[_Way]) -> None:
        self._ways = ways

    def may_match(self, text: str) -> bool:
        return any(way.may_match(text) for way in self._ways)

    def values(self, line: str) -> list[float]:
        for way in self._ways:
            matches = list(way.matches(line))
            if matches:
                return [value for value in map(_number, matches) if value is not None]
        return []


class _Way(ABC):
    """A compiled regex; `matches` yields the first group of each match, or the whole."""

    def may_match(self, text: str) -> bool:  # noqa: ARG002 - for those that can tell
        """Whether any of these lines can match: one question in place of thousands."""
        return True

    @abstractmethod
    def matches(self, line: str) -> Iterable[str | None]:
        """Return what the regex finds in a line."""


class _Linear(_Way):
    """By RE2: its time is linear in the line, whatever the regex.

    Its classes know ASCII alone, so lines beyond are read by the other engine, as long as that is quick.
    """

    def __init__(self, regex: str) -> None:
        import re2

        options = re2.Options()
        options.log_errors = False
        self._compiled: Any = re2.compile(regex, options)
        # In many lines at once, `^` and `$` mean each of them; what else looks at the ends would not.
        self._sieve: Any = None if _ENDS.search(regex) else re2.compile("(?m)" + regex, options)
        self._beyond = _Timed(regex) if _CLASSES.search(regex) else None

    def may_match(self, text: str) -> bool:
        if self._sieve is None or (self._beyond is not None and _BEYOND.search(text)):
            return True
        return self._sieve.search(text) is not None

    def matches(self, line: str) -> Iterable[str | None]:
        if self._beyond is not None and _BEYOND.search(line):
            try:
                return list(self._beyond.matches(line))
            except TimeoutError:
                self._beyond = None
        group = min(1, self._compiled.groups)
        return (match.group(group) for match in self._compiled.finditer(line))


class _Timed(_Way):
    """By an engine with lookaround and backreferences, under a time limit."""

    def __init__(self, regex: str) -> None:
        import regex as engine

        self._compiled: Any = engine.compile(regex)

    def matches(self, line: str) -> Iterable[str | None]:
        group = min(1, self._compiled.groups)
        began = time.thread_time()
        while True:
            try:
                # concurrent: other threads of the kernel go on meanwhile
                found = self._compiled.finditer(line, timeout=PATIENCE, concurrent=True)
                return [match.group(group) for match in found]
            except TimeoutError:
                # its clock is that of all threads of the process: what they used is not the regex's fault
                if time.thread_time() - began >= PATIENCE / 2:
                    raise


def _reader_of(regex: str) -> _Reader | None:
    regex = _SETS.sub(_without_sets_inside, regex)
    spellings = dict.fromkeys([regex, regex.replace(_TAB, "\t")])
    ways = [way for way in map(_way, spellings) if way is not None]
    return _Reader(ways) if ways else None


def _without_sets_inside(part: re.Match[str]) -> str:
    """Escape `[` within a set, where it is itself to Python and to other engines may begin a set of POSIX."""
    text = part[0]
    if text[0] == "\\":
        return text
    return "[" + _BRACKETS.sub(lambda found: "\\[" if found[0] == "[" else found[0], text[1:])


def _way(regex: str) -> _Way | None:
    engines: list[Callable[[str], _Way]] = [_Linear, _Timed]
    for engine in engines[_READ_OTHERWISE.search(regex) is not None :]:
        try:
            return engine(regex)
        except Exception:  # noqa: BLE001, S112 - each engine has an error class of its own
            continue
    return None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _named(definition: LogMetric) -> str:
    return f"the regex of {definition.name} ({definition.regex})"
