"""Who looks at a dashboard, and at what: leases that views renew every few seconds."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from astraml_lab.clock import Clock

WantKind = Literal["step", "time", "importance"]
_KINDS = get_args(WantKind)
LEASE_SECONDS = 10.0
"""A visible view says "alive" every 3 s; browsers may stretch that."""
_CLIENTS = 16
_WANTS = 4
DETAILS = 5
"""Trials that one view opens side by side."""
_ALL_DETAILS = 10
_SELECTED = 100_000
_DRAWN = 30
"""Selected trials that get a line, however many there are."""
_TEXT = 10_000
_ID = 64


@dataclass(frozen=True, slots=True)
class Want:
    """What a view draws of a metric: its lines by step or by time, or what it depends on."""

    metric: str
    kind: WantKind


@dataclass(frozen=True, slots=True)
class Attention:
    """What the views together look at."""

    wants: tuple[Want, ...] | None = None
    """`None`: no view has said yet what it draws."""
    details: tuple[int, ...] = ()
    """Trials whose log and traceback are open."""
    selected: tuple[int, ...] = ()
    """The first of the selected trials, the opened ones among them."""


@dataclass(slots=True)
class _Client:
    seen: float
    wants: tuple[Want, ...] | None = None
    details: tuple[int, ...] = ()
    selected: tuple[int, ...] = ()


@dataclass(slots=True)
class Audience:
    """The views of one dashboard. Thread-safe: messages come on any thread, the publisher reads."""

    clock: Clock
    _clients: dict[str, _Client] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, message: dict[str, Any]) -> bool:
        """Renew the lease of the sender of a message; whether the views look at something else than before.

        The message comes from a browser and is believed in nothing: what does not fit is left out. What it
        does not name is as the sender said before.
        """
        name = message.get("c")
        if not isinstance(name, str) or not 0 < len(name) <= _ID:
            return False
        with self._lock:
            if message.get("t") == "bye":
                return self._clients.pop(name, None) is not None
            now = self.clock.monotonic()
            before = self._clients.pop(name, None)
            self._clients[name] = fresh = _heard(before, message, now)
            while len(self._clients) > _CLIENTS:
                del self._clients[next(iter(self._clients))]
        if before is None or now - before.seen > LEASE_SECONDS:
            return True
        return replace(before, seen=now) != fresh

    def looking(self) -> bool:
        """Whether anybody's lease runs."""
        limit = self.clock.monotonic() - LEASE_SECONDS
        with self._lock:
            return any(client.seen >= limit for client in self._clients.values())

    def silence(self) -> float:
        """Return the seconds since a view was last heard; infinite where none ever was."""
        with self._lock:
            last = max((client.seen for client in self._clients.values()), default=float("-inf"))
        return self.clock.monotonic() - last

    def attention(self) -> Attention:
        """Return what those look at who do."""
        limit = self.clock.monotonic() - LEASE_SECONDS
        with self._lock:
            live = [client for client in self._clients.values() if client.seen >= limit]
            # No lease runs, yet a frame is asked for: the slow rate while a cell keeps "alive" from arriving.
            clients = live or list(self._clients.values())[-1:]
        said = [client.wants for client in clients if client.wants is not None]
        wants = dict.fromkeys(want for each in said for want in each)
        details = dict.fromkeys(number for client in clients for number in client.details)
        selected = dict.fromkeys(number for client in clients for number in client.selected)
        return Attention(
            tuple(wants)[:_WANTS] if said else None, tuple(details)[:_ALL_DETAILS], tuple(selected)[:_DRAWN]
        )


def _heard(before: _Client | None, message: dict[str, Any], now: float) -> _Client:
    client = _Client(now) if before is None else replace(before, seen=now)
    if "want" in message:
        client.wants = _wants(message["want"])
    if "details" in message:
        client.details = numbers_of(message["details"], DETAILS)
    if "numbers" in message:
        client.selected = numbers_of(message["numbers"], _DRAWN)
    return client


def _wants(given: object) -> tuple[Want, ...]:
    if not isinstance(given, list):
        return ()
    found = []
    for pair in given[:_WANTS]:
        if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004 - metric and kind
            continue
        metric, kind = pair
        if isinstance(metric, str) and len(metric) <= _TEXT and kind in _KINDS:
            found.append(Want(metric, kind))
    return tuple(found)


def numbers_of(given: object, limit: int = _SELECTED) -> tuple[int, ...]:
    """Read the numbers of trials that a browser names: what is none, or stands there twice, is left out."""
    if not isinstance(given, list):
        return ()
    whole = (each for each in given if isinstance(each, int) and not isinstance(each, bool) and each >= 0)
    return tuple(dict.fromkeys(whole))[:limit]
