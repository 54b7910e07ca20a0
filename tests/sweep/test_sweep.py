"""Sweeps as a user starts them: processes, that are killed, on machines that come and go."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import optuna
import pytest
import torch
import yaml
from optuna.storages import GrpcStorageProxy, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from litmore.cli import main
from litmore.sweep.plan import make_plan
from litmore.sweep.preflight import preflight
from litmore.sweep.space import read_space

ROOT = Path(__file__).parents[2]
SMALL = [
    f"--config={ROOT / 'configs' / 'mlp.yaml'}",
    "--data.max_words=400",
    "--trainer.accelerator=cpu",
    "--trainer.max_steps=20",
    "--trainer.val_check_interval=5",
    "--tensorboard.every_n_steps=0",
]
SPACE = "optimizer.lr: {float: [0.001, 0.1], log: true}\nmodel.hidden_dim: {int: [8, 32]}\n"

# A bigram that takes its time, and has last.ckpt saved at each of its validations.
SLOW = """
import os
import signal
import socket
import time
from pathlib import Path

from lightning.pytorch import Callback

class Slow(Callback):
    def __init__(self, seconds: float = 0.2, dies_at: int = -1):
        self.seconds, self.dies_at = seconds, dies_at

    def on_train_batch_end(self, trainer, *_):
        time.sleep(self.seconds)
        if trainer.global_step == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
