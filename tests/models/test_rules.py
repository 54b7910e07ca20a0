"""Every model keeps the rules that docs/testing.md has."""

import pytest
import torch
from torch import nn

import litmore.models
from litmore.models import (
    GRU,
    LSTM,
    MLP,
    RNN,
    BagOfWords,
    CharLM,
    CountBigram,
    NeuralBigram,
    NGram,
    Transformer,
    WaveNet,
)
from litmore.testing import check_model


class Places(CharLM):
    """A word bigram that has a bias for each of four places, and says so."""

    views = ("words",)
    longest_input = 4

    def __init__(self, vocabulary: str) -> None:
        super().__init__(vocabulary)
        self.save_hyperparameters()
        self.logits = nn.Embedding(self.vocab_size, self.vocab_size)
        self.position = nn.Embedding(4, self.vocab_size)

    def forward(self, x):
        return self.logits(x) + self.position(torch.arange(x.shape[1]))


SMALL = {"embedding_dim": 8}
RULES = {
    "places": (Places, {}),
    "mlp": (MLP, {"hidden_dim": 16, "batch_norm": True, "num_layers": 2}),
    "part 2": (MLP, {"block_size": 2, "hidden_dim": 16, "init": "lecture"}),
    "wavenet": (WaveNet, {"embedding_dim": 4, "hidden_dim": 16}),
    "bigram": (NeuralBigram, {"init": "lecture"}),
    "count": (CountBigram, {"smoothing": 0.25}),
    "ngram": (NGram, {}),
    "bag": (BagOfWords, {"block_size": 4, **SMALL}),
    "rnn": (RNN, {**SMALL, "hidden_dim": 16}),
    "gru": (GRU, {**SMALL, "hidden_dim": 16, "num_layers": 2, "dropout": 0.2}),
    "lstm": (LSTM, {**SMALL, "hidden_dim": 16, "init": "makemore"}),
    "transformer": (Transformer, {"block_size": 4, "embedding_dim": 16, "num_heads": 2}),
    "makemore": (Transformer, {"block_size": 4, **SMALL, "num_heads": 1, "init": "makemore"}),
}


@pytest.mark.parametrize(
    ("cls", "settings"),
    [row for name, row in RULES.items() if name not in ("part 2", "makemore")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_model_keeps_the_rules(cls, settings):
    check_model(cls, **settings)


@pytest.mark.torture
@pytest.mark.parametrize(("cls", "settings"), RULES.values(), ids=RULES)
def test_each_model_keeps_them_on_two_processes_and_in_each_format(cls, settings):
    check_model(cls, formats=("safetensors", "torch", "onnx"), processes=2, **settings)


def test_the_rules_are_asked_of_each_model():
    exported = {getattr(litmore.models, name) for name in litmore.models.__all__} - {CharLM}
    assert {row[0] for row in RULES.values()} - {Places} == exported
