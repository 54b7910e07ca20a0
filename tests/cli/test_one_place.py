"""A setting is said in one place: nothing that is given by hand is silently without effect."""

from pathlib import Path

import pytest
import torch
import yaml
from lightning.pytorch import Callback

from conftest import ROOT
from litmore.cli import main
from litmore.runs.checkpoint import load_model

MLP = ["fit", "--config", str(ROOT / "configs/mlp.yaml"), "--data.max_words", "300",
       "--trainer.accelerator", "cpu", "--trainer.max_steps", "6",
       "--trainer.logger", "false"]  # fmt: skip


@pytest.fixture
def fit(command_line):
    """Train; what the last checkpoint holds, and what was said."""

    def run(*args, name="mlp", base=MLP):
        code, _, err = command_line(*base, *args)
        assert code == 0, err
        return torch.load(f"logs/{name}/version_0/checkpoints/last.ckpt", weights_only=True), err

    return run


def group(checkpoint):
    return checkpoint["optimizer_states"][0]["param_groups"][0]


def test_the_schedule_peaks_at_the_optimizers_rate(fit):
    checkpoint, err = fit("--optimizer.lr", 0.0001)
    assert group(checkpoint)["max_lr"] == 0.0001
    assert "goes by its" not in err
    assert "max_lr" not in checkpoint["config"]["lr_scheduler"]["init_args"]


def test_of_two_rates_it_says_which_counts(fit):
    checkpoint, err = fit("--optimizer.lr", 0.01, "--lr_scheduler.max_lr", 0.02)
    assert group(checkpoint)["max_lr"] == 0.02
    assert "OneCycleLR goes by its --lr_scheduler.max_lr 0.02, not by --optimizer.lr 0.01" in err


def test_a_class_does_not_inherit_anothers_settings(fit):
    checkpoint, _ = fit("--optimizer", "AdamW", "--optimizer.lr", 0.01)
    assert group(checkpoint)["weight_decay"] == 0.01  # AdamW's own, not Muon's 0.2
    assert group(checkpoint)["max_lr"] == 0.01


def test_a_flag_before_its_class_stays(fit):
    checkpoint, _ = fit("--optimizer.weight_decay", 0.5, "--optimizer", "AdamW")
    assert group(checkpoint)["weight_decay"] == 0.5


def test_a_conflict_is_refused(command_line, tmp_path):
    code, _, err = command_line(*MLP, "--model.block_size", 8)
    assert code == 2
    assert "--model.block_size 8: the data's is 3" in err
    assert not (tmp_path / "logs").exists()


def test_epochs_are_the_length_as_steps_are(fit):
    checkpoint, _ = fit("--trainer.max_steps", -1, "--trainer.max_epochs", 2)
    assert checkpoint["lr_schedulers"][0]["total_steps"] == checkpoint["global_step"] > 0
    assert "val/loss" in checkpoint["callback_metrics"]


def test_an_extended_schedule_goes_on_above_zero(fit):
    fit()
    checkpoint, _ = fit("--ckpt_path", "last", "--trainer.max_steps", 12, "--monitor", "val/loss")
    assert checkpoint["global_step"] == 12
    assert checkpoint["lr_schedulers"][0]["total_steps"] == 12


def test_a_config_says_where_the_runs_are(fit, tmp_path, command_line):
    (tmp_path / "mine.yaml").write_text("run_name: mine\ntrainer: {default_root_dir: here}\n")
    base = [*MLP, "--config", "mine.yaml"]
    code, _, err = command_line(*base)
    assert code == 0, err
    (tmp_path / "more.yaml").write_text("ckpt_path: last\n")
    for more in (["--ckpt_path", "last"], ["--config", "more.yaml"]):
        code, _, err = command_line(*base, *more, "--trainer.max_steps", 8)
        assert code == 0, err
        assert "checkpoint: here/mine/version_0/checkpoints/last.ckpt" in err
    recorded = "here/mine/version_0/config.yaml"
    code, _, err = command_line("validate", "--config", recorded, "--ckpt_path", "best")
    assert code == 0, err