"""
SLOWLY = [*SMALL, "--trainer.max_steps=40", "--trainer.callbacks=slow.Slow"]


@pytest.fixture
def sweep(tmp_path):
    """Start a sweep in a folder; it and its runs are killed at the end."""
    started = []

    def start(*args, folder=tmp_path, search=SPACE, by=()):
        folder.mkdir(exist_ok=True)
        (folder / "slow.py").write_text(SLOW)
        (folder / "space.yaml").write_text(search)
        process = subprocess.Popen(
            [*by, sys.executable, str(ROOT / "main.py"), "sweep", *map(str, args)],
            cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT / 'src'}"},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        for child in children(process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        process.kill()
        process.communicate()


def children(pid):
    """The processes that a process has started."""
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def journal(folder, name):
    storage = JournalStorage(JournalFileBackend(str(folder / "logs" / name / "study.log")))
    return optuna.load_study(study_name=name, storage=storage)


def outcomes(study):
    """What became of each trial, for two studies to be compared by."""
    return [(t.number, t.state, t.params, t.value) for t in study.trials]


def done(process, code=0, timeout=900):
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == code, out + err
    return out, err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((), "pass --seeds 5, or --search"),
        (("--seeds=0",), "--seeds 0: must be at least 1"),
        (("--seeds=[1,1]",), "each once"),
        (("--search=no.yaml",), "--search no.yaml: no such file"),
        (("--search=space.yaml",), "--num_trials: must be given"),
        (("--search=space.yaml", "--jobs=0"), "--jobs"),
        (("--search=wrong.yaml",), "wrong.yaml:2: --optimizer.lrr: no such setting"),
        (("--search=negative.yaml", "--jobs=2"), "negative.yaml:1: --model.hidden_dim -3"),
        (
            ("--search=space.yaml", "--num_trials=2", "--optimizer.lr=0.1"),
            "is searched by space.yaml:1",
        ),
        (("--search=heads.yaml", "--model=Transformer", "--data.view=words"), "model.num_heads 3"),
        (("--search=views.yaml",), "views.yaml:1: --data.view words"),
        (("--seeds=2", "--trainer.default_root_dir=a_file"), "a_file is a file"),
        (("--search=seeds.yaml", "--seeds=2"), "seeds.yaml:1 searches them"),
        (("--seeds=2", "--ckpt_path=last"), "--ckpt_path: a trial begins anew"),
        (("--seeds=2", "--run_name=x"), "--run_name: "),
        (("--seeds=2", "--study=a/b"), "a name, not a path"),
        (("--seeds=2", "--storage=nosuch://x"), "--storage nosuch://x"),
        (("--seeds=2", "--trainer.fast_dev_run=true"), "leaves nothing to compare"),
        (("--seeds=2", "--data.path=no.txt"), "no.txt: no such file"),
        (("--seeds=2", "--model.hiden_dim=2"), "hidden_dim meant"),
        (("--seeds=2", "--pruner=NoSuch"), "--pruner NoSuch"),
        (("--seeds=2", "--sampler=RandomSampler"), "--sampler: has nothing to choose"),
        (("--seeds=x",), "--seeds x: must be int or list"),
        (("--seeds=2", "--num-trials=3"), "--num-trials: no such setting; is --num_trials meant?"),
        (("--seeds=2", "--serch=a"), "--serch: no such setting; is --search meant?"),
    ],
)
def test_what_cannot_be_is_said_before_the_first_trial(command_line, here, args, says):
    for name, text in {
        "space": SPACE,
        "wrong": "optimizer.lr: {grid: [0.1]}\noptimizer.lrr: {grid: [0.1]}\n",
        "negative": "model.hidden_dim: {grid: [8, -3]}\n",
        "below": "model.hidden_dim: {grid: [-3, 8]}\n",
        "heads": "model.num_heads: {grid: [2, 3]}\nmodel.embedding_dim: {grid: [8, 16]}\n",
        "views": "data.view: {grid: [counts, words]}\n",
        "seeds": "seed_everything: {grid: [1, 2]}\n",
    }.items():
        (here / f"{name}.yaml").write_text(text)
    (here / "a_file").touch()
    code, out, err = command_line("sweep", *SMALL, *args)
    assert (code, out) == (2, "")
    assert says in err
    assert not (here / "logs").exists()


def test_a_sampler_that_lacks_a_package_is_told_before_the_first_trial(
    command_line, here, monkeypatch
):
    (here / "space.yaml").write_text(SPACE)
    monkeypatch.setitem(sys.modules, "cmaes", None)
    code, _, err = command_line(
        "sweep", *SMALL, "--search=space.yaml", "--num_trials=2", "--sampler=CmaEsSampler"
    )
    assert (code, err) == (2, "error: --sampler: needs a package: pip install cmaes\n")
    assert not (here / "logs").exists()


def test_what_goes_with_some_of_the_others_is_no_fault(here):
    """Each trial that cannot be is its own matter."""
    path = here / "heads.yaml"
    path.write_text("model.num_heads: {grid: [2, 3]}\nmodel.embedding_dim: {grid: [8, 24]}\n")
    command = [*SMALL, "--model=Transformer", "--data.view=words"]
    assert preflight(command, read_space(str(path))).values.monitor == "val/loss"


def test_a_config_may_be_a_text_as_for_fit(here):
    """It has no file, neither to be named after nor to be watched for changes."""
    text = (ROOT / "configs" / "mlp.yaml").read_text()
    plan = make_plan(["--config", text, *SMALL[1:]], None, 2, None, 1, None, None, 30.0, None)
    assert (plan.name, plan.definition.configs) == ("mlp-seeds", {})
    named = make_plan(SMALL, None, 2, None, 1, None, None, 30.0, None)
    assert list(named.definition.configs) == [SMALL[0].removeprefix("--config=")]


def test_its_flags_and_fits_are_told_apart():
    from litmore.sweep.command import parser

    line = (
        "--seeds 3 --model MLP --jobs=2 --sampler RandomSampler --sampler.seed 3 --data.unique true"
    )
    parsed = parser().parse_args(line.split())
    assert (parsed.seeds, parsed.jobs, parsed.sampler.init_args.seed) == (3, 2, 3)
    assert parsed.fit == ["--model", "MLP", "--data.unique", "true"]


@pytest.mark.torture
def test_seeds_are_the_runs_that_so_many_fits_give(sweep, here, capsys):
    out, err = done(sweep("--seeds=3", *SMALL, "--jobs=2"))
    assert "(3 seeds)" in out
    assert "3 done" in err
    assert "main.py compare logs/mlp-seeds" in err
    for number in range(3):
        assert main(["fit", *SMALL, f"--seed_everything={42 + number}"]) == 0
        theirs = here / "logs" / "mlp-seeds" / f"trial_{number}" / "version_0"
        own = here / "logs" / "mlp" / f"version_{number}"
        one, other = (
            torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
            for run in (theirs, own)
        )
        assert all(torch.equal(one[name], other[name]) for name in one | other)
        configs = [yaml.safe_load((run / "config.yaml").read_text()) for run in (theirs, own)]
        for config in configs:
            del config["run_name"], config["trainer"]["default_root_dir"]
        assert configs[0] == configs[1]
    capsys.readouterr()
    again, _ = done(sweep("--seeds=4", *SMALL, "--jobs=2"))
    assert "(4 seeds)" in again
    logs = [(here / "logs" / "mlp-seeds" / f"trial_{n}" / "output.log") for n in range(4)]
    assert [log.read_text().count("val/accuracy") for log in logs] == [1, 1, 1, 1]


@pytest.mark.torture
def test_ten_kills_change_nothing(sweep, tmp_path):
    args = (
        "--search=space.yaml", "--num_trials=4", "--jobs=2", "--sampler=RandomSampler",
        *SLOWLY, "--trainer.callbacks.seconds=0.3",
    )  # fmt: skip
    plain = tmp_path / "plain"
    done(sweep(*args, folder=plain))
    dice, kills = random.Random(5), 0
    process = sweep(*args)
    while kills < 10:
        time.sleep(dice.uniform(1.0, 5.0))
        if process.poll() is not None:
            break
        workers = children(process.pid)
        victim = dice.choice([process.pid, *workers]) if workers else process.pid
        os.kill(victim, signal.SIGKILL)
        kills += 1
        if victim == process.pid:
            process.wait()
            process = sweep(*args)
    assert kills == 10, "it was done before"
    done(process)
    assert outcomes(journal(tmp_path, "mlp-sweep")) == outcomes(journal(plain, "mlp-sweep"))
    assert len(list((tmp_path / "logs" / "mlp-sweep").glob("trial_*/version_*"))) == 4


@pytest.mark.torture
def test_a_signal_saves_the_runs_and_the_same_command_goes_on(sweep, tmp_path):
    args = ("--seeds=2", "--jobs=2", *SLOWLY)
    process = sweep(*args)
    lasts = [tmp_path / f"logs/mlp-seeds/trial_{n}/version_0/checkpoints/last.ckpt" for n in (0, 1)]
    wait_for(lambda: all(last.exists() for last in lasts))
    process.send_signal(signal.SIGINT)
    _, err = done(process, 130)
    assert "the same command goes on" in err
    assert not children(process.pid)
    out, _ = done(sweep(*args))
    assert "(2 seeds)" in out
    for number in (0, 1):
        log = (tmp_path / f"logs/mlp-seeds/trial_{number}/output.log").read_text()
        assert "SIGTERM: saved at step" in log


@pytest.mark.torture
def test_in_the_background_of_a_shell_ctrl_c_is_another_programs(sweep, tmp_path):
    process = sweep("--seeds=1", *SLOWLY, "--trainer.callbacks.seconds=0.1",
                    by=("env", "--ignore-signal=INT"))  # fmt: skip
    last = tmp_path / "logs/mlp-seeds/trial_0/version_0/checkpoints/last.ckpt"
    wait_for(last.exists)
    process.send_signal(signal.SIGINT)
    out, _ = done(process)
    assert "(1 seeds)" in out


@pytest.mark.torture
def test_a_trial_that_breaks_is_its_own_matter(sweep, tmp_path):
    search = """
