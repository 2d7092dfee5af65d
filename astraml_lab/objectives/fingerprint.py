"""What makes two runs of a job the same job: digests of the code, of what it reaches, and of plain values.

Comments, white space and line numbers do not count: what is compared is the syntax tree. Neither does what
the code itself writes into. Data (arrays and tables) have digests of their own, which make no other job: a
split without a seed differs in every kernel. Models, long lists and very large data are named instead.
"""

from __future__ import annotations

import contextlib
import functools
from collections import defaultdict, deque
from dataclasses import dataclass
from enum import Enum
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.callables import cells, code_behind, defaults, methods, plain_function, wrapped_by
from astraml_lab.objectives.references import outer_names, rebound_names
from astraml_lab.objectives.sources import Source, read_source, tree_digest
from astraml_lab.objectives.values import (
    MOST_DATA,
    SETTING,
    attributes,
    children,
    digest,
    is_table,
    leaf,
    size,
    weight,
)
from astraml_lab.objectives.writes import EVERYTHING, writes

if TYPE_CHECKING:
    import ast
    from collections.abc import Hashable, Iterable, Iterator, Mapping

__all__ = ["SCRIPT", "Reached", "changed", "changed_data", "digest", "reached", "reached_by", "tree_digest"]

SCRIPT = "the script "
"""How the part of a script begins; its file's name follows."""
_DATA = "the data of "
_DEEPEST = 6
_MOST_ITEMS = 2_000
_MOST_WRAPPERS = 20
_CONSTRUCTORS = frozenset({"__init__", "__new__", "__post_init__", "__setstate__"})
# Not following these keeps the state of a framework's objects out: `torch.nn.Module.training`.
_BARE = frozenset({"abc", "builtins", "enum", "typing"})


@dataclass(frozen=True)
class Reached:
    """What code reaches.

    Attributes:
        parts: A digest per notebook function, class and value.
        uncompared: What no digest covers, or not all of it: `model (Sequential)`.
    """

    parts: Mapping[str, str]
    uncompared: tuple[str, ...] = ()


def changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return the names of the parts that make another search, those of `new` first."""
    differing = (part for part in {**new, **old} if old.get(part) != new.get(part))
    return [part for part in differing if not part.startswith(_DATA)]


def changed_data(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return where the data are not what they were, of what both know."""
    both = (part for part in new if part.startswith(_DATA) and part in old)
    return [part.removeprefix(_DATA) for part in both if old[part] != new[part]]


def reached(used: Iterable[str], names: Mapping[str, Any], tree: ast.AST | None = None) -> Reached:
    """Return a digest per notebook function, class and value that code using `used` reaches.

    Args:
        used: The names that the code reads.
        names: The notebook's namespace; what was defined elsewhere (an installed package) is not followed.
        tree: The code, to see what it writes into.
    """
    walk = _Walk({"__main__", str(names.get("__name__", "__main__"))})
    if tree is not None:
        walk.note_writes(writes(tree), names)
    for name in used:
        if name in names:
            walk.later(name, names[name])
    return walk.run()


def reached_by(function: Any, name: str) -> Reached:
    """Return the same for a function, with what it is bound to: an object, a partial's arguments."""
    walk = _Walk({"__main__", *_homes(function)})
    walk.later(name, function, label=f"what `{name}` is bound to")
    return walk.run()


def _homes(function: Any) -> Iterator[str]:
    """Yield the modules that count as the user's: where a function, and what it is bound to, was written."""
    while isinstance(function, functools.partial):
        function = function.func
    owner = type(function.__self__) if isinstance(function, MethodType) else type(function)
    plain = plain_function(function) or plain_function(owner.__call__)
    for each in (owner, plain, code_behind(function)):
        if each is not None and each.__module__ not in {*_BARE, "functools"}:
            yield str(each.__module__)


