"""A constructor's arguments, kept as plain values in a checkpoint and rebuilt from it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningDataModule
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from litmore.data import NamesDataModule
from litmore.errors import InputError
from litmore.models import MLP, CharLM
from litmore.models.hyperparameters import build, plain
from litmore.runs.checkpoint import load_model
from litmore.runs.trust import restrict_imports

pytestmark = pytest.mark.filterwarnings("ignore:Attribute 'activation' is an instance")


class Start(Enum):
    ZERO = 0
    SMALL = 0.01


class Depth(IntEnum):
    ONE = 1
    TWO = 2


@dataclass
class Inner:
    start: Start = Start.ZERO
    sizes: tuple[int, ...] = (3, 4)


@dataclass
class Shape:
    width: int
    inner: Inner = field(default_factory=Inner)


class Tokenizer:
    """What jsonargparse cannot write."""


class Own(CharLM):
    """A model of many a type."""

    def __init__(
        self,
        vocabulary: str,
        block_size: int = 1,
        shape: Shape | None = None,
        shapes: dict[str, Shape] | None = None,
        start: Start = Start.ZERO,
        depth: Depth = Depth.ONE,
        path: Path | None = None,
        activation: nn.Module = nn.ReLU(),  # noqa: B008
        function: Callable[..., Any] = torch.tanh,
        dtype: torch.dtype = torch.float32,
        tokenizer: Tokenizer | None = None,
        anything: Any = None,
    ):
        super().__init__(vocabulary, block_size)
        self.save_hyperparameters()
        self.embedding = nn.Embedding(self.vocab_size, shape.width if shape else 4)
        self.output = nn.Linear(self.embedding.embedding_dim, self.vocab_size)
        self.given = shape, shapes, start, depth, path, function, dtype

    def forward(self, x):
        return self.output(self.embedding(x[:, -1]))


GIVEN = {
    "shape": Shape(5, Inner(Start.SMALL, (7,))),
    "shapes": {"a": Shape(2)},
    "start": Start.SMALL,
    "depth": Depth.TWO,
    "path": Path("a/b.txt"),
    "function": torch.relu,
    "dtype": torch.float64,
}
WRITTEN = {
    "shape": {"width": 5, "inner": {"start": "SMALL", "sizes": [7]}},
    "shapes": {"a": {"width": 2, "inner": {"start": "ZERO", "sizes": [3, 4]}}},
    "start": "SMALL",
    "depth": "TWO",
    "path": "a/b.txt",
    "dtype": torch.float64,
}


@pytest.fixture(autouse=True)
def _in_the_working_directory(monkeypatch):
    """As a user's module is, whose classes are imported."""
    monkeypatch.chdir(Path(__file__).parent)
    restrict_imports(trust_config=False)


@pytest.fixture
def data(word_file):
    return NamesDataModule(word_file(["abba", "zab", "bay", "xaz"] * 9), block_size=1)


@pytest.fixture
def fit(trainer, tmp_path):
    """Train a step from Python; the checkpoint's path."""

    def fit(model, data):
        fitting = trainer(max_steps=1)
        fitting.fit(model, data)
        fitting.save_checkpoint(tmp_path / "own.ckpt")
        return tmp_path / "own.ckpt"

    return fit


def test_a_checkpoint_keeps_plain_values_and_rebuilds_what_was_given(fit, data):
    model = Own(data.vocabulary, **GIVEN)
    path = fit(model, data)
    assert model.hparams.shape is GIVEN["shape"]  # the model's own are as they were given
    kept = torch.load(path, weights_only=True)["hyper_parameters"]
    assert {name: kept[name] for name in WRITTEN} == WRITTEN
    assert kept["vocabulary"] == data.vocabulary.characters
    for again in (Own.load_from_checkpoint(path, weights_only=True), load_model(path)):
        assert again.given == model.given == tuple(GIVEN.values())
        assert again.vocabulary == model.vocabulary
        x = torch.zeros(1, 1, dtype=torch.long)
        assert torch.equal(again(x), model(x))


def test_a_rebuilt_model_is_kept_anew(fit, data):
    path = fit(Own(data.vocabulary, **GIVEN), data)
    kept = torch.load(path, weights_only=True)["hyper_parameters"]
    for again in (load_model(path), Own.load_from_checkpoint(path, weights_only=True)):
        path = fit(again.train(), data)
        assert torch.load(path, weights_only=True)["hyper_parameters"] == kept


def test_plain_values_alone_are_kept_as_they_are(fit, data):
    kept = torch.load(fit(MLP(data.vocabulary, 1, 2, 5), data), weights_only=True)
    assert kept["hyper_parameters"] == {
        "vocabulary": "abxyz",
        "block_size": 1,
        "embedding_dim": 2,
        "hidden_dim": 5,
        "init": "scaled",
        "num_layers": 1,
        "batch_norm": False,
    }


