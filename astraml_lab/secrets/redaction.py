"""Keeps secrets out of text, also where a piece, a line or a base64 block ends within one.

What is looked for is the text without its line breaks. The usual piece holds nothing of a secret, and is
found to by a few searches of the C library: the cost is linear in the text, whatever the pieces are.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SHORTEST = 6
"""Shorter values are not looked for: they would be found everywhere."""
_SHORTEST_LINE = 16
"""Likewise for a single line of a secret of many lines, such as a private key."""
_HEAD = 4
_SLACK = 64
_BREAKS = re.compile(r"[\r\n]")
_ESCAPES = re.compile(r"%[0-9A-F]{2}")


class _Span(NamedTuple):
    """Where a text without breaks holds secrets, and what stands there instead."""

    start: int
    end: int
    label: str


class _Needles:
    """Everything that is looked for, prepared; never changed.

    Args:
        forms: Names of secrets by each way in which one may be written, without line breaks.
    """

    def __init__(self, forms: Mapping[str, str]) -> None:
        self._forms = dict(forms)
        shortest_first = sorted(forms, key=len)
        # one that holds another is met with it
        self._signs = [form for form in shortest_first if not _holds_another(form, shortest_first)]
        # what begins like a shorter one is still possible when that is complete
        self._open = [form for form in forms if not any(o != form and o.startswith(form) for o in forms)]
        self._starts = {form[:length] for form in forms for length in range(1, _HEAD)}
        self._lasts = {start[-1] for start in self._starts}
        heads = {form[:_HEAD] for form in forms}
        self._head = re.compile("|".join(map(re.escape, sorted(heads)))).search
        self.longest = max(map(len, forms))

    def absent(self, bare: str) -> bool:
        """Whether a text holds nothing of any, and ends in nothing that one begins with: mostly so."""
        return bare[-1:] not in self._lasts and self._head(bare) is None

    def within(self, bare: str) -> bool:
        """Whether a text holds one, whole."""
        return any(sign in bare for sign in self._signs)

    def unfinished(self, bare: str) -> int:
        """Return where the end of a text begins that one may begin with; its length where none may."""
        first = len(bare)
        for form in self._open:
            head = form[:_HEAD]
            at = bare.find(head, max(0, len(bare) - len(form) + 1), None)
            while 0 <= at < first:
                if form.startswith(bare[at:]):
                    first = at
                else:
                    at = bare.find(head, at + 1)
        if first < len(bare):
            return first
        for length in range(_HEAD - 1, 0, -1):
            if len(bare) >= length and bare[-length:] in self._starts:
                return len(bare) - length
        return len(bare)

    def spans(self, bare: str) -> list[_Span]:
        """Return where they are, in order; those that overlap as one."""
        merged: list[_Span] = []
        for found in sorted(self._occurrences(bare), key=lambda each: (each.start, -each.end)):
            last = merged[-1] if merged else None
            if last is None or found.start >= last.end:
                merged.append(found)
            elif found.end > last.end:
                label = last.label if last.label.endswith(found.label) else last.label + found.label
                merged[-1] = _Span(last.start, found.end, label)
        return merged

    def _occurrences(self, bare: str) -> Iterator[_Span]:
        for form, name in self._forms.items():
            at = bare.find(form)
            while at >= 0:
                yield _Span(at, at + len(form), f"***{name}***")
                at = bare.find(form, at + 1)


class Hidden:
    """Values that are not to be seen, shared by the streams that are watched for them. Thread-safe.

    Args:
        secrets: Values by name; more may be learned later.
    """

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._lock = threading.Lock()
        self._forms: dict[str, str] = {}
        self.needles: _Needles | None = None
        for name, value in (secrets or {}).items():
            self.learn(name, value)

    def learn(self, name: str, value: str) -> None:
        """Hide one more value from now on; of a value with two names, the newer one is shown."""
        with self._lock:
            forms = self._forms | dict.fromkeys(_forms(value), name)
            if forms != self._forms:
                self._forms = forms
                self.needles = _Needles(forms)

    def stream(self) -> Redactor:
        """Watch one stream of text."""
        return Redactor(self)

    def whole(self, text: str) -> str:
        """Return a text that is no part of a stream without secrets."""
        if self.needles is None:
            return text
        redactor = Redactor(self)
        return redactor.add(text) + redactor.end()

    def __repr__(self) -> str:
        return f"Hidden({len(set(self._forms.values()))} secrets)"


class Redactor:
    """Replaces secrets in one stream of text by `***name***`; for one thread at a time.

    Args:
        hidden: What is not to be seen.
    """

    def __init__(self, hidden: Hidden) -> None:
        self._hidden = hidden
        self._held = ""

    def add(self, text: str) -> str:
        """Return what of the stream is fit to be seen; the beginning of what may be a secret waits."""
        needles = self._hidden.needles
        if needles is None:
            return text
        text = self._held + text
        bare = _bare(text)
        if needles.absent(bare):
            self._held = ""
            return text
        keep = needles.unfinished(bare)
        spans = needles.spans(bare) if needles.within(bare) else []
        for span in reversed(spans):
            if span.start < keep < span.end:  # another secret may begin within this one
                keep = span.start
        cut = _position(text, len(bare) - keep)
        if len(text) - cut > 3 * needles.longest + _SLACK:  # line breaks, or secrets, without end
            cut = len(text)
        self._held = text[cut:]
        return _cleaned(text, [span for span in spans if span.start < keep or cut == len(text)], cut)

    def end(self) -> str:
        """Return what waited."""
        held, self._held = self._held, ""
        needles = self._hidden.needles
        if needles is None or not held:
            return held
        return _cleaned(held, needles.spans(_bare(held)), len(held))

    def forget(self) -> None:
        """Drop what waits."""
        self._held = ""


def _bare(text: str) -> str:
    return text.replace("\n", "").replace("\r", "")


def _position(text: str, left: int) -> int:
    """Return where the last so many characters of a text begin, line breaks not counted."""
    at = len(text)
    while left:
        at -= 1
        left -= text[at] not in "\r\n"
    return at


def _cleaned(text: str, spans: list[_Span], cut: int) -> str:
    """Return a text up to a place, with labels in place of what is hidden."""
    if not spans:
        return text[:cut]
    breaks = [match.start() for match in _BREAKS.finditer(text)]
    parts, done, passed = [], 0, 0
    for span in spans:
        start, passed = _there(span.start, breaks, passed)
        end, passed = _there(span.end - 1, breaks, passed)
        parts += [text[done:start], span.label]
        done = end + 1
    return "".join([*parts, text[done:cut]])


def _there(index: int, breaks: list[int], passed: int) -> tuple[int, int]:
    """Return where a character is, breaks counted, and how many breaks are before it."""
    while passed < len(breaks) and breaks[passed] <= index + passed:
        passed += 1
    return index + passed, passed


def _holds_another(form: str, shortest_first: Iterable[str]) -> bool:
    for other in shortest_first:
        if len(other) >= len(form):
            return False
        if other in form:
            return True
    return False


def _forms(value: str) -> Iterator[str]:
    """Yield how a secret may be written; line breaks in it do not count."""
    data = value.encode("utf-8", "surrogateescape")
    forms = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    forms |= {repr(data)[2:-1], quote(data, safe=""), quote(data), quote_plus(data)}
    forms |= {_ESCAPES.sub(lambda found: found[0].lower(), form) for form in forms}
    forms |= {*_base64(data), *_base64(data + b"\n")}
    for form in forms:
        bare = _bare(form)
        if len(bare) >= SHORTEST:
            yield bare
    lines = [line for line in value.splitlines() if len(line) >= _SHORTEST_LINE]
    if len(lines) > 1:
        yield from lines


def _base64(data: bytes) -> Iterator[str]:
    """Yield a secret in base64, and what of it stands in the base64 of any text that it is a part of."""
    for shift in range(3):
        padded = b"\0" * shift + data
        plain, safe = base64.b64encode(padded).decode(), base64.urlsafe_b64encode(padded).decode()
        if not shift:
            yield from (plain, safe, plain.rstrip("="), safe.rstrip("="))
        # without the characters that are made of neighbours, too
        inner = slice((0, 2, 3)[shift], len(padded) * 8 // 6)
        yield from (plain[inner], safe[inner])
