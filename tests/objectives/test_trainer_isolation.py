from __future__ import annotations

import gc
import os
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from plugins.tiny_trainer import arguments, tiny_model, trainer

from astraml_lab.objectives.trainers import isolated
from astraml_lab.objectives.trainers.generator import own_draws

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.jobs import Bench

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

CPU: tuple[int, ...] = ()


@pytest.fixture
def three_gpus(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Have torch tell of three GPUs, and note which one is made the current one."""
    chosen: list[Any] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


def results(seed: int, folder: Path) -> list[tuple[int, float]]:
    """Train and return every loss with its step."""
    made = trainer(arguments(folder, seed=seed))
    made.train()
    history = made.state.log_history
    return [(log["step"], log[name]) for log in history for name in ("loss", "eval_loss") if name in log]


def results_in_a_trial(seed: int, folder: Path) -> list[tuple[int, float]]:
    with isolated(CPU, folder):
        torch.set_num_threads(1)
        return results(seed, folder)


def test_a_trainer_is_kept_to_the_leased_gpu(three_gpus: list[Any], tmp_path: Path) -> None:
    with isolated((2,), tmp_path):
        args = arguments("out")
        assert (args.device, args.n_gpu, args.use_cpu) == (torch.device("cuda", 2), 1, False)
        assert args.parallel_mode.value == "not_parallel"
        from accelerate import Accelerator

        assert Accelerator().device == torch.device("cuda", 2)
        assert arguments("out", use_cpu=True).device == torch.device("cpu")
    assert three_gpus == []


def test_a_trial_without_a_gpu_trains_on_the_cpu(three_gpus: list[Any], tmp_path: Path) -> None:
    with isolated(CPU, tmp_path):
        args = arguments("out", bf16=True)
        assert (args.device, args.n_gpu) == (torch.device("cpu"), 0)
        from accelerate import Accelerator

        assert Accelerator().device == torch.device("cpu")
    assert three_gpus == []


def test_a_process_that_sees_its_leased_gpus_only_is_left_as_it_is(
    three_gpus: list[Any], tmp_path: Path
) -> None:
    with isolated((0, 1, 2), tmp_path):
        args = arguments("out")
        assert (args.device, args.n_gpu) == (torch.device("cuda", 0), 3)
    assert three_gpus == [torch.device("cuda", 0)]


def test_two_trials_at_once_keep_to_their_own_gpus_and_the_notebook_to_its_own(
    three_gpus: list[Any], tmp_path: Path
) -> None:
    both = threading.Barrier(2)

    def devices(number: int) -> tuple[Any, Any]:
        with isolated((number,), tmp_path):
            args = arguments("out")
            both.wait(120)
            from accelerate.state import PartialState

            return args.device, PartialState().device

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(devices, (1, 2)))

    assert found == [(torch.device("cuda", number),) * 2 for number in (1, 2)]
    assert arguments(tmp_path).device == torch.device("cuda", 0)
    assert three_gpus == [torch.device("cuda", 0)]


def test_arguments_from_a_cell_above_become_each_trials_own(three_gpus: list[Any], tmp_path: Path) -> None:
    above = arguments("out")
    before = dict(vars(above))
    with isolated(CPU, tmp_path):
        made = trainer(above)
        assert made.args is not above
        assert made.args.device == torch.device("cpu")
        assert made.args.output_dir == str(tmp_path / "out")
        again = trainer(made.args)
        assert again.args is made.args
    assert vars(above) == before
    assert three_gpus == [torch.device("cuda", 0)]


def test_what_a_trainer_writes_goes_into_the_trials_folder_and_its_bars_nowhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    with isolated(CPU, tmp_path / "checkpoint"):
        assert arguments("my_model").output_dir == str(tmp_path / "checkpoint" / "my_model")
        assert arguments(elsewhere).output_dir == str(elsewhere)
        made = trainer(arguments("my_model", disable_tqdm=False, save_strategy="epoch"))
        made.train()
        names = {type(each).__name__ for each in made.callback_handler.callbacks}
    assert (tmp_path / "checkpoint" / "my_model" / "checkpoint-16" / "model.safetensors").is_file()
    assert not any("Progress" in name for name in names)


def test_nothing_is_different_outside_of_trials(tmp_path: Path) -> None:
    from accelerate.state import PartialState

    inside, done = threading.Event(), threading.Event()

    def trial() -> None:
        with isolated(CPU, tmp_path / "trial"):
            results(1, tmp_path)
            inside.set()
            done.wait(120)

    def outside() -> dict[str, Any]:
        mine = trainer(arguments("out", disable_tqdm=False))
        assert (mine.args.output_dir, mine.args.data_seed, mine.args.use_cpu) == ("out", None, False)
        assert any("Progress" in type(each).__name__ for each in mine.callback_handler.callbacks)
        shared: dict[str, Any] = PartialState._shared_state
        return shared

    thread = threading.Thread(target=trial)
    thread.start()
    assert inside.wait(120)
    shared = outside()
    done.set()
    thread.join()

    assert outside() is shared
    assert vars(PartialState()) is shared


def test_what_is_changed_for_trials_is_changed_once(tmp_path: Path) -> None:
    import transformers
    from accelerate.utils import dataclasses

    with isolated(CPU, tmp_path):
        owners = (dataclasses, transformers.Trainer, transformers.PreTrainedModel)
        before, finders = [dict(vars(owner)) for owner in owners], list(sys.meta_path)
    with isolated(CPU, tmp_path):
        assert [dict(vars(owner)) for owner in owners] == before
        assert sys.meta_path == finders


def test_a_model_that_the_notebook_loads_while_trials_come_and_go_is_whole(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel

    GPT2LMHeadModel(GPT2Config(vocab_size=32, n_embd=16, n_layer=2, n_head=2)).save_pretrained(tmp_path / "m")
    done = threading.Event()

    def load(_: int) -> bool:
        model = GPT2LMHeadModel.from_pretrained(tmp_path / "m")
        return model.lm_head.weight is model.transformer.wte.weight

    def come_and_go() -> None:
        while not done.is_set():
            with isolated(CPU, tmp_path):
                load(0)

    load(0)
    with isolated(CPU, tmp_path):
        tie = PreTrainedModel.tie_weights
    trials = threading.Thread(target=come_and_go)
    between = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    trials.start()
    try:
        assert all(map(load, range(40)))
    finally:
        sys.setswitchinterval(between)
        done.set()
        trials.join()
    assert PreTrainedModel.tie_weights is tie


def test_checkpoints_that_are_saved_at_once_leave_warnings_to_everybody(tmp_path: Path) -> None:
    shown = warnings._showwarnmsg_impl  # type: ignore[attr-defined]  # what Trainers replace

    def trial(number: int) -> None:
        with isolated(CPU, tmp_path / str(number)):
            options = {"save_strategy": "steps", "save_steps": 1, "save_total_limit": 1}
            trainer(arguments("out", **options)).train()

    between = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(trial, range(8)))
    finally:
        sys.setswitchinterval(between)
    assert warnings._showwarnmsg_impl is shown  # type: ignore[attr-defined]  # likewise


def test_trainers_at_once_give_what_they_give_one_after_the_other(tmp_path: Path) -> None:
    seeds = (1, 2, 3)
    with ThreadPoolExecutor(1) as one:
        wanted = list(one.map(lambda seed: results_in_a_trial(seed, tmp_path / str(seed)), seeds))
    with ThreadPoolExecutor(len(seeds)) as threads:
        found = list(threads.map(lambda seed: results_in_a_trial(seed, tmp_path / str(seed)), seeds))
    assert found == wanted
    assert len({tuple(each) for each in wanted}) == len(seeds)


def test_trainers_at_once_leave_the_environment_to_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accelerate.utils import GradientAccumulationPlugin

    monkeypatch.setenv("EVERYBODYS", "here")
    before = dict(os.environ)
    missing: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            missing.extend(before.keys() - os.environ)

    def ask(number: int) -> list[dict[str, Any]]:
        with isolated(CPU, tmp_path / str(number)):
            return [GradientAccumulationPlugin(num_steps=2).to_kwargs() for _ in range(200)]

    watcher = threading.Thread(target=watch)
    between = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    watcher.start()
    try:
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(ask, range(4))) == [[{"num_steps": 2}] * 200] * 4
    finally:
        sys.setswitchinterval(between)
        done.set()
        watcher.join()

    assert not missing
    assert dict(os.environ) == before


def test_trainers_that_look_for_devices_at_once_find_the_variable_that_each_removes(tmp_path: Path) -> None:
    from accelerate.utils import is_cuda_available

    before = dict(os.environ)

    def look(number: int) -> list[bool]:
        with isolated(CPU, tmp_path / str(number)):
            return [is_cuda_available() for _ in range(500)]

    between = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(look, range(4))) == [[torch.cuda.is_available()] * 500] * 4
    finally:
        sys.setswitchinterval(between)
    assert dict(os.environ) == before


def test_options_from_the_environment_differ_from_the_default_in_a_trial_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accelerate.utils import TorchDynamoPlugin

    monkeypatch.setenv("ACCELERATE_DYNAMO_BACKEND", "inductor")
    outside = TorchDynamoPlugin().to_kwargs()
    with isolated(CPU, tmp_path):
        assert TorchDynamoPlugin().to_kwargs() == outside
    assert outside["backend"].lower() == "inductor"


def test_an_ended_trial_leaves_no_model_behind(bench: Bench) -> None:
    models: list[weakref.ref[Any]] = []

    def run(trial: Any) -> None:
        from astraml_lab import AstraCallback

        model = tiny_model()
        models.append(weakref.ref(model))
        made = trainer(arguments("out"), AstraCallback(), model=model)
        made.train()
        if trial.number:
            raise RuntimeError("the worst")

    gc.disable()  # as if Python were in no hurry
    try:
        job = bench.run(run, trials=2, maximize=(), minimize="eval_loss")
    finally:
        gc.enable()

    assert [model() for model in models] == [None, None], job


def test_models_that_are_loaded_at_once_are_whole_and_leave_transformers_whole(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel

    GPT2LMHeadModel(GPT2Config(vocab_size=32, n_embd=16, n_layer=2, n_head=2)).save_pretrained(tmp_path / "m")
    tie, draw = PreTrainedModel.tie_weights, torch.nn.init.normal_

    def tied(number: int) -> list[bool]:
        with isolated(CPU, tmp_path / str(number)):
            loaded = [GPT2LMHeadModel.from_pretrained(tmp_path / "m") for _ in range(3)]
            made = GPT2LMHeadModel(loaded[0].config)
        return [model.lm_head.weight is model.transformer.wte.weight for model in (*loaded, made)]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(tied, range(4))) == [[True] * 4] * 4
    assert PreTrainedModel.tie_weights is tie
    assert torch.nn.init.normal_ is draw


def test_new_weights_depend_on_their_seed_whatever_other_threads_draw() -> None:
    from transformers import BertForSequenceClassification, GPT2Config, GPT2LMHeadModel

    def weights(seed: int) -> list[Any]:
        with own_draws(seed):
            made = [
                BertForSequenceClassification(tiny_model().config),
                GPT2LMHeadModel(GPT2Config(vocab_size=32, n_embd=16, n_layer=1, n_head=2)),
                torch.nn.Linear(3, 3),
            ]
        return [parameter.detach() for model in made for parameter in model.parameters()]

    def others() -> None:
        while not done.is_set():
            torch.rand(100)

    wanted, shared = weights(1), torch.get_rng_state()
    assert torch.equal(torch.get_rng_state(), shared)
    done = threading.Event()
    thread = threading.Thread(target=others)
    thread.start()
    found, different = weights(1), weights(2)
    done.set()
    thread.join()

    assert all(map(torch.equal, found, wanted))
    assert not torch.equal(different[0], wanted[0])
