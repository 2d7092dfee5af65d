"""Jobs of scripts: how they end, also those that do not want to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from plugins.patience import PATIENCE, gone, until
from plugins.scripts import script_spec

from astraml_lab.errors import Conflict
from astraml_lab.jobs.code_again import code_of
from astraml_lab.objectives import ScriptCode
from astraml_lab.spec import (
    Categorical,
    Channel,
    Dialect,
    Discrete,
    FailureKind,
    Float,
    Int,
    JobState,
    Limits,
    LogMetric,
    Pruning,
    SecretRef,
    TrialState,
)

if TYPE_CHECKING:
    from plugins.jobs import Bench
    from plugins.scripts import ScriptBench

    from astraml_lab.trial import Trial


def written(file: Path) -> bool:
    return file.exists() and file.read_text().endswith("\n")


def test_a_script_of_ones_own_gets_names_and_values_and_prints_its_metric(scripts: ScriptBench) -> None:
    train = scripts.write(
        """
        import argparse, json, os
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float)
        parser.add_argument("--batch", type=int)
        parser.add_argument("--note")
        args = parser.parse_args()
        assert json.loads(os.environ["ASTRAML_HPS"])["batch"] == args.batch
        assert os.environ["ASTRAML_HP_LR"] == str(args.lr), os.environ["ASTRAML_HP_LR"]
        print(f"score: {args.lr * args.batch} note={args.note}")
        """
    )
    spec = script_spec(
        {"lr": Float(0.1, 0.5), "batch": Discrete([16.0, 32.0])}, fixed={"note": "two words"}, trials=2
    )
    job = scripts.run(spec, train)
    view = job.trials[0].view()
    assert view.state is TrialState.COMPLETE, view
    lr, batch = view.params["lr"], view.params["batch"]
    assert isinstance(lr, float)
    assert isinstance(batch, float)
    assert view.values == (lr * batch,)
    assert "note=two words" in job.trials[0].log.tail()


def test_report_works_in_a_script_too(scripts: ScriptBench) -> None:
    train = scripts.write(
        """
        from astraml_lab import report
        for epoch in range(3):
            report(score=epoch / 10, loss=1.0, step=epoch)
        """
    )
    job = scripts.run(script_spec(trials=1), train)
    assert job.trials[0].view().values == (0.2,)
    assert job.trials[0].view().metrics == {"score": 0.2, "loss": 1.0}


def test_a_failing_script_shows_its_own_traceback(scripts: ScriptBench) -> None:
    train = scripts.write(
        """
        def broken():
            raise ValueError("no such optimizer")
        print("score=1")
        broken()
        """
    )
    job = scripts.run(script_spec(trials=1), train)
    trial = job.trials[0]
    view = trial.view()
    assert (view.state, view.kind) == (TrialState.FAILED, FailureKind.EXCEPTION)
    assert view.reason == "train.py ended with exit code 1: ValueError: no such optimizer"
    assert view.traceback.startswith("Traceback (most recent call last):")
    assert 'raise ValueError("no such optimizer")' in view.traceback
    assert trial.log.tail().count("Traceback") == 1


def test_what_a_script_says_in_sagemakers_failure_file_is_the_reason(scripts: ScriptBench) -> None:
    train = scripts.write(
        """
        import os, sys
        with open(os.path.join(os.environ["SM_OUTPUT_DIR"], "failure"), "w") as file:
            file.write("the data is empty")
        sys.exit(2)
        """
    )
    job = scripts.run(script_spec(trials=1, convention=Dialect.SAGEMAKER), train)
    assert job.trials[0].view().reason == "train.py ended with exit code 2: the data is empty"


def test_a_script_that_crashes_is_tried_again_and_one_that_raises_is_not(scripts: ScriptBench) -> None:
    crash = scripts.write("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crash.py")
    view = scripts.run(script_spec(trials=1, retry_delay=0.01), crash).trials[0].view()
    assert (view.kind, view.attempt) == (FailureKind.CRASHED, 2)
    assert view.reason == "crash.py crashed: segmentation fault (SIGSEGV)"
    raises = scripts.write("1 / 0", "raises.py")
    assert scripts.run(script_spec(trials=1), raises).trials[0].view().attempt == 1


def test_memory_that_ran_out_is_told_from_other_errors(scripts: ScriptBench) -> None:
    train = scripts.write("raise MemoryError('too large')")
    assert scripts.run(script_spec(trials=1), train).trials[0].view().kind is FailureKind.OOM


def test_a_pruned_script_is_asked_to_end_and_may_save_first(scripts: ScriptBench) -> None:
    train = scripts.write(
        """
        import os, signal, sys, time
        def save(*_):
            with open(os.path.join(os.environ["SM_MODEL_DIR"], "saved"), "w") as file:
                file.write("saved")
            print("saved before the end", flush=True)
            sys.exit(0)
        signal.signal(signal.SIGTERM, save)
        number = int(os.environ["ASTRAML_TRIAL"])
        for step in range(600):
            print(f"score={100 - number if number < 5 else -1}", flush=True)
            if number < 5 and step > 5:
                break
            time.sleep(0.05)
        """
    )
    spec = script_spec(
        convention=Dialect.SAGEMAKER,
        trials=6,
        parallel=1,
        prune=Pruning.MEDIAN,
        log_metrics=(LogMetric(name="score", regex=r"score=(\S+)"),),
    )
    job = scripts.run(spec, train)
    trial = job.trials[5]
    assert trial.view().state is TrialState.PRUNED
    assert "saved before the end" in trial.log.tail()
    assert list((trial.checkpoint_dir.parent / "artifacts").glob("*/output/model.tar.gz"))


def test_a_script_that_ignores_sigterm_is_killed_after_its_grace_with_its_children(
    scripts: ScriptBench,
) -> None:
    pids = scripts.folder / "pids"
    train = scripts.write(
        f"""
        import os, signal, subprocess, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["setsid", "sleep", "600"])
        with open({str(pids)!r}, "w") as file:
            print(os.getpid(), child.pid, file=file)
        print("score=1", flush=True)
        time.sleep(600)
        """
    )
    spec = script_spec(trials=1).model_copy(update={"limits": Limits(grace=0.5)})
    job = scripts.launch(spec, train)
    until(lambda: written(pids))
    job.stop()
    job.wait(120)
    assert job.state is JobState.CANCELLED
    assert job.trials[0].view().state is TrialState.STOPPED
    assert all(map(gone, map(int, pids.read_text().split())))
    assert "did not end within 0.5 s of SIGTERM: it was killed" in job.trials[0].log.tail()


def test_a_script_over_its_time_is_ended(scripts: ScriptBench) -> None:
    train = scripts.write("import time; print('score=0.5', flush=True); time.sleep(600)")
    job = scripts.launch(script_spec(trials=1, trial_timeout=900, on_timeout="keep_last"), train)
    runner = scripts.bench.manager.runner(job._generation_id)
    assert runner is not None
    until(lambda: any(trial.metrics for trial in job.trials.values()))
    runner.live.trials[0].deadline = 0.0
    view = job.wait(PATIENCE).trials[0].view()
    assert (view.state, view.values) == (TrialState.COMPLETE, (0.5,))


def test_a_hundred_megabytes_of_prints_do_not_fill_the_disk(scripts: ScriptBench) -> None:
    train = scripts.write(
        """
        import sys
        block = "an epoch of this training says many words and nothing else ...\\n" * 1600
        for _ in range(1000):
            sys.stdout.write(block)
        print("score=3")
        """
    )
    trial = scripts.run(script_spec(trials=1), train).trials[0]
    assert trial.view().values == (3.0,)
    assert trial.log.tail(1) == "score=3"
    log = trial.checkpoint_dir.parent / "log.txt"
    assert log.stat().st_size < 25_000_000


KERNEL = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from plugins.jobs import Bench
from plugins.scripts import ScriptBench, script_spec
bench = ScriptBench(Bench(Path({home!r})), Path({folder!r}))
bench.launch(script_spec(trials=1, name="killed"), {train!r}).wait(120)
"""


