"""Two processes, as on two nodes: what each is told, and what becomes of the run."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from lightning.fabric.plugins.environments.lightning import LightningEnvironment

from litmore.errors import RunError
from litmore.runs import agreement

ROOT = Path(__file__).parents[2]
NODE = """
import contextlib, io, json, os, sys
from litmore.cli import main

for line in sys.stdin:
    case = json.loads(line)
    os.environ.update(case["env"])
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = main(case["args"])
    print(json.dumps([code, said.getvalue()]), flush=True)
"""
OWN = """
import torch
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from torch import nn
from torch.utils.data import DataLoader


class Tokenizer:
    "What no config can write."


class Plain(LightningModule):
    def __init__(self, width: int = 1, tokenizer: Tokenizer = Tokenizer()):
        super().__init__()
        self.layer = nn.Linear(1, width)

    def training_step(self, batch, batch_idx):
        return self.layer(torch.ones(1)).square().sum()

    test_step = training_step

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Wide(Plain):
    pass


class Watcher(Callback):
    def __init__(self, tokenizer: Tokenizer = Tokenizer()):
        pass


class Data(LightningDataModule):
    def __init__(self, folder: str = "here", tokenizer: Tokenizer = Tokenizer()):
        super().__init__()

    def train_dataloader(self):
        return DataLoader(torch.zeros(4, 1))

    test_dataloader = train_dataloader
"""


def free_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two corpora of one alphabet, the same words in another order, and copies elsewhere."""
    folder = tmp_path_factory.mktemp("nodes")
    words = ["emma", "olivia", "ava"] * 20
    for name, of in {
        "words.txt": words,
        "scratch/words.txt": words,
        "sorted.txt": sorted(words),
        "others.txt": ["ammoli", "eva", "vilma"] * 20,
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("".join(f"{word}\n" for word in of))
    (folder / "own.py").write_text(OWN)
    return folder


@pytest.fixture(scope="module")
def nodes(folder):
    """Run a command line on each of two processes, which are started once: codes and what is said.

    The second one hashes in another order, and has a cache of its own.
    """
    started = [
        subprocess.Popen(
            [sys.executable, "-c", NODE], cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{folder}:{ROOT / 'src'}", "OMP_NUM_THREADS": "1",
                 "PYTHONHASHSEED": str(rank), "LITMORE_CACHE": str(folder / f"cache_{rank}")},
        )
        for rank in range(2)
    ]  # fmt: skip

    def run(*lines):
        port = free_port()
        flags = ["--trainer.num_nodes=2", "--trainer.devices=1", "--trainer.accelerator=cpu",
                 "--trainer.strategy=ddp"]  # fmt: skip
        for rank, (node, line) in enumerate(zip(started, lines, strict=True)):
            env = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2",
                   "TORCHELASTIC_RUN_ID": "none", "RANK": str(rank), "GROUP_RANK": str(rank),
                   "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}  # fmt: skip
            node.stdin.write(json.dumps({"env": env, "args": [*map(str, line), *flags]}) + "\n")
            node.stdin.flush()
        answers = [json.loads(node.stdout.readline()) for node in started]
        return [code for code, _ in answers], [said for _, said in answers]

    yield run
    for node in started:
        node.kill()
        node.wait()
        node.stdin.close()
        node.stdout.close()


MLP = ["--config", ROOT / "configs" / "mlp.yaml", "--trainer.max_steps=3",
       "--tensorboard.every_n_steps=0"]  # fmt: skip
FIT = ["fit", *MLP, "--data.path=words.txt"]
JUDGE = ["validate", "--ckpt_path=last", "--run_name=seed_1"]
PLAIN = ["fit", "--model=own.Plain", "--data=own.Data", "--trainer.max_steps=2"]


@pytest.fixture(scope="module")
def trained(nodes, folder):
    """Checkpoints of two runs that agreed, from folders of their own and with other hash seeds."""
    for seed in (1, 2):
        seeded = [*FIT, "--seed_everything", seed, "--run_name", f"seed_{seed}"]
        elsewhere = [*seeded, "--data.path=scratch/words.txt", "--data.memory_map=true",
                     "--num_threads=1", "--trainer.default_root_dir=scratch/logs"]  # fmt: skip
        codes, said = nodes(seeded, elsewhere)
        assert codes == [0, 0], said
    assert not (folder / "scratch/logs").exists()
    return [f"logs/seed_{seed}/version_0/checkpoints/last.ckpt" for seed in (1, 2)]