trainer.callbacks.dies_at: {grid: [-1, 12]}
optimizer.lr: {grid: [0.02, 1e30]}
"""
    out, err = done(
        sweep("--search=space.yaml", *SLOWLY, "--trainer.callbacks.seconds=0", "--jobs=2",
              search=search),
    )  # fmt: skip
    states = [trial.state for trial in journal(tmp_path, "mlp-sweep").trials]
    assert states == [TrialState.COMPLETE, *[TrialState.FAIL] * 3]
    assert "1 done, 3 failed" in err
    assert "not finite" in err, "the trial's own last words"
    assert "SIGKILL" in err
    assert "--optimizer.lr=0.02" in out


@pytest.mark.torture
def test_pruned_by_steps_and_resumed_mid_way(sweep, tmp_path):
    out, err = done(
        sweep("--search=space.yaml", *SMALL, "--pruner=ThresholdPruner", "--pruner.upper=3.2",
              search="optimizer.lr: {grid: [0.05, 1e-9]}\n"),
    )  # fmt: skip
    study = journal(tmp_path, "mlp-sweep")
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert set(study.trials[0].intermediate_values) == {5, 10, 15, 20}
    assert set(study.trials[1].intermediate_values) == {5}
    assert "1 done, 1 pruned" in err
    assert (tmp_path / "logs" / "mlp-sweep" / "study.png").stat().st_size > 10_000
    assert "best val/loss" in out


@pytest.mark.torture
def test_each_trial_over_several_seeds_counts_their_mean(sweep, tmp_path):
    done(
        sweep("--search=space.yaml", "--seeds=[7,8]", *SMALL,
              search="optimizer.lr: {grid: [0.02]}\n"),
    )  # fmt: skip
    (trial,) = journal(tmp_path, "mlp-sweep").trials
    trial_0 = tmp_path / "logs" / "mlp-sweep" / "trial_0"
    runs = [trial_0 / f"seed_{seed}" / "version_0" for seed in (7, 8)]
    bests = [json.loads((run / "summary.json").read_text())["best"] for run in runs]
    assert trial.value == pytest.approx(sum(bests) / 2, abs=1e-12)
    assert bests[0] != bests[1]


@pytest.mark.torture
def test_without_a_validation_the_last_value_counts(sweep, tmp_path):
    out, _ = done(sweep("--seeds=1", *SMALL, "--trainer.limit_val_batches=0",
                        "--monitor=train/loss"))  # fmt: skip
    summary = tmp_path / "logs" / "mlp-seeds" / "trial_0" / "version_0" / "summary.json"
    assert f"{json.loads(summary.read_text())['last']['train/loss']:.4f} (1 seeds)" in out


@pytest.mark.torture
def test_two_processes_of_a_trial_report_once(sweep, tmp_path):
    done(sweep("--seeds=1", *SMALL, "--trainer.strategy=ddp", "--trainer.devices=2"))
    (trial,) = journal(tmp_path, "mlp-seeds").trials
    assert set(trial.intermediate_values) == {5, 10, 15, 20}


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """The URL of a PostgreSQL server on loopback, which is ended afterwards."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    pytest.importorskip("psycopg2")
    folder = Path("/tmp") / f"litmore-postgres-{os.getpid()}"
    folder.mkdir()
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if as_user:
        subprocess.run(["chown", "postgres", folder], check=True)
    data = folder / "data"
    initdb = [*as_user, programs[-1] / "initdb", "-D", data, "-A", "trust", "-U", "litmore"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    port = 20_000 + os.getpid() % 10_000
    server = subprocess.Popen(
        [*as_user, programs[-1] / "postgres", "-D", data, "-p", str(port), "-k", folder,
         "-c", "listen_addresses=127.0.0.1"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"postgresql+psycopg2://litmore@127.0.0.1:{port}/postgres"
    ready = [programs[-1] / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-q"]
    wait_for(lambda: subprocess.run(ready, check=False).returncode == 0)
    yield url
    pid = int((data / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGINT)
    server.wait(timeout=30)
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.fixture
def grpc(tmp_path):
    """The address of Optuna's gRPC proxy, a process with a database behind it."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    serve = (
        "import optuna; optuna.storages.run_grpc_proxy_server("
        f"optuna.storages.RDBStorage('sqlite:///{tmp_path}/g.db'), host='127.0.0.1', port={port})"
    )
    server = subprocess.Popen([sys.executable, "-c", serve], stderr=subprocess.DEVNULL)
    GrpcStorageProxy(host="127.0.0.1", port=port).wait_server_ready(timeout=60)
    yield f"grpc://127.0.0.1:{port}"
    server.kill()
    server.wait()


@pytest.mark.torture
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("sqlite", marks=pytest.mark.long),
        "postgres",
        "journal",
        pytest.param("grpc", marks=pytest.mark.long),
    ],
)
def test_machines_come_and_go(sweep, tmp_path, kind, request):
    url = (
        request.getfixturevalue("postgres")
        if kind in ("postgres", "grpc")
        else {"sqlite": f"sqlite:///{tmp_path}/s.db", "journal": f"journal:{tmp_path}/s.log"}[kind]
    )
    args = (
        "--search=space.yaml", "--num_trials=5", "--sampler=RandomSampler", "--heartbeat=1",
        f"--storage={url}", f"--study={kind}", *SLOWLY,
    )  # fmt: skip
    first = sweep(*args, folder=tmp_path / "first")
    second = sweep(*args, folder=tmp_path / "second")
    lasts = "first/logs/*/*/version_0/checkpoints/last.ckpt"
    wait_for(lambda: list(tmp_path.glob(lasts)))
    for pid in [first.pid, *children(first.pid)]:  # the machine has lost its power
        os.kill(pid, signal.SIGKILL)
    third = sweep(*args, folder=tmp_path / "third")
    for process in (second, third):
        out, err = done(process)
        assert "5 done, of 5" in err
        assert "main.py fit" in out
    assert len({trial_of(path) for path in tmp_path.glob("*/logs/*/trial_*/version_0")}) == 5


def trial_of(run):
    return run.parent.name


def wait_for(condition, seconds=400):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.torture
@pytest.mark.long
def test_it_finds_the_better_half_of_a_range(sweep, tmp_path):
    """Of the learning rate on a logarithmic scale, in 20 steps the higher half is the better."""
    found = []
    for seed in range(10):
        done(
            sweep("--search=space.yaml", "--num_trials=3", "--jobs=2", f"--study={seed}",
                  f"--seed_everything={seed}", *SMALL,
                  search="optimizer.lr: {float: [0.0001, 0.1], log: true}\n"),
        )  # fmt: skip
        found.append(journal(tmp_path, str(seed)).best_params["optimizer.lr"])
    assert sum(lr > 0.0001**0.5 * 0.1**0.5 for lr in found) >= 8, found
