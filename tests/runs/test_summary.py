"""summary.json says what became of a run, however it ended."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from torch.utils.data import DataLoader

from litmore.cli import main
from litmore.errors import InputError
from litmore.runs.folder import RunFolder
from litmore.runs.summary import read_summary, write, written
from survival import fit_args

GRU = Path("logs/gru/version_0")
GO_ON = ["fit", "--trust_config", "--trainer.callbacks=null", "--ckpt_path"]


class Reading(Callback):
    """What the file says while the run goes on."""

    seen: list = []  # noqa: RUF012

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step in (0, 5):
            self.seen.append(read_summary(GRU))


class Broken(Callback):
    """Something lies where the file is to be."""

    def on_validation_end(self, *_):
        if (GRU / "summary.json").is_file():
            (GRU / "summary.json").unlink()
            (GRU / "summary.json").mkdir()


class Foreign(LightningModule):
    """No CharLM, and no validation."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def training_step(self, batch, batch_idx):
        loss = self.layer(batch).square().mean()
        self.log("loss", loss)
        return loss


class Ones(LightningDataModule):
    def train_dataloader(self):
        return DataLoader(torch.ones(8, 3), batch_size=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run of 25 steps, validated after each 4, judged, and read in between."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PL_GLOBAL_SEED", "0")
        reading = f"--trainer.callbacks+={__name__}.Reading"
        assert main(fit_args(folder, "gru", reading, "--data.split=[0.8,0.1,0.1]")) == 0
    return folder


@pytest.fixture
def run(folder, monkeypatch):
    """Its folder, to read from, where the command line runs."""
    monkeypatch.chdir(folder)
    return GRU


def test_a_finished_run(run):
    summary = read_summary(run)
    assert (summary.status, summary.why, summary.step) == ("finished", None, 25)
    best = torch.load(run / "checkpoints/best.ckpt", weights_only=True)["callbacks"]["Checkpoints"]
    assert (summary.best, summary.best_step) == (best["best_score"], best["best_step"])
    last = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    assert summary.last == last["callback_metrics"]
    assert summary.config == last["config"]
    assert summary.parameters == sum(weight.numel() for weight in last["state_dict"].values())
    assert 0 < summary.seconds < 60
    first, later = Reading.seen
    assert (first.status, first.step, first.best, first.last) == ("running", 0, None, {})
    assert (later.status, later.step, later.best_step) == ("running", 4, 4)
    assert later.started == summary.started
    assert later.seconds < summary.seconds


def test_a_judged_run(run):
    best = ["--ckpt_path", str(run / "checkpoints/best.ckpt"), "--trust_config"]
    for part in ("--trainer.limit_test_batches=1", "--data.max_words=300"):
        assert main(["test", *best, part]) == 0
        assert read_summary(run).test is None
    before = read_summary(run)
    assert main(["test", *best, "--trainer.logger=false"]) == 0
    after = read_summary(run)
    assert set(after.test) == {f"test/{m}" for m in ("loss", "perplexity", "bits_per_char",
                                                     "accuracy")}  # fmt: skip
    assert after == replace(before, test=after.test)


def test_a_run_of_an_older_version_is_read_from_its_curves(run, tmp_path, capsys):
    new = read_summary(run)
    for path in run.iterdir():
        if path.is_file() and path.name != "summary.json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    old = read_summary(tmp_path)
    assert (old.status, old.monitor, old.config) == ("finished", "val/loss", new.config)
    assert old.best == pytest.approx(new.best)
    assert old.last == pytest.approx({k: new.last[k] for k in ("train/loss", "val/loss")})
    assert old.parameters == new.parameters
    config = (tmp_path / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(config.replace("max_steps: 25", "max_steps: 99"))
    assert read_summary(tmp_path).status == "stopped"
    for events in tmp_path.glob("events*"):
        events.unlink()
    assert (read_summary(tmp_path).status, read_summary(tmp_path).best) == ("failed", None)
    (tmp_path / "metrics.csv").write_text("step,metric,value\n98,val/loss,1.5\n99,val/loss,2.5\n")
    assert read_summary(tmp_path).best == 1.5


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("summary.json", "{", "summary.json: damaged"),
        ("summary.json", "", "summary.json: damaged"),
        ("summary.json", "[1]", "summary.json: damaged"),
        ("summary.json", "[" * 100_000, "summary.json: damaged"),
        ("summary.json", '{"status": "finished"}', "summary.json: damaged"),
        ("config.yaml", "model: [", "config.yaml: damaged"),
        ("config.yaml", "lr: 1", "config.yaml: not the config of a run"),
        ("notes.txt", "", "config.yaml: No such file"),
    ],
)
def test_what_is_no_run(tmp_path, file, content, said):
    (tmp_path / file).write_text(content)
    with pytest.raises(InputError, match=said):
        read_summary(tmp_path)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_json_too(run, tmp_path, value):
    config = {"trainer": {"gradient_clip_val": value}}
    odd = replace(read_summary(run), last={"val/loss": value}, best=value, config=config)
    write(tmp_path, odd)
    json.loads((tmp_path / "summary.json").read_text(), parse_constant=pytest.fail)
    for found in (written(tmp_path).last["val/loss"], written(tmp_path).best):
        assert found == value or (math.isnan(found) and math.isnan(value))