@pytest.mark.parametrize(
    ("one", "other", "setting", "values"),
    [
        (FIT, [*FIT, "--data.path=others.txt"], "--data.sha256", None),
        (FIT, [*FIT, "--data.path=sorted.txt"], "--data.sha256", None),
        ([*FIT, "--data.path=others.txt", "--data.memory_map=true"], FIT, "--data.sha256", None),
        (FIT, [*FIT, "--data.vocabulary=vomliea"], "--data.vocabulary", None),
        (FIT, [*FIT, "--optimizer.lr=0.02"], "--optimizer.lr", ("0.02", "0.07")),
        (FIT, [*FIT, "--model.hidden_dim=5"], "--model.hidden_dim", ("5", "200")),
        (PLAIN, [*PLAIN, "--model=own.Wide"], "--model", ("own.Wide", "own.Plain")),
        (FIT, [*FIT, "--seed_everything=7"], "--seed_everything", ("7", "42")),
        (FIT, [*FIT, "--trainer.callbacks+=Timer"], "--trainer.callbacks", None),
        (FIT, [*FIT, "--trainer.fast_dev_run=true"], "--trainer.fast_dev_run", ("True", "False")),
        (PLAIN, [*PLAIN, "--model.width=2"], "--model.width", ("2", "1")),
        (JUDGE, [*JUDGE, "--data.split_seed=1"], "--data.split_seed", ("1", "42")),
        (PLAIN, [*PLAIN, "--data.folder=there"], "--data.folder", ("there", "here")),
    ],
)  # fmt: skip
def test_what_differs_is_said_once_and_nothing_begins(
    nodes, folder, trained, one, other, setting, values
):
    before = sorted(folder.glob("logs/*/*"))
    codes, (said, silent) = nodes(one, other)
    assert codes == [2, 2], said
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "error: " not in silent
    found = re.fullmatch(
        r"error: (.+?): (.*) on (\S+) \(rank 1\), (.*) on (\S+) \(rank 0\)"
        r"(?: \(\d+ more differ\))?; all processes of a run need the same",
        lines[0],
    )
    assert found, lines
    assert found[1] == setting
    assert {found[3], found[5]} == {socket.gethostname()}
    assert found[2] != found[4]
    if values:
        assert (found[2], found[4]) == values
    assert sorted(folder.glob("logs/*/*")) == before


def test_what_no_config_can_write_is_no_difference(nodes):
    codes, said = nodes(*[[*PLAIN, "--trainer.callbacks+=own.Watcher"]] * 2)
    assert codes == [0, 0], said


def test_checkpoints_are_compared_by_content(nodes, folder, trained):
    for command in ("fit", "test"):
        lines = [[command, "--ckpt_path", path, "--seed_everything=3"] for path in trained]
        codes, (said, _) = nodes(*lines)
        assert codes == [2, 2], said
        assert "error: --ckpt_path: content " in said
    shutil.copy(folder / trained[0], folder / "copy.ckpt")
    codes, said = nodes(["test", "--ckpt_path", trained[0]], ["test", "--ckpt_path=copy.ckpt"])
    assert codes == [0, 0], said


@pytest.mark.parametrize("refusing", [0, 1])
def test_one_that_refuses_ends_all(nodes, refusing):
    lines = [FIT, [*FIT, "--data.path=nowhere.txt"]]
    codes, said = nodes(*(lines if refusing else reversed(lines)))
    assert codes == [2, 2]
    assert "nowhere.txt: no such file" in said[refusing]
    if refusing:
        assert f"(on {socket.gethostname()}, rank 1)" in said[0]


@pytest.mark.torture
@pytest.mark.parametrize(
    ("version", "path", "said"),
    [
        ("9.9", "words.txt", r"litmore: 9\.9 on \S+ \(rank 1\), \S+ on \S+ \(rank 0\)"),
        (None, "nowhere.txt", r"nowhere\.txt: no such file.* \(on \S+, rank 1\)"),
    ],
)
def test_nodes_of_torchrun(folder, tmp_path, version, path, said):
    source = ROOT / "src"
    if version:
        source = tmp_path / "src"
        shutil.copytree(ROOT / "src" / "litmore", source / "litmore")
        code = source / "litmore" / "__init__.py"
        code.write_text(re.sub("__version__ = .*", f"__version__ = '{version}'", code.read_text()))
    launch = ["-m", "torch.distributed.run", "--nnodes=2", "--nproc_per_node=1",
              "--master_addr=127.0.0.1", f"--master_port={free_port()}"]  # fmt: skip
    flags = ["--trainer.num_nodes=2", "--trainer.devices=1", "--trainer.strategy=ddp",
             "--trainer.accelerator=cpu", f"--trainer.default_root_dir={tmp_path}"]  # fmt: skip
    started = [
        subprocess.Popen(
            [str(part) for part in (sys.executable, *launch, f"--node_rank={rank}",
                                    ROOT / "main.py", *FIT, *flags, *more)],
            cwd=folder, text=True, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(where)},
        )
        for rank, (where, more) in enumerate(
            [(ROOT / "src", []), (source, [f"--data.path={path}"])]
        )
    ]  # fmt: skip
    try:
        told = [node.communicate(timeout=120)[1] for node in started]
    finally:
        for node in started:
            node.kill()
    assert [node.returncode for node in started] == [1, 1]  # torchrun's own
    assert all(re.search(r"exitcode +: 2 ", each) for each in told)
    assert re.search(rf"^error: .*{said}", told[0], re.MULTILINE), told[0]
    assert not (tmp_path / "mlp").exists()


def test_a_process_that_waits_in_vain_says_so(monkeypatch, caplog):
    monkeypatch.setenv("LOCAL_RANK", "0")  # as a training in this process leaves it
    monkeypatch.setattr(agreement, "PATIENCE", timedelta(seconds=0.2))
    environment = LightningEnvironment()
    environment.set_world_size(2)
    with pytest.raises(RunError, match="the other processes are not found"):
        agreement.agree({}, environment, timedelta(seconds=1.5))
    (told,) = caplog.messages
    assert "process 1 of 2 waits for the others at 127.0.0.1:" in told
    assert "LOCAL_RANK says that something else starts them" in told
