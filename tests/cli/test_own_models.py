"""A user's model whose constructor takes more than plain values, through every command."""

import sys
from inspect import signature
from pathlib import Path

import pytest
import torch
import yaml

from litmore.data import NamesDataModule
from litmore.models import MLP
from litmore.runs.checkpoint import load_model

MODEL = '''
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch import nn
from torch.utils.data import DataLoader
from litmore.models import CharLM


class Start(Enum):
    ZERO = 0
    SMALL = 0.01


@dataclass
class Shape:
    width: int = 4
    start: Start = Start.ZERO


class Tokenizer:
    """What jsonargparse cannot write, where it is the default."""
    def __init__(self, *words):
        pass


class Own(CharLM):
    def __init__(self, vocabulary: str, block_size: int = 3, shape: Shape = Shape(),
                 start: Start = Start.ZERO, notes: Path = Path("x"),
                 activation: nn.Module = nn.Tanh(), function: nn.Module | None = None):
        super().__init__(vocabulary, block_size)
        self.save_hyperparameters(IGNORE)
        assert isinstance(shape, Shape) and isinstance(shape.start, Start)
        assert isinstance(start, Start) and isinstance(notes, Path)
        self.embedding = nn.Embedding(self.vocab_size, shape.width)
        self.activation = activation
        self.output = nn.Linear(shape.width, self.vocab_size)
        shaped = shape.width, shape.start.name
        self.given = *shaped, start.name, str(notes), type(activation).__name__

    def forward(self, x):
        return self.output(self.activation(self.embedding(x).mean(1)))


class Unwritable(Own):
    def __init__(self, vocabulary: str, block_size: int = 3, tokenizer: Tokenizer = Tokenizer('a')):
        super().__init__(vocabulary, block_size)
        self.save_hyperparameters(IGNORE)


class Plain(LightningModule):
    """No CharLM, and nothing saved."""

    def __init__(self, start: Start = Start.ZERO, activation: nn.Module = nn.Tanh()):
        super().__init__()
        SAVE
        self.start, self.layer = start, nn.Linear(1, 1)

    def training_step(self, batch, batch_idx):
        return self.layer(torch.ones(1)).square().sum()

    def validation_step(self, batch, batch_idx):
        self.log("val/loss", float(self.start.value))


class Data(LightningDataModule):
    def __init__(self, start: Start = Start.ZERO, source: Tokenizer | None = None):
        super().__init__()
        self.save_hyperparameters()
        assert isinstance(start, Start)

    def train_dataloader(self):
        return DataLoader(torch.zeros(3, 1))

    val_dataloader = train_dataloader


class UnwritableData(Data):
    def __init__(self, source: Tokenizer = Tokenizer('a')):
        super().__init__()
        self.save_hyperparameters()
'''
QUICK = ["--data.max_words", "60", "--trainer.max_steps", "3", "--trainer.accelerator", "cpu",
         "--tensorboard.every_n_steps=0", "--trainer.log_every_n_steps", "1"]  # fmt: skip
GIVEN = ["--model.shape.width", "6", "--model.shape.start", "SMALL", "--model.start", "SMALL",
         "--model.notes", "some/file", "--model.activation", "torch.nn.ReLU"]  # fmt: skip
LAST = Path("logs/own/version_0/checkpoints/last.ckpt")