def test_a_killed_run(run, tmp_path):
    folder = RunFolder(tmp_path, "killed")
    killed = folder.claim()
    write(killed, replace(read_summary(run), status="running"))
    assert read_summary(killed).status == "running"
    folder.unlock()
    assert (read_summary(killed).status, read_summary(killed).why) == ("failed", "killed")


def test_reading_takes_neither_torch_nor_lightning(run):
    code = (
        "import sys; from pathlib import Path; from litmore.runs.summary import read_summary;"
        f"print(read_summary(Path({str(run)!r})).status);"
        "print(sorted({'torch', 'lightning', 'numpy'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "finished\n[]\n"


def test_a_stopped_run_goes_on(here):
    stop = ["--trainer.callbacks+=survival.Signal", "--trainer.callbacks.hook=on_train_batch_end",
            "--trainer.callbacks.step=10"]  # fmt: skip
    assert main(fit_args(here, "gru", *stop)) == 143
    stopped = read_summary(GRU)
    assert (stopped.status, stopped.why, stopped.step) == ("stopped", "SIGTERM", 10)
    last = str(GRU / "checkpoints/last.ckpt")
    assert main([*GO_ON, last, "--trainer.max_steps=7"]) == 0  # nothing is left to train
    assert read_summary(GRU).status == "finished"
    assert main([*GO_ON, last]) == 0
    summary = read_summary(GRU)
    assert (summary.status, summary.step, summary.started) == ("finished", 25, stopped.started)
    assert summary.seconds > stopped.seconds
    state = torch.load(last, weights_only=True)["callbacks"]["Checkpoints"]
    assert (summary.best, summary.best_step) == (state["best_score"], state["best_step"])
    (GRU / "summary.json").write_text("")  # as a power cut may leave it
    assert main([*GO_ON, last, "--trainer.max_steps=26"]) == 0
    summary = read_summary(GRU)
    state = torch.load(last, weights_only=True)["callbacks"]["Checkpoints"]
    assert (summary.status, summary.step, summary.best) == ("finished", 26, state["best_score"])
    # What refuses to go on leaves the run as it was.
    (GRU / "versions.yaml").unlink()
    (GRU / "versions.yaml").mkdir()
    assert main([*GO_ON, last, "--trainer.max_steps=30"]) == 2
    assert read_summary(GRU) == summary


@pytest.mark.parametrize(
    ("crash", "why"), [("Crash", "ZeroDivisionError"), ("Poison", "step 6: the loss is not finite")]
)
def test_a_failed_run(here, crash, why):
    args = [f"--trainer.callbacks+=survival.{crash}", "--trainer.callbacks.step=5"]
    if crash == "Crash":
        with pytest.raises(ZeroDivisionError):
            main(fit_args(here, "gru", *args))
    else:
        assert main(fit_args(here, "gru", *args)) == 1
    summary = read_summary(GRU)
    assert summary.status == "failed"
    assert summary.why.startswith(why)
    assert summary.best_step == 4


def test_a_run_without_a_summary_goes_on(here, capsys):
    assert main(fit_args(here, "gru", f"--trainer.callbacks+={__name__}.Broken")) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "summary.json" in line]
    assert len(said) == 1
    assert said[0].endswith("training goes on")
    assert sorted(path.name for path in GRU.glob("*.tmp")) == []


def test_no_validation_no_names_and_no_folder(command_line):
    args = ["fit", "--model", f"{__name__}.Foreign", "--data", f"{__name__}.Ones", "--trust_config",
            "--optimizer=SGD", "--optimizer.lr=.1", "--trainer.accelerator=cpu"]  # fmt: skip
    assert command_line(*args, "--trainer.fast_dev_run=true")[0] == 0
    assert not Path("logs").exists()
    code, _, err = command_line(*args, "--trainer.max_epochs=2", "--trainer.log_every_n_steps=1")
    assert code == 0, err
    summary = read_summary(Path("logs/foreign/version_0"))
    assert (summary.status, summary.step, summary.best, summary.parameters) == (
        "finished", 4, None, 4,
    )  # fmt: skip
    assert list(summary.last) == ["loss"]
    assert (
        command_line("fit", "--trust_config", "--ckpt_path=last", "--trainer.max_epochs=4")[0] == 0
    )
    again = read_summary(Path("logs/foreign/version_0"))
    assert again.step == 8
    assert again.last["loss"] < summary.last["loss"]


def test_a_model_that_takes_no_steps(here):
    assert main(fit_args(here, "counts")) == 0
    summary = read_summary(Path("logs/counts/version_0"))
    assert summary.status == "finished"
    assert summary.step > 0
    assert summary.best == summary.last["val/loss"]
