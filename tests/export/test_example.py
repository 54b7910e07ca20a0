"""Models of users: a CharLM of their own, and LightningModules that are none."""

import json
import sys
from pathlib import Path

import onnxruntime
import pytest
import torch

import litmore
from conftest import ROOT
from litmore.errors import InputError
from litmore.runs.checkpoint import load_model

MODELS = '''
from enum import Enum

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from litmore.models import CharLM


class Recurrent(CharLM):
    """As the README's; its batch is read by len."""

    views = ("words",)

    def __init__(self, vocabulary: str, hidden_dim: int = 6):
        super().__init__(vocabulary)
        self.save_hyperparameters()
        self.embedding = nn.Embedding(self.vocab_size, hidden_dim)
        self.recurrent = nn.RNN(hidden_dim, 4, 2, bidirectional=True, batch_first=True)
        self.output = nn.Linear(8, self.vocab_size)

    def forward(self, x):
        return self.output(self.recurrent(self.embedding(x))[0]).view(len(x), -1, self.vocab_size)


class Loop(Recurrent):
    """Whose length torch cannot but find constant."""

    def forward(self, x):
        h, out = self.embedding(x[:, 0]), []
        for t in range(x.shape[1]):
            h = (h + self.embedding(x[:, t])).tanh()
            out.append(h)
        return torch.stack(out, 1) @ self.embedding.weight.T


class Projected(Recurrent):
    def __init__(self, vocabulary: str, hidden_dim: int = 6):
        super().__init__(vocabulary, hidden_dim)
        self.recurrent = nn.LSTM(hidden_dim, hidden_dim, proj_size=4, batch_first=True)
        self.output = nn.Linear(4, self.vocab_size)


class Weighted(CharLM):
    def __init__(self, vocabulary: str, block_size: int = 3, seeds: set[int] = {1}):
        super().__init__(vocabulary, block_size)
        self.save_hyperparameters()
        self.embedding = nn.Embedding(self.vocab_size, self.vocab_size)

    def forward(self, x):
        return self.embedding(x).mean(1)


class Start(Enum):
    ZERO = 0
    SMALL = 1


class Plain(LightningModule):
    def __init__(self, start: Start = Start.ZERO, activation: nn.Module = nn.Tanh()):
        super().__init__()
        self.save_hyperparameters(ignore=["activation"])
        self.start = start
        self.layers = nn.Sequential(nn.Linear(3, 4), activation, nn.Linear(4, 1))
        self.register_buffer("mask", torch.full((2, 2), float("-inf")))

    def forward(self, x):
        return self.layers(x)

    def training_step(self, batch, batch_idx):
        return self.layers(batch[0]).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


class Two(Plain):
    """Takes and gives several."""

    def __init__(self):
        super().__init__()
        self.example_input_array = {"y": torch.ones(1, 3), "x": torch.ones(1, 3)}

    def forward(self, x, y):
        return {"sum": self.layers(x) + y, "both": (x + y, x - y)}


class Fixed(Plain):
    """Takes batches of four."""

    def forward(self, x):
        return self.layers(x.view(4, 3))


class Branching(Plain):
    def forward(self, x):
        return self.layers(x) if float(x.sum()) > 0 else -self.layers(x)


class Wide(Plain):
    def forward(self, x, y):
        return self.layers(x) + y


class Data(LightningDataModule):
    def __init__(self, path: str = "here.txt"):
        super().__init__()
        self.save_hyperparameters()
        open(path).close()

    def train_dataloader(self):
        return DataLoader(TensorDataset(torch.rand(8, 3), torch.rand(8, 1)), 4)
'''
OF_WORDS = ["--data.max_words", "60", "--data.view", "words"]
OF_CONTEXTS = ["--data.max_words", "60"]
ALL = ("safetensors", "torch", "onnx")


@pytest.fixture
def fit(command_line, tmp_path, monkeypatch, request):
    """Train a model of the module, in a module of its own for each test."""
    monkeypatch.syspath_prepend(tmp_path)
    name = "own_" + "".join(filter(str.isalnum, request.node.name))
    (tmp_path / f"{name}.py").write_text(MODELS)
    (tmp_path / "here.txt").write_text("")

    def run(model, *more):
        data = more or ["--data", f"{name}.Data"]
        args = ["--trainer.max_steps=2", "--trainer.accelerator=cpu", "--run_name=own"]
        args += ["--tensorboard.every_n_steps=0", *data]
        code, _, err = command_line("fit", "--model", f"{name}.{model}", *args)
        assert code == 0, err

    return run


@pytest.fixture
def export(command_line):
    def run(*formats):
        args = ["export", "--ckpt_path", "last", "--output", "out", "--format", *formats]
        return command_line(*args)

    return run


def onnx_session():
    return onnxruntime.InferenceSession("out/model.onnx")