class _Walk:
    """Follows code from name to name, and reads out the values on the way; never raises.

    Args:
        homes: The modules whose functions and classes are the user's.
    """

    def __init__(self, homes: set[str]) -> None:
        self._homes = homes
        self._parts: dict[str, str] = {}
        self._code: deque[tuple[str, FunctionType | type]] = deque()
        self._values: deque[tuple[str, str, Any, Hashable]] = deque()
        self._seen: dict[Hashable, Any] = {}  # keeps what it holds alive: an id must not come twice
        self._written: dict[int, set[Hashable]] = defaultdict(set)
        self._written_by_methods: dict[int, set[Hashable]] = defaultdict(set)
        self._rebound: set[Hashable] = set()
        self._root = ""
        self._left = 0
        self._data_left = MOST_DATA
        self._data: dict[int, tuple[Any, str | None]] = {}
        self._held: list[str] = []
        self._uncompared: dict[str, str] = {}

    def run(self) -> Reached:
        """Follow all that waits; code goes first, because it says what is written into."""
        while self._code or self._values:
            # A user's class may raise at any touch, and a running trial may change a dict meanwhile.
            with contextlib.suppress(Exception):
                if self._code:
                    self._read_code(*self._code.popleft())
                else:
                    self._read_value(*self._values.popleft())
        return Reached(self._parts, tuple(f"{name} ({kind})" for name, kind in self._uncompared.items()))

    def later(self, name: str, value: Any, *, label: str = "", origin: Hashable = None) -> None:
        """Follow a value that code reaches under a name."""
        code = self._code_of(value)
        if code is not None and self._is_home(code):
            self._code.append((name, code))
        else:
            self._values.append((name, label or f"`{name}`", value, origin))

    def note_writes(self, found: Iterable[tuple[str, Hashable]], scope: Mapping[str, Any]) -> None:
        """Note what code writes into; what it merely gives a new name stays as it is."""
        for name, key in found:
            value = scope.get(name)
            whole = isinstance(value, list | deque | set | bytearray) or hasattr(type(value), "dtype")
            if whole or is_table(value):
                self._written[id(value)].add(EVERYTHING)
            elif isinstance(value, dict) or (key is not EVERYTHING and value is not None):
                self._written[id(value)].add(key)

    # code

    def _is_home(self, code: FunctionType | type) -> bool:
        if isinstance(code, type):
            return code.__module__ in self._homes
        return code.__globals__.get("__name__") in self._homes  # decorators copy `__module__`

    def _code_of(self, value: Any) -> FunctionType | type | None:
        """Return the code behind a value; an object of the user's class has more to it than what it wraps."""
        if type(value).__module__ in self._homes and not isinstance(value, type):
            return None
        code = code_behind(value)
        for _ in range(_MOST_WRAPPERS):
            if not isinstance(code, FunctionType) or self._is_home(code) or not wrapped_by(code):
                break
            code = code_behind(wrapped_by(code))  # another's decorator tells nothing
        return code

    def _read_code(self, name: str, code: FunctionType | type) -> None:
        if id(code) in self._seen:
            return
        self._seen[id(code)] = code
        if isinstance(code, type):
            self._add(f"class {code.__name__}", self._class_text(code))
        else:
            self._add(f"function {name}", self._function_text(code, name))

    def _add(self, label: str, text: str) -> None:
        self._parts[label] = digest(self._parts.get(label, "") + text)

    def _function_text(self, function: FunctionType, name: str) -> str:
        """Return the text of a function itself; what it reaches waits."""
        source, around = self._read(function)
        if wrapped_by(function) is not None:
            self.later(name, wrapped_by(function))
        for free, value in around.items():
            if free not in source.rebinds:
                self.later(free, value, label=f"`{free}` of {name}")
        return f"{source.digest} {self._defaults(function, name)}"

    def _read(self, function: FunctionType) -> tuple[Source, dict[str, Any]]:
        """Read a function's source; queue the globals that it uses; return it with its free variables."""
        source, around = read_source(function), dict(cells(function))
        names, space = outer_names(function.__code__), function.__globals__
        self._rebound |= {(id(space), name) for name in source.rebinds - {*around}}
        used = {name: space[name] for name in names if name in space}
        self.note_writes(source.writes, {**used, **defaults(function), **around})
        for name, value in used.items():
            self.later(name, value, origin=(id(space), name))
        return source, around

    def _defaults(self, function: FunctionType, root: str) -> str:
        return self._whole(defaults(function), root) or ""

    def _class_text(self, cls: type) -> str:
        """Digest a class member by member: Python before 3.13 finds no source of a notebook's class."""
        parts = [repr([base.__qualname__ for base in cls.__bases__])]
        self._code.extend((base.__name__, base) for base in cls.__bases__ if self._is_home(base))
        for name, function in methods(cls):
            source, around = self._read(function)
            self._note_own_writes(cls, name, function, source)
            held = self._whole({key: value for key, value in around.items() if value is not cls}, name)
            parts.append(f"{name} {source.digest} {self._defaults(function, name)} {held}")
        written = self._written[id(cls)]
        for name, member in vars(cls).items():
            code = code_behind(member)
            if isinstance(code, FunctionType):
                if wrapped_by(code) is not None and self._is_home(code):  # its decorator counts, too
                    self.later(f"{cls.__name__}.{name}", code)
            elif not name.startswith("__") and name not in written:
                parts.append(f"{name} {self._whole(member, cls.__name__)}")
        fields = dict(vars(cls).get("__annotations__", {}))
        parts.append(repr(sorted((name, str(kind)) for name, kind in fields.items())))
        return "\n".join(parts)

    def _note_own_writes(self, cls: type, name: str, function: FunctionType, source: Source) -> None:
        """Note which attributes a class's methods change as they run."""
        if name in _CONSTRUCTORS or not function.__code__.co_argcount:
            return
        me = function.__code__.co_varnames[0]
        own = {key for changed_name, key in source.writes if changed_name == me} - {EVERYTHING}
        of_class = isinstance(vars(cls).get(name), classmethod)
        (self._written if of_class else self._written_by_methods)[id(cls)] |= own

    # values

    def _read_value(self, name: str, label: str, value: Any, origin: Hashable) -> None:
        key = (label, id(value))
        if key in self._seen or origin in self._rebound:
            return
        self._seen[key] = value
        self._held = []
        text = self._whole(value, name)
        if self._held:
            self._add(_DATA + label, " ".join(self._held))
        if text is not None:
            self._add(label, text)
        else:
            self._miss(name, value)

    def _whole(self, value: Any, root: str) -> str | None:
        """Return the text of a value, or `None` where it does not count; functions in it wait as `root`'s."""
        before = self._root, self._left
        self._root, self._left = root, _MOST_ITEMS
        try:
            return self._text(value, 0)
        finally:
            self._root, self._left = before

    def _miss(self, name: str, value: Any) -> None:
        """Note a value that is not compared; what the code writes into is its result."""
        if not isinstance(value, ModuleType) and EVERYTHING not in self._written.get(id(value), ()):
            self._uncompared.setdefault(name, type(value).__name__)

    def _text(self, value: Any, depth: int) -> str | None:
        try:
            return self._read_text(value, depth)
        except Exception:  # noqa: BLE001 - a user's object; see `run`
            return None

    def _read_text(self, value: Any, depth: int) -> str | None:
        if EVERYTHING in self._written.get(id(value), ()):
            return None
        self._left -= weight(value)
        found = self._leaf(value) if self._left >= 0 else None
        if found is not None or depth > _DEEPEST or self._left < 0:
            return found
        code = self._code_of(value)
        if code is not None:
            return self._reference(code, depth)
        opened = self._open(value, depth)
        if opened is None:
            return None
        kind, pairs = opened
        written = self._written.get(id(value), ())
        kept = [(key, item) for key, item in pairs if key not in written]
        texts = [f"{self._part(key, depth)}: {self._part(item, depth)}" for key, item in kept]
        return f"{kind} {{{', '.join(texts)}}}"

    def _leaf(self, value: Any) -> str | None:
        """Return the text of a value without parts; of data their type, while their digest is held."""
        cost = size(value)
        if cost <= SETTING:
            return leaf(value)
        if id(value) not in self._data:  # read once, and up to a limit for all together
            within = cost <= self._data_left
            self._data_left -= cost if within else 0
            self._data[id(value)] = value, leaf(value) if within else None
        text = self._data[id(value)][1]
        if text is None:
            return None
        self._held.append(digest(text))
        return f"<{type(value).__module__}.{type(value).__qualname__}>"

    def _part(self, value: Any, depth: int) -> str:
        """Return the text of a part; of what is not compared, its type."""
        text = self._text(value, depth + 1)
        if text is None:
            self._miss(self._root, value)
        return text or f"<{type(value).__module__}.{type(value).__qualname__}>"

    def _reference(self, code: FunctionType | type, depth: int) -> str:
        """Return the name of a function or class that a value holds; the user's own are followed."""
        if self._is_home(code):
            self._code.append((self._root if code.__name__ == "<lambda>" else code.__name__, code))
            return code.__qualname__
        held: dict[str, Any] = {}
        if isinstance(code, FunctionType):
            rebound = rebound_names(code.__code__) if code.__closure__ else ()
            held = {name: value for name, value in cells(code) if name not in rebound}
        inside = f" {self._part(held, depth)}" if held else ""
        return f"{code.__module__}.{code.__qualname__}{inside}"

    def _open(self, value: Any, depth: int) -> tuple[str, list[tuple[Any, Any]]] | None:
        """Return the kind and the parts of a value; an object of the user's class shows its attributes."""
        kind = type(value)
        opened = children(value)
        if isinstance(value, set | frozenset) and opened is not None:
            return opened[0], [(text, None) for text in sorted(self._part(each, depth) for each in value)]
        if kind.__module__ not in self._homes or issubclass(kind, Enum):
            return opened
        self._read_code(kind.__name__, kind)
        inside = opened[1] if opened is not None else []
        own = dict(self._attributes(value))
        return kind.__qualname__, [*own.items(), *((key, item) for key, item in inside if key not in own)]

    def _attributes(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield what the user's classes put into an object, but for what its methods change."""
        bases = type(value).__mro__
        foreign = [base for base in bases if base.__module__ not in {*self._homes, *_BARE}]
        theirs = {name for base in foreign for name in (*vars(base), *vars(base).get("__annotations__", {}))}
        written = {key for base in bases for key in self._written_by_methods.get(id(base), ())}
        for name, item in attributes(value):
            framework = name in theirs or (bool(foreign) and name.startswith("_"))
            if framework and not name.startswith("__"):
                self._miss(self._root, value)
            if name not in written and not framework:
                yield name, item