def test_kill_nine_of_the_kernel_leaves_no_script_behind_and_the_job_goes_on(
    scripts: ScriptBench, home: Path
) -> None:
    pids = scripts.folder / "pids"
    train = scripts.write(
        f"""
        import os, pathlib, subprocess, time
        pids = pathlib.Path({str(pids)!r})
        print("score=7", flush=True)
        if not pids.exists():
            child = subprocess.Popen(["sleep", "600"])
            pids.write_text(f"{{os.getpid()}} {{child.pid}}\\n")
            time.sleep(600)
        """
    )
    tests = str(Path(__file__).parents[1])
    text = KERNEL.format(tests=tests, home=str(home), folder=str(scripts.folder), train=str(train))
    with subprocess.Popen([sys.executable, "-c", text]) as kernel:
        until(lambda: written(pids))
        os.kill(kernel.pid, signal.SIGKILL)
    until(lambda: all(map(gone, map(int, pids.read_text().split()))))
    job = scripts.bench.manager.find("killed")
    until(lambda: job.state is JobState.STALE)
    went_on = job.resume().wait(120)
    assert went_on.state is JobState.SUCCEEDED
    assert went_on.trials[0].view().values == (7.0,)


def test_a_stored_job_finds_its_script_again_and_a_changed_script_is_another_search(
    scripts: ScriptBench,
) -> None:
    train = scripts.write("print('score=1')")
    job = scripts.run(script_spec(trials=1, name="again"), train)
    spec, code = code_of(job.spec)
    assert isinstance(code, ScriptCode)
    assert spec.definitions[0].program == code.program
    before = ScriptCode(job.spec, target=train).fingerprint()
    assert code.fingerprint() == before
    train.write_text("print('score=2')")
    assert ScriptCode(job.spec, target=train).fingerprint() != before