def test_what_is_added_again_on_resuming_is_there_once(fit):
    stops = ["--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitor=val/loss"]
    fit(*stops, "--trainer.callbacks.patience=50")
    again = [*stops, "--trainer.callbacks.patience=2", "--ckpt_path", "last"]
    checkpoint, _ = fit(*again, "--trainer.max_steps", 8)
    (callback,) = checkpoint["config"]["trainer"]["callbacks"]
    assert callback["init_args"]["patience"] == 2
    (state,) = (s for key, s in checkpoint["callbacks"].items() if "EarlyStopping" in key)
    assert state["patience"] == 2


def test_a_callback_that_is_no_list_is_gone_on_with(fit):
    alone = "--trainer.callbacks=lightning.pytorch.callbacks.ModelSummary"
    fit(alone)
    last = "logs/mlp/version_0/checkpoints/last.ckpt"
    checkpoint, _ = fit("--ckpt_path", last, "--trainer.max_steps", 8, base=["fit"])
    assert checkpoint["global_step"] == 8
    more = [alone.replace("=", "+="), "--trainer.max_steps", 9]
    checkpoint, _ = fit("--ckpt_path", last, *more, base=["fit"])
    assert len(checkpoint["config"]["trainer"]["callbacks"]) == 1


def test_a_callers_callbacks_are_in_no_record(command_line):
    seen = []

    class Seen(Callback):
        def on_train_batch_end(self, trainer, *_):
            seen.append(trainer.global_step)

    assert main(MLP, callbacks=[Seen()]) == 0
    assert seen == [1, 2, 3, 4, 5, 6]
    config = yaml.safe_load(Path("logs/mlp/version_0/config.yaml").read_text())
    assert not config["trainer"]["callbacks"]


def test_the_best_is_by_the_metric_that_is_named(fit):
    checkpoint, _ = fit("--monitor", "val/accuracy", "--monitor_mode", "max")
    (state,) = (s for key, s in checkpoint["callbacks"].items() if "Checkpoints" in key)
    assert state["best_score"] == checkpoint["callback_metrics"]["val/accuracy"]
    assert checkpoint["config"]["monitor"] == "val/accuracy"


