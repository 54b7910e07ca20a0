"""The command line as a user starts it: `python main.py …` in processes of their own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from litmore.runs.checkpoint import load_model
from own_model import MODEL

ROOT = Path(__file__).parents[2]
CONFIG = """
model: {class_path: my_gru.GRU, init_args: {hidden_dim: 16}}
data: {view: words, batch_size: 512}
optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.02}}
trainer: {max_steps: 40, accelerator: cpu}
"""


@pytest.fixture
def start(tmp_path):
    """Start command lines in an empty folder; what still runs at the end is killed."""
    started = []

    def start(*args, by=()):
        command = [sys.executable, *by, ROOT / "main.py", *args]
        process = subprocess.Popen(
            list(map(str, command)), cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}"},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


@pytest.fixture
def torchrun(start):
    """Start one command line on two nodes of one process each, both on this machine."""

    def torchrun(*args):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        launcher = ["-m", "torch.distributed.run", "--nnodes", 2, "--nproc_per_node", 1]
        launcher += ["--master_addr", "127.0.0.1", "--master_port", port]
        nodes = ["--trainer.num_nodes", 2, "--trainer.devices", 1, "--trainer.strategy", "ddp"]
        return [start(*args, *nodes, by=[*launcher, "--node_rank", rank]) for rank in range(2)]

    return torchrun


@pytest.fixture
def run(start):
    """Run a command line to its end: exit code, stdout, stderr."""

    def run(*args):
        return finish(start(*args))

    return run


def finish(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_a_new_model_is_one_file_and_one_config(tmp_path, run):
    (tmp_path / "my_gru.py").write_text(MODEL)
    (tmp_path / "my_gru.yaml").write_text(CONFIG)
    code, out, err = run("fit", "--config", "my_gru.yaml")
    assert code == 0, err
    loss = float(re.search(r"val/loss +(\S+)", out)[1])
    assert loss < 2.9
    code, out, err = run("sample", "--ckpt_path", "last", "--num_samples", 5)
    assert code == 0, err
    assert len(out.splitlines()) == 5


def test_names_are_drawn_without_importing_lightning(tmp_path, start, command_line):
    (tmp_path / "words.txt").write_text("anna\nava\nnaan\nvan\n")
    settings = ["--data.path", "words.txt", "--data.split", "[1,0,0]", "--data.block_size", 1]
    config = ROOT / "configs" / "bigram_counts.yaml"
    assert command_line("fit", "--config", config, *settings)[0] == 0
    draw = ["sample", "--ckpt_path", "last", "--num_samples", 5]
    light = finish(start(*draw, by=("-X", "importtime")))
    assert (light[0], light[1].count("\n")) == (0, 5)
    assert "are new" in light[2]
    assert "litmore.models.base" in light[2]
    assert "lightning" not in light[2]


def losses(folder):
    events = EventAccumulator(str(folder)).Reload()
    return {tag: [e.value for e in events.Scalars(tag)] for tag in ("train/loss", "val/loss")}


# Muon steps as far along what is next to nothing: a last bit's difference in a sum grows.
ADAMW = ["--optimizer=AdamW", "--optimizer.lr=0.02"]


@pytest.mark.parametrize(
    ("config", "view"),
    [
        ("mlp", "windows"),
        pytest.param("my_gru", "words", marks=pytest.mark.torture),
        pytest.param("bigram", "counts", marks=pytest.mark.torture),
    ],
)
def test_two_processes_train_as_one(tmp_path, start, config, view):
    (tmp_path / "my_gru.py").write_text(MODEL)
    (tmp_path / "my_gru.yaml").write_text(CONFIG)
    path = "my_gru.yaml" if config == "my_gru" else ROOT / "configs" / f"{config}.yaml"
    sizes = (10, 5) if view == "counts" else (600, 300)  # of 27 contexts; of examples
    common = ["fit", "--config", path, "--data.view", view, "--seed_everything", 1]
    common += ["--trainer.max_steps", 50, "--trainer.log_every_n_steps", 1]
    common += ADAMW if config == "mlp" else []
    common += ["--trainer.accelerator", "cpu"]
    one = start(*common, "--data.batch_size", sizes[0], "--run_name", "one")
    two = start(*common, "--data.batch_size", sizes[1], "--run_name", "two", "--trainer.devices", 2,
                "--trainer.strategy", "ddp")  # fmt: skip
    for process in (one, two):
        code, _, err = finish(process)
        assert code == 0, err
    assert [path.name for path in (tmp_path / "logs/two").iterdir()] == ["version_0"]
    single = losses(tmp_path / "logs/one/version_0")
    double = losses(tmp_path / "logs/two/version_0")
    assert len(single["train/loss"]) == 50
    assert double["train/loss"] == pytest.approx(single["train/loss"], abs=1e-5)
    assert double["val/loss"] == pytest.approx(single["val/loss"], abs=1e-5)


@pytest.mark.parametrize(
    ("config", "view", "sizes"),
    [
        pytest.param("bigram_counts", "windows", (999, 999), marks=pytest.mark.torture),
        # Pieces of as many batches.
        pytest.param("ngram", "counts", (1998, 999), marks=pytest.mark.torture),
    ],
)
def test_two_processes_count_as_one(tmp_path, start, config, view, sizes):
    common = ["fit", "--config", ROOT / "configs" / f"{config}.yaml", "--data.view", view,
              "--trainer.accelerator", "cpu"]  # fmt: skip
    one = start(*common, "--data.batch_size", sizes[0], "--run_name", "one")
    ddp = ["--trainer.devices", 2, "--trainer.strategy", "ddp"]
    two = start(*common, "--data.batch_size", sizes[1], "--run_name", "two", *ddp)
    for process in (one, two):
        code, _, err = finish(process)
        assert code == 0, err
    counted = [
        torch.load(tmp_path / f"logs/{name}/version_0/checkpoints/last.ckpt", weights_only=True)[
            "state_dict"
        ]
        for name in ("one", "two")
    ]
    if config == "bigram_counts":
        model = load_model(tmp_path / "logs/two/version_0/checkpoints/last.ckpt")
        assert int(model.counts.sum()) == 183_802
    assert all(torch.equal(counted[0][name], counted[1][name]) for name in counted[0])


@pytest.mark.torture
@pytest.mark.parametrize("config", ["bag_of_words", "lstm", "transformer", "wavenet"])
def test_two_processes_train_any_model_as_one(tmp_path, start, config):
    common = ["fit", "--config", ROOT / "configs" / f"{config}.yaml", "--trainer.max_steps", 10,
              "--trainer.log_every_n_steps", 1, "--trainer.accelerator", "cpu", *ADAMW]  # fmt: skip
    common += ["--model.dropout", 0] if config == "lstm" else []
    one = start(*common, "--data.batch_size", 200, "--run_name", "one")
    two = start(*common, "--data.batch_size", 100, "--run_name", "two",
                "--trainer.devices", 2, "--trainer.strategy", "ddp")  # fmt: skip
    for process in (one, two):
        code, _, err = finish(process)
        assert code == 0, err
    single, double = (losses(tmp_path / f"logs/{name}/version_0") for name in ("one", "two"))
    assert double["train/loss"] == pytest.approx(single["train/loss"], abs=1e-5)
    assert double["val/loss"] == pytest.approx(single["val/loss"], abs=1e-5)


@pytest.mark.torture
def test_two_nodes_train_as_one_process(tmp_path, start, torchrun):
    common = ["fit", "--config", ROOT / "configs" / "mlp.yaml", "--trainer.max_steps", 20,
              "--trainer.log_every_n_steps", 1, "--trainer.accelerator", "cpu",
              "--data.view", "windows", *ADAMW]  # fmt: skip
    one = start(*common, "--data.batch_size", 600, "--run_name", "one")
    two = torchrun(*common, "--data.batch_size", 300, "--run_name", "two")
    for process in (one, *two):
        code, _, err = finish(process)
        assert code == 0, err
    assert [path.name for path in (tmp_path / "logs/two").iterdir()] == ["version_0"]
    single = losses(tmp_path / "logs/one/version_0")
    double = losses(tmp_path / "logs/two/version_0")
    assert double["train/loss"] == pytest.approx(single["train/loss"], abs=1e-5)
    assert double["val/loss"] == pytest.approx(single["val/loss"], abs=1e-5)


@pytest.mark.torture
def test_two_processes_judge_every_character_once(tmp_path, run):
    config = ROOT / "configs" / "bigram_counts.yaml"
    assert run("fit", "--config", config, "--trainer.accelerator", "cpu")[0] == 0
    # 23,053 examples in batches of 2 · 3,000: uneven shares, and one process has fewer.
    common = ["test", "--ckpt_path", "last", "--trainer.accelerator", "cpu"]
    code, alone, err = run(*common)
    assert code == 0, err
    two = ["--trainer.devices", 2, "--trainer.strategy", "ddp", "--data.eval_batch_size", 3000]
    code, shared, err = run(*common, *two)
    assert code == 0, err
    assert shared == alone


@pytest.mark.torture
def test_two_processes_find_a_rate_and_overfit(tmp_path, run):
    two = ["--trainer.devices", 2, "--trainer.strategy", "ddp", "--trainer.accelerator", "cpu"]
    find = ["--trainer.callbacks+=litmore.callbacks.LRFinder", "--trainer.overfit_batches", 1]
    code, out, err = run("fit", "--config", ROOT / "configs" / "lecture" / "overfit.yaml", *two,
                         *find, "--data.batch_size", 16, "--trainer.max_steps", 3)  # fmt: skip
    assert code == 0, err
    assert out.count("--optimizer.init_args.lr=") == 1
    floor = float(re.search(r"train/floor +(\S+)", out)[1])
    assert floor == pytest.approx(0.2515, abs=5e-5)  # the global batch of 32's


@pytest.mark.parametrize(
    ("number", "code"),
    [pytest.param(signal.SIGINT, 130, marks=pytest.mark.torture), (signal.SIGTERM, 143)],
)
def test_a_signal_has_its_exit_code(tmp_path, start, number, code):
    process = start("fit", "--config", ROOT / "configs" / "mlp.yaml", "--trainer.max_steps", 10**6,
                    "--trainer.accelerator", "cpu")  # fmt: skip
    checkpoint = tmp_path / "logs/mlp/version_0/checkpoints/last.ckpt"
    deadline = time.monotonic() + 60
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    stopped, _, err = finish(process)
    assert stopped == code
    assert "Traceback" not in err


def test_a_closed_stdout_is_quiet(command_line, start):
    config = ROOT / "configs" / "bigram_counts.yaml"
    assert command_line("fit", "--config", config)[0] == 0
    process = start("sample", "--ckpt_path", "last", "--num_samples", 200_000)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == ""
