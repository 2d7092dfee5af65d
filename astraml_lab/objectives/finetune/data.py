"""A job's data set, loaded, split and tokenized once; its trials read what the first of them has left."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astraml_lab.objectives.finetune.columns import assign
from astraml_lab.objectives.finetune.errors import FinetuneFailed, first_line
from astraml_lab.objectives.finetune.files import DISK, DISK_DICT, KNOWN, kind_of, sorted_by_split
from astraml_lab.objectives.finetune.tasks import TASKS
from astraml_lab.objectives.finetune.tasks.base import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_PATIENCE = 0.2
"""Seconds between looks at whether a trial that waits for another's work is to end."""
_UNLIMITED = 1_000_000
"""A tokenizer that knows no limit says a number beyond this."""
_LONGEST = 512
"""Tokens of a row where neither the job, nor the tokenizer, nor the model says a limit."""
_FRACTION = 0.1


@dataclass(frozen=True)
class Wanted:
    """What tells one tokenized data set of a job from another.

    Attributes:
        model: A folder or a hub's id.
        dataset: As the job names it.
        task: The task's name.
        options: The settings that say what the data is.
        seed: Of the split.
    """

    model: str
    dataset: str
    task: str
    options: Mapping[str, Any]
    seed: int

    @property
    def key(self) -> str:
        """A name for its folder."""
        text = json.dumps(asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Prepared:
    """A tokenized data set.

    Attributes:
        train: Rows to learn from, a `datasets.Dataset`.
        validation: Rows to evaluate on.
        tokenizer: The model's.
        facts: What the task has found out about the data.
        said: How the data was split, in a sentence.
    """

    train: Any
    validation: Any
    tokenizer: Any
    facts: Mapping[str, Any]
    said: str


def prepared(
    wanted: Wanted,
    folder: Path,
    *,
    find: Callable[[], str],
    token: str | None,
    go_on: Callable[[], None],
) -> Prepared:
    """Return a job's tokenized data; the first trial that asks makes it, in threads and in processes.

    Args:
        wanted: Which.
        folder: Where the job's trials share it.
        find: Returns where the data is here; fetches it if need be.
        token: The hub's.
        go_on: Called while it waits; raises where the trial ends.

    Raises:
        FinetuneFailed: The data or the tokenizer cannot be had, or they do not fit the task.
        TrialEnd: The trial was told to end.
    """
    from filelock import FileLock, Timeout

    target = folder / wanted.key
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{target}.lock")
        while not lock.is_locked:
            go_on()  # before: what it raises must not leave with the lock
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=_PATIENCE)
        try:
            if not target.exists():
                _prepare(wanted, target, find, token, go_on)
        finally:
            lock.release()
    return _loaded(target)