def recurrent(fit, export, *formats):
    """The model, and words of several lengths."""
    fit("Recurrent", *OF_WORDS)
    code, _, err = export(*formats)
    assert (code, err) == (0, "")
    model = load_model(Path("logs/own/version_0/checkpoints/last.ckpt"))
    return model, [torch.randint(model.vocab_size, shape) for shape in ((1, 1), (9, 13))]


def test_a_charlm_of_ones_own(fit, export):
    model, words = recurrent(fit, export, "safetensors", "torch")
    program = torch.export.load("out/model.pt2").module()
    for tokens in words:
        assert torch.equal(litmore.load("out")(tokens), model(tokens))
        torch.testing.assert_close(program(tokens), model(tokens), rtol=0, atol=1e-5)


def test_where_its_class_is_not_is_told(fit, export, monkeypatch):
    recurrent(fit, export, "safetensors")
    name = json.loads(Path("out/model.json").read_text("utf-8"))["class_path"].split(".")[0]
    assert f"`{name}`, has to lie in this folder" in Path("out/README.md").read_text("utf-8")
    monkeypatch.chdir("out")
    monkeypatch.setattr(sys, "path", sys.path[1:])
    with pytest.raises(
        InputError, match=f"^litmore.load .: its model .*: no module {name} is found"
    ):
        litmore.load(".")


@pytest.mark.torture
def test_a_charlm_of_ones_own_as_onnx(fit, export):
    model, words = recurrent(fit, export, "onnx")
    for tokens in words:
        (found,) = onnx_session().run(["logits"], {"tokens": tokens.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), model(tokens), rtol=0, atol=1e-5)


def test_any_other_model_by_its_datas_batch(fit, export):
    fit("Plain")
    code, _, err = export(*ALL)
    assert (code, err) == (0, "")
    model = litmore.load("out")
    assert model.start.name == "ZERO"
    assert not model.training
    program = torch.export.load("out/model.pt2").module()
    for rows in (1, 4, 7):
        x = torch.rand(rows, 3)
        (found,) = onnx_session().run(None, {"x": x.numpy()})
        for output in (program(x), torch.from_numpy(found)):
            torch.testing.assert_close(output, model(x))


@pytest.mark.torture
def test_any_other_model_by_its_example(fit, export):
    fit("Two")
    Path("here.txt").unlink()
    code, _, err = export(*ALL)
    assert (code, err) == (0, "")
    x, y = torch.rand(5, 3), torch.rand(5, 3)
    expected = litmore.load("out")(x, y)
    found = torch.export.load("out/model.pt2").module()(x, y)
    torch.testing.assert_close(found, expected)
    outputs = onnx_session().run(None, {"x": x.numpy(), "y": y.numpy()})
    assert len(outputs) == 3
    torch.testing.assert_close(torch.from_numpy(outputs[0]), expected["sum"])


@pytest.mark.torture
def test_the_model_of_points(command_line, export):
    config = ROOT / "configs" / "micrograd.yaml"
    if not config.exists():
        pytest.skip("micrograd was pulled down")
    args = ["fit", "--config", config, "--trainer.max_steps", 3, "--trainer.callbacks", "null"]
    assert command_line(*args)[0] == 0
    code, _, err = export(*ALL)
    assert (code, err) == (0, "")
    x = torch.rand(9, 2, dtype=torch.float64)
    (found,) = onnx_session().run(None, {"x": x.numpy()})
    for scores in (torch.export.load("out/model.pt2").module()(x), torch.from_numpy(found)):
        torch.testing.assert_close(scores, litmore.load("out")(x))


@pytest.mark.torture
def test_a_batch_that_is_a_constant_is_said(fit, export):
    fit("Fixed")
    code, _, err = export("torch")
    assert (code, err) == (0, "Fixed takes batches of one size alone\n")
    assert torch.export.load("out/model.pt2").module()(torch.rand(4, 3)).shape == (4, 1)


@pytest.mark.parametrize(
    ("model", "data", "formats", "said"),
    [
        ("Loop", OF_WORDS, ["torch"], "torch.export cannot make a graph of Loop: You marked time"),
        ("Branching", (), ["torch"], "torch.export cannot make a graph of Branching: "),
        ("Wide", (), ["torch"], "give it an example_input_array, as Lightning has it (its forward"),
        ("Weighted", OF_CONTEXTS, ["safetensors"], "made with seeds, a set, which JSON does not"),
        pytest.param(
            "Projected", OF_WORDS, ["onnx"], "onnxruntime cannot run the model",
            marks=pytest.mark.torture,
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_one_line(fit, export, model, data, formats, said):
    fit(model, *data)
    code, out, err = export(*formats)
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert err.startswith("error: --format")
    assert said in err
    assert not Path("out").exists()


def test_data_that_are_gone_are_one_line(fit, export):
    fit("Plain")
    Path("here.txt").unlink()
    code, out, err = export("onnx")
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert "give it an example_input_array" in err
    assert "here.txt" in err
    assert export("safetensors")[0] == 0