def test_another_script_in_its_place_is_named_with_the_one_before(scripts: ScriptBench) -> None:
    job = scripts.run(script_spec(trials=1, name="again"), scripts.write("print('score=1')", "first.py"))
    other = ScriptCode(job.spec, target=scripts.write("print('score=1')", "other.py"))
    found = scripts.bench.store.load_job(job.project, job.name)
    assert found is not None
    with pytest.raises(Conflict, match=r"changed what runs: other\.py in place of first\.py\. Undo that"):
        scripts.bench.manager.resume(found.id, job.spec, other)


def test_secrets_reach_the_script_and_nothing_else(
    scripts: ScriptBench, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASTRAML_SECRET_DEFAULT_HF_TOKEN", "hunter2hunter2")
    monkeypatch.setenv("ASTRAML_SECRET_DEFAULT_OTHER", "not for this one")
    train = scripts.write(
        """
        import os, sys
        print("token", os.environ["TOKEN"], os.environ["ASTRAML_HP_LOGIN"], "hunter2" in " ".join(sys.argv))
        print("others", [name for name in os.environ if name.startswith("ASTRAML_SECRET_")])
        print("score=1")
        raise SystemExit(f"bad token {os.environ['TOKEN']}")
        """
    )
    spec = script_spec(
        trials=1,
        env={"TOKEN": SecretRef(secret="hf_token")},  # noqa: S106 - its name
        fixed={"login": {"secret": "hf_token"}},
    )
    job = scripts.run(spec, train)
    trial = job.trials[0]
    lines = trial.log.tail().splitlines()
    assert lines[0] == "token ***hf_token*** ***hf_token*** False"
    assert lines[1] == "others []"
    assert "***hf_token***" in trial.view().reason
    scripts.bench.manager.close()
    secret = b"hunter2hunter2"
    assert not [each for each in home.rglob("*") if each.is_file() and secret in each.read_bytes()]
    assert "hunter2" not in repr(spec)


def test_a_secret_that_is_missing_fails_the_trial_in_one_sentence(scripts: ScriptBench) -> None:
    train = scripts.write("print('score=1')")
    spec = script_spec(trials=1, env={"TOKEN": SecretRef(secret="hf_token")})  # noqa: S106 - its name
    reason = scripts.run(spec, train).trials[0].view().reason
    assert "set ASTRAML_SECRET_DEFAULT_HF_TOKEN in the kernel's environment" in reason


def test_the_kernels_environment_stays_as_it_was(scripts: ScriptBench) -> None:
    train = scripts.write("import os; print('score=' + os.environ['ONLY_THERE'])")
    before = dict(os.environ)
    job = scripts.run(script_spec(trials=1, env={"ONLY_THERE": "4"}), train)
    assert job.trials[0].view().values == (4.0,)
    assert dict(os.environ) == before


def test_a_script_sees_the_devices_of_its_trial_alone(gpu_bench: Bench, tmp_path: Path) -> None:
    from plugins.scripts import ScriptBench as Made

    made = Made(gpu_bench, tmp_path)
    train = made.write("import os; print('score=' + os.environ['CUDA_VISIBLE_DEVICES'])")
    job = made.run(script_spec(trials=2, parallel=2, devices=(1,)), train)
    assert {trial.view().values for trial in job.trials.values()} == {(1.0,)}


def test_a_function_in_place_of_a_script_gets_raw_and_decoded_values_inputs_and_variables(
    scripts: ScriptBench,
) -> None:
    seen: list[Any] = []

    def train(trial: Trial, n_layers: int, **params: object) -> None:
        seen.append((dict(trial.raw), trial.env["MODE"], sorted(trial.inputs), n_layers, params))
        print("validation:f1 0.25")  # noqa: T201 - what is read
        print("validation:f1 0.75")  # noqa: T201 - likewise

    spec = script_spec(
        {"batch-size": Categorical(['"512"']), "n-layers": Int(2, 2), "lr": Float(0.5, 0.5000001)},
        maximize="validation:f1",
        trials=1,
        convention=Dialect.SAGEMAKER,
        fixed={"model": '"rgcn"', "nodes": "features.csv"},
        env={"MODE": "fast"},
        channels={"train": Channel(uri="s3://nowhere/at/all")},
        log_metrics=(LogMetric(name="validation:f1", regex=r"validation:f1 (\S+)"),),
    )
    job = scripts.run(spec, train)
    assert job.trials[0].view().values == (0.75,), job.trials[0].view()
    raw, mode, inputs, layers, params = seen[0]
    assert raw["batch-size"] == '"512"'
    assert raw["_tuning_objective_metric"] == "validation:f1"
    assert (mode, inputs, layers) == ("fast", ["train"], 2)
    assert {"batch-size": "512", "model": "rgcn", "nodes": "features.csv"}.items() <= params.items()


def test_several_at_once_do_not_mix_what_they_print(scripts: ScriptBench) -> None:
    train = scripts.write(
        """
        import os
        for _ in range(200):
            print("trial", os.environ["ASTRAML_TRIAL"], flush=True)
        print("score=" + os.environ["ASTRAML_TRIAL"])
        """
    )
    job = scripts.run(script_spec(trials=4, parallel=4), train)
    for number, trial in job.trials.items():
        assert set(trial.log.tail(201).splitlines()) == {f"trial {number}", f"score={number}"}


def test_a_script_runs_under_a_trial_in_a_process_too(scripts: ScriptBench) -> None:
    train = scripts.write("print('score=5'); raise SystemExit('over')")
    trial = scripts.run(script_spec(trials=1, executor="processes"), train).trials[0]
    assert trial.view().metrics == {"score": 5.0}
    assert trial.view().reason == "train.py ended with exit code 1: over"
    assert trial.log.tail().splitlines() == ["score=5", "over"]