OWN = """
import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch.utils.data import DataLoader
from litmore.models import MLP


class TwoOptimizers(MLP):
    def __init__(self, vocabulary: str, block_size: int = 3):
        super().__init__(vocabulary, block_size, hidden_dim=8)
        self.save_hyperparameters()
        self.automatic_optimization = False

    def configure_optimizers(self):
        halves = list(self.hidden.parameters()), list(self.output.parameters())
        assert self.trainer.max_steps == 20  # a Trainer is there to be asked
        return [torch.optim.SGD(each, lr=0.1) for each in halves]

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.manual_backward(loss)
        for optimizer in self.optimizers():
            optimizer.step()
            optimizer.zero_grad()


class Line(LightningModule):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(2, 1)

    def training_step(self, batch, batch_idx):
        return self.line(batch).square().mean()

    def predict_step(self, batch, batch_idx):
        print("predicted", len(self.line(batch)))


class Points(LightningDataModule):
    def train_dataloader(self):
        return DataLoader(torch.ones(8, 2), batch_size=4)

    predict_dataloader = train_dataloader
"""


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_of_several_optimizers_logs_and_other_data_are_predicted(
    command_line, tmp_path, monkeypatch
):
    (tmp_path / "own_parts.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    cpu = ["--trainer.accelerator", "cpu"]
    code, _, err = command_line(
        "fit", "--model", "own_parts.TwoOptimizers", "--data.max_words", 200, *cpu,
        "--trainer.max_steps", 20, "--trainer.log_every_n_steps", 2,
        "--trainer.callbacks+=litmore.callbacks.MetricsCSV",
    )  # fmt: skip
    assert code == 0, err
    (metrics,) = tmp_path.glob("logs/*/version_0/metrics.csv")
    assert metrics.read_text().count("train/loss") >= 1
    assert len(metrics.read_text().splitlines()) > 5
    base = ["--model", "own_parts.Line", "--data", "own_parts.Points", *cpu]
    code, _, err = command_line("fit", *base, "--optimizer", "SGD", "--trainer.max_steps", 2)
    assert code == 0, err
    code, out, err = command_line(
        "predict", "--ckpt_path", "logs/line/version_0/checkpoints/last.ckpt"
    )
    assert code == 0, err
    assert out == "predicted 4\n" * 2


@pytest.mark.filterwarnings("ignore:Checkpoint directory")
def test_a_list_that_is_given_whole_is_taken_whole_on_resuming(fit, tmp_path):
    kept = [
        f"{{class_path: ModelCheckpoint, init_args: {{dirpath: {name}, every_n_train_steps: {n}}}}}"
        for name, n in (("a", 2), ("b", 3))
    ]
    for number, callbacks in enumerate((kept[:1], kept)):
        text = f"trainer: {{callbacks: [{', '.join(callbacks)}]}}\n"
        (tmp_path / f"{number}.yaml").write_text(text)
    fit("--config", "0.yaml")
    checkpoint, _ = fit("--config", "1.yaml", "--ckpt_path", "last", "--trainer.max_steps", 8)
    callbacks = checkpoint["config"]["trainer"]["callbacks"]
    assert [each["init_args"]["dirpath"] for each in callbacks] == ["a", "b"]


def test_lightnings_own_finder_takes_a_model_that_has_a_rate(command_line, tmp_path, monkeypatch):
    (tmp_path / "own_rate.py").write_text(RATED)
    monkeypatch.syspath_prepend(tmp_path)
    code, _, err = command_line(
        "fit", "--model", "own_rate.Rated", "--data.max_words", 100, "--data.batch_size", 4,
        "--trainer.accelerator", "cpu", "--trainer.max_steps", 2,
        "--trainer.callbacks+=LearningRateFinder", "--trainer.callbacks.num_training_steps=30",
    )  # fmt: skip
    assert "litmore.callbacks.LRFinder" not in err
    assert code == 0, err


RATED = """
import torch
from litmore.models import MLP


class Rated(MLP):
    def __init__(self, vocabulary: str, block_size: int = 3, learning_rate: float = 0.01):
        super().__init__(vocabulary, block_size, hidden_dim=8)
        self.save_hyperparameters()
        self.learning_rate = learning_rate

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.learning_rate)
"""


WORDS = [
    "--run_name",
    "words",
    "--data.view",
    "words",
    "--data.max_words",
    200,
    "--trainer.max_steps",
    2,
]


@pytest.mark.parametrize(("more", "places"), [([], 16), (["--model.block_size", 12], 12)])
def test_the_places_of_a_model_of_words_are_its_own(command_line, more, places):
    code, _, err = command_line("fit", "--model", "BagOfWords", *WORDS, *more)
    assert code == 0, err
    last = "logs/words/version_0/checkpoints/last.ckpt"
    assert load_model(Path(last)).block_size == places
    assert command_line("fit", "--ckpt_path", last, "--trainer.max_steps", 3)[0] == 0


@pytest.mark.parametrize(
    ("model", "own"), [("RNN", ""), ("Transformer", "; the model's is --model.block_size")]
)
def test_a_block_size_of_whole_words_is_said_to_be_without_effect(command_line, model, own):
    code, _, err = command_line("fit", "--model", model, *WORDS, "--data.block_size", 5)
    assert code == 0, err
    assert f"--data.block_size 5 has no effect: words are whole{own}\n" in err


COUNTED = ["fit", "--config", str(ROOT / "configs/ngram.yaml"), "--data.max_words", 200]


def test_what_counts_takes_no_optimizer_and_begins_anew(command_line):
    assert command_line(*COUNTED)[0] == 0
    last = "logs/ngram/version_0/checkpoints/last.ckpt"
    code, _, err = command_line(*COUNTED, "--optimizer", "Adam", "--init_from", last)
    assert code == 0, err
    assert "--optimizer has no effect: NGram takes no steps\n" in err
    assert "--init_from has no effect: NGram takes no steps\n" in err