@pytest.fixture
def module(tmp_path, monkeypatch, request):
    """A module of its own for each test, beside where the command line runs."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(ignore="", save="self.save_hyperparameters()"):
        name = "own_" + "".join(filter(str.isalnum, request.node.name))
        code = MODEL.replace("IGNORE", ignore).replace("SAVE", save)
        (tmp_path / f"{name}.py").write_text(code)
        return name

    return write


@pytest.mark.parametrize("ignore", ["", "ignore=['activation']"])
def test_every_command_reads_its_checkpoint(command_line, module, ignore):
    name = module(ignore)
    code, _, err = command_line("fit", "--model", f"{name}.Own", *GIVEN, *QUICK)
    assert code == 0, err
    assert "is an instance of `nn.Module`" not in err
    kept = torch.load(LAST, weights_only=True)["hyper_parameters"]
    assert kept["shape"] == {"width": 6, "start": "SMALL"}
    assert (kept["start"], kept["notes"]) == ("SMALL", "some/file")
    assert kept["activation"]["class_path"] == "torch.nn.ReLU"
    assert isinstance(kept["vocabulary"], str)
    assert load_model(LAST).given == (6, "SMALL", "SMALL", "some/file", "ReLU")
    Path("words.txt").write_text("anna\n")
    commands = {
        "validate": [],
        "test": [],
        "predict": ["--data.predict_path", "words.txt"],
        "fit": ["--trainer.max_steps", "5"],
        "sample": ["--num_samples", "2"],
    }
    for command, more in commands.items():
        code, out, err = command_line(command, "--ckpt_path", "last", *more)
        assert (code, bool(out)) == (0, True), err
    again = torch.load(LAST, weights_only=True)
    assert again["global_step"] == 5
    assert again["hyper_parameters"] == kept


def test_a_checkpoint_loads_in_python(command_line, module):
    name = module()
    assert command_line("fit", "--model", f"{name}.Own", *GIVEN, *QUICK)[0] == 0
    own = __import__(name).Own
    model = own.load_from_checkpoint(LAST, weights_only=True)
    assert model.given == (6, "SMALL", "SMALL", "some/file", "ReLU")


@pytest.mark.parametrize(
    "save",
    ["self.save_hyperparameters()", "self.save_hyperparameters(ignore=['start'])", "pass"],
    ids=["saved", "saved in part", "not saved"],
)
def test_a_model_that_is_no_charlm(command_line, module, save):
    name = module(save=save)
    args = ["--optimizer", "SGD", "--optimizer.lr", ".1", *QUICK[2:]]
    args += ["--model", f"{name}.Plain", "--model.start", "SMALL", "--model.activation", "ReLU"]
    args += ["--data", f"{name}.Data", "--data.start", "SMALL"]
    code, _, err = command_line("fit", *args)
    assert code == 0, err
    last = Path("logs/plain/version_0/checkpoints/last.ckpt")
    kept = torch.load(last, weights_only=True)
    assert kept["hyper_parameters"]["start"] == "SMALL"
    assert kept["datamodule_hyper_parameters"]["start"] == "SMALL"
    module_ = __import__(name)
    assert module_.Plain.load_from_checkpoint(last, weights_only=True).start.name == "SMALL"
    assert command_line("fit", "--ckpt_path", "last", "--trainer.max_steps", 5)[0] == 0
    code, out, err = command_line("validate", "--ckpt_path", "last")
    assert (code, "0.01" in out) == (0, True), err


def test_a_model_that_logs_nothing_is_told_where_its_run_is(command_line, module):
    name = module()
    args = ["--model", f"{name}.Plain", "--data", f"{name}.Data", "--optimizer", "SGD"]
    args += ["--optimizer.lr", ".1", "--trainer.limit_val_batches", "0", *QUICK[2:]]
    code, out, err = command_line("fit", *args)
    assert (code, out) == (0, "")
    assert "The run is in logs/plain/version_0. Next:" in err.splitlines()
    _, _, err = command_line("fit", "--ckpt_path", "last")
    assert "Nothing left to train" in err
    assert "The run is in" not in err


def test_the_longest_name_of_a_metric_is_parted_from_its_value(command_line, module):
    name, long = module(), "val/a_long_name_of_its_own"
    path = Path(f"{name}.py")
    path.write_text(path.read_text().replace("val/loss", long))
    args = ["--model", f"{name}.Plain", "--data", f"{name}.Data", "--optimizer", "SGD"]
    args += ["--optimizer.lr", ".1", "--monitor", long, *QUICK[2:]]
    code, out, err = command_line("fit", *args)
    assert (code, out) == (0, f"{long} 0.0000\n"), err


def test_what_cannot_be_written_is_refused_before_there_is_a_run(command_line, module):
    name = module()
    code, out, err = command_line("fit", "--model", f"{name}.Unwritable", *QUICK)
    assert (code, out) == (2, "")
    line = err.splitlines()[-1]
    assert line.startswith("error: --model.tokenizer: a Tokenizer, which a checkpoint cannot keep")
    assert "Unable to serialize" not in err
    args = ["--model", f"{name}.Plain", "--optimizer", "SGD", "--optimizer.lr", ".1"]
    code, _, err = command_line("fit", *args, "--data", f"{name}.UnwritableData")
    assert code == 2, err
    assert err.splitlines()[-1].startswith("error: --data.source: a Tokenizer, which a checkpoint")
    assert not Path("logs").exists()


def test_a_default_that_is_left_out_is_made_anew(command_line, module):
    name = module("ignore=['tokenizer']")
    code, _, err = command_line("fit", "--model", f"{name}.Unwritable", *QUICK)
    assert code == 0, err
    config = yaml.safe_load(Path("logs/unwritable/version_0/config.yaml").read_text())
    assert "tokenizer" not in config["model"]["init_args"]
    for command in ("fit", "validate", "sample"):
        code, _, err = command_line(command, "--ckpt_path", "last")
        assert code == 0, err


@pytest.mark.filterwarnings("ignore:Attribute 'activation' is an instance")
def test_a_checkpoint_of_python_is_judged_and_goes_on(command_line, module, trainer):
    name = module()
    own = __import__(name)
    data = NamesDataModule(max_words=60, block_size=3)
    fitting = trainer(max_steps=3)
    fitting.fit(own.Own(data.vocabulary, 3, own.Shape(6), start=own.Start.SMALL), data)
    fitting.save_checkpoint("own.ckpt")
    for command, more in {"validate": [], "sample": [], "fit": ["--trainer.max_steps", 5]}.items():
        code, out, err = command_line(command, "--ckpt_path", "own.ckpt", *more)
        assert (code, bool(out)) == (0, True), err


@pytest.mark.parametrize("command", ["sample", "validate"])
def test_an_argument_imports_no_more_than_a_class(command_line, module, command):
    name = module()
    assert command_line("fit", "--model", f"{name}.Own", *GIVEN, *QUICK)[0] == 0
    checkpoint = torch.load(LAST, weights_only=True)
    bad = {"class_path": "hypothesis.stateful.Bundle"}
    checkpoint["hyper_parameters"]["activation"] = bad
    checkpoint["config"]["model"]["init_args"]["activation"] = bad
    torch.save(checkpoint, "bad.ckpt")
    sys.modules.pop("hypothesis.stateful", None)
    code, _, err = command_line(command, "--ckpt_path", "bad.ckpt")
    assert code == 2, err
    assert "hypothesis.stateful" not in sys.modules


def test_shipped_models_are_kept_by_lightnings_keys_alone(command_line):
    assert command_line("fit", "--model", "MLP", *QUICK)[0] == 0
    kept = torch.load("logs/mlp/version_0/checkpoints/last.ckpt", weights_only=True)
    assert set(kept["hyper_parameters"]) == set(signature(MLP).parameters)
    assert "_instantiator" not in kept["datamodule_hyper_parameters"]