def test_a_default_object_is_written_by_its_class(fit, data):
    kept = torch.load(fit(Own(data.vocabulary), data), weights_only=True)["hyper_parameters"]
    assert kept["activation"]["class_path"] == "torch.nn.ReLU"


REFUSED = {
    "a class's": ("tokenizer", Tokenizer()),
    "a module": ("activation", nn.GELU()),
    "of no type": ("anything", Start.SMALL),
    "of another type": ("start", Path("SMALL")),
    "within a list": ("anything", [Tokenizer()]),
}


@pytest.mark.parametrize(("name", "value"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_rebuilt_is_refused_before_the_first_step(fit, data, name, value):
    model = Own(data.vocabulary, **{name: value})
    before = model.output.weight.detach().clone()
    with pytest.raises(InputError, match=f"^--model.{name}: a {type(value).__name__}, which a"):
        fit(model, data)
    assert torch.equal(model.output.weight, before)


def test_what_contradicts_its_own_type_is_refused(fit, data):
    class Wide(Own):
        def __init__(self, vocabulary: str, start: Start, width: int = 3):
            super().__init__(vocabulary, start=start)

    with pytest.raises(InputError, match=r"^--model: a checkpoint could not be read again: .*int"):
        fit(Wide(data.vocabulary, Start.SMALL, 0.5), data)


def test_what_save_hyperparameters_leaves_out_is_not_refused(fit, data):
    class Ignoring(Own):
        def __init__(self, vocabulary: str, tokenizer: Tokenizer, block_size: int = 1):
            super().__init__(vocabulary, block_size)
            self.save_hyperparameters(ignore=["tokenizer"])

    path = fit(Ignoring(data.vocabulary, Tokenizer()), data)
    again = Ignoring.load_from_checkpoint(path, weights_only=True, tokenizer=Tokenizer())
    assert again.vocabulary == data.vocabulary


def test_a_parents_arguments_are_not_the_childs():
    class Child(Own):
        def __init__(self, vocabulary: str, start: Start = Start.ZERO):
            super().__init__(vocabulary, tokenizer=Tokenizer())
            self.start = start

    kept = plain(Child, dict(Child("ab", start=Start.SMALL).hparams))
    assert kept["start"] == "SMALL"
    assert "tokenizer" not in kept
    assert build(Child, kept).start is Start.SMALL


def test_arguments_passed_on_are_rebuilt_by_the_parents_types():
    class Passing(Own):
        def __init__(self, vocabulary: str, **more: Any):
            super().__init__(vocabulary, **more)
            self.save_hyperparameters()

    model = build(Passing, plain(Passing, dict(Passing("ab", **GIVEN).hparams)))
    assert model.given == tuple(GIVEN.values())


@pytest.mark.parametrize("vocabulary", ["0123", "~", "null", "a: b", "{", "on", "1e5"])
def test_a_vocabulary_stays_itself_whatever_yaml_reads_in_it(vocabulary):
    class Untyped(CharLM):
        def __init__(self, vocabulary, start: Start = Start.ZERO):
            super().__init__(vocabulary)
            self.save_hyperparameters()
            self.start = start

        forward = None

    characters = "".join(sorted(set(vocabulary)))
    kept = plain(Untyped, dict(Untyped(characters, Start.SMALL).hparams))
    again = build(Untyped, kept)
    assert (str(again.vocabulary), again.start) == (characters, Start.SMALL)


class Pairs(LightningDataModule):
    """Data of one's own, with settings that no file can hold as they are."""

    def __init__(self, start: Start = Start.ZERO, path: Path = Path("x"), source: Any = None):
        super().__init__()
        self.save_hyperparameters()

    def train_dataloader(self):
        pairs = torch.zeros(8, 1, dtype=torch.long), torch.zeros(8, dtype=torch.long)
        return DataLoader(TensorDataset(*pairs), batch_size=4)

    val_dataloader = train_dataloader


def test_a_data_modules_settings_are_kept_so_too(fit):
    path = fit(MLP("ab", 1), Pairs(Start.SMALL))
    kept = torch.load(path, weights_only=True)["datamodule_hyper_parameters"]
    assert (kept["start"], kept["path"]) == ("SMALL", "x")
    again = Pairs.load_from_checkpoint(path, weights_only=True)
    assert again.hparams.start is Start.SMALL
    assert again.hparams.path == Path("x")
    with pytest.raises(InputError, match=r"^--data.source: a Tokenizer, which a checkpoint"):
        fit(MLP("ab", 1), Pairs(source=Tokenizer()))