def _loaded(target: Path) -> Prepared:
    import datasets
    from transformers import AutoTokenizer

    rows = datasets.load_from_disk(str(target / "rows"))
    known = json.loads((target / "facts.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(str(target / "tokenizer"))
    return Prepared(rows["train"], rows["validation"], tokenizer, known["facts"], known["said"])


def _prepare(
    wanted: Wanted, target: Path, find: Callable[[], str], token: str | None, go_on: Callable[[], None]
) -> None:
    import datasets

    tokenizer, longest = _tokenizer(wanted, token)
    task = TASKS[wanted.task]
    place = find()
    with tempfile.TemporaryDirectory(dir=target.parent, ignore_cleanup_errors=True) as room:
        splits, said = _split(_raw(place, Path(room), wanted, token), wanted, Path(room))
        columns, problems = assign(task.roles, splits["train"].column_names, wanted.options)
        if problems:
            raise FinetuneFailed("; ".join(map(str, problems)))
        facts = task.facts(splits, columns)
        encode = task.encode(Encoder(tokenizer, longest, columns), facts)
        made = {}
        for name, rows in splits.items():
            go_on()
            made[name] = _encoded(rows, encode, f"{wanted.key}-{name}", Path(room))
        unfinished = Path(room) / "all"
        datasets.DatasetDict(made).save_to_disk(str(unfinished / "rows"))
        tokenizer.save_pretrained(str(unfinished / "tokenizer"))
        (unfinished / "facts.json").write_text(json.dumps({"facts": facts, "said": said}))
        shutil.move(unfinished, target)


def _encoded(rows: Any, encode: Callable[[Any], Any], fingerprint: str, room: Path) -> Any:
    try:
        return rows.map(
            encode,
            batched=True,
            remove_columns=rows.column_names,
            load_from_cache_file=False,
            # or it would lie beside the person's own data
            cache_file_name=str(room / f"{fingerprint}.arrow"),
            new_fingerprint=fingerprint,
        )
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise FinetuneFailed(f"the rows cannot be tokenized: {first_line(error)}") from None


def _tokenizer(wanted: Wanted, token: str | None) -> tuple[Any, int]:
    """Return the model's tokenizer, and how many tokens of a row it may keep."""
    from transformers import AutoConfig, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(wanted.model, token=token)
        config = AutoConfig.from_pretrained(wanted.model, token=token)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise FinetuneFailed(unreachable(wanted.model, error)) from None
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    limits = [
        limit
        for limit in (tokenizer.model_max_length, getattr(config, "max_position_embeddings", None))
        if limit is not None and 0 < limit < _UNLIMITED
    ]
    asked = wanted.options.get("max_length")
    return tokenizer, min([*limits, int(asked)] if asked else [*limits, _LONGEST])


def unreachable(place: str, error: BaseException) -> str:
    """Say that a model is neither here nor to be had from the hub."""
    return (
        f"the model {place} could not be had ({first_line(error)}): put it into a folder here, and name "
        'the folder, or map its name in astraml.toml, [models] "name" = "folder"'
    )


def _raw(place: str, room: Path, wanted: Wanted, token: str | None) -> Mapping[str, Any]:
    """Load the data's splits, as they are called."""
    import datasets

    path, dataset, config = Path(place), wanted.dataset, wanted.options.get("dataset_config")
    try:
        if not path.exists():
            return _by_split(datasets.load_dataset(dataset, config, token=token))
        if config is not None:
            return _by_split(datasets.load_dataset(place, config, cache_dir=str(room / "cache")))
        if (path / DISK_DICT).is_file() or (path / DISK).is_file():
            return _by_split(datasets.load_from_disk(place))
        return _from_files(path, room, dataset)
    except (FinetuneFailed, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever its many readers raise
        said = f"the data {dataset} could not be read: {first_line(error.__cause__ or error)}"
        raise FinetuneFailed(said + ("" if path.exists() else _config_hint(dataset, config))) from None


def _config_hint(dataset: str, config: str | None) -> str:
    """Say how the configuration of a hub's data set is spelled, where none is."""
    if config is not None:
        return ""
    owner, _, name = dataset.partition("/")
    example = f"{owner}:{name}" if name else f"{dataset}:NAME"
    return f'; a configuration of it is said behind a colon, as in "{example}"'


def _from_files(path: Path, room: Path, dataset: str) -> Mapping[str, Any]:
    import datasets

    files = sorted_by_split(path)
    kinds = {kind_of(each) for some in files.values() for each in some}
    if len(kinds) != 1:
        held = " and ".join(sorted(kinds)) or "nothing that is read"
        raise FinetuneFailed(f"the data {dataset} holds {held}: it may be {KNOWN}")
    named = {split: [str(each) for each in some] for split, some in files.items()}
    first = next(iter(files.values()))[0]
    more = {"sep": "\t"} if first.suffix.lower() == ".tsv" else {}
    return dict(datasets.load_dataset(kinds.pop(), data_files=named, cache_dir=str(room / "cache"), **more))


def _by_split(found: Any) -> Mapping[str, Any]:
    return dict(found) if hasattr(found, "keys") else {"train": found}


def _split(raw: Mapping[str, Any], wanted: Wanted, room: Path) -> tuple[dict[str, Any], str]:
    """Return what is learned from and what is evaluated on, and say how they were found."""
    train = raw["train"] if "train" in raw else next(iter(raw.values()))
    found = next((name for name in raw if name.startswith("valid") and raw[name] is not train), None)
    found = found or next((name for name in raw if name == "test" and raw[name] is not train), None)
    if found is not None:
        return (
            {"train": train, "validation": raw[found]},
            f"{len(train)} rows to train on; the split {found}, {len(raw[found])} rows, to evaluate on",
        )
    fraction = wanted.options.get("validation_fraction") or _FRACTION
    if len(train) < 2:  # noqa: PLR2004 - one for each side
        raise FinetuneFailed(f"the data has {len(train)} rows: it takes two at least")
    count = min(max(1, round(len(train) * fraction)), len(train) - 1)
    # Each file in our room: datasets' own choice is beside the person's data.
    parts = train.train_test_split(
        test_size=count,
        seed=wanted.seed,
        train_indices_cache_file_name=str(room / "train-numbers.arrow"),
        test_indices_cache_file_name=str(room / "test-numbers.arrow"),
    )
    rows = {
        name: each.flatten_indices(cache_file_name=str(room / f"{name}.arrow"))
        for name, each in parts.items()
    }
    said = (
        f"the data has no validation split: {count} of its {len(train)} rows, drawn with seed {wanted.seed}, "
        "are evaluated on"
    )
    return {"train": rows["train"], "validation": rows["test"]}, said
