"""Every model trains, by plain LightningCLI and by litmore, to the same weights."""

import pytest
import torch
from seen import DEFAULTS, WORDS, run

pytestmark = pytest.mark.torture

SMALL = "--model.embedding_dim 8 --model.hidden_dim 6"
MODELS = {
    "NeuralBigram": ("windows", "--data.block_size 1"),
    "MLP": ("counts", SMALL),
    "MLP, batch norm": ("windows", f"{SMALL} --model.batch_norm true --model.num_layers 2"),
    "WaveNet": ("counts", f"{SMALL} --data.block_size 4"),
    "BagOfWords": ("words", SMALL),
    "RNN": ("words", SMALL),
    "GRU": ("words", f"{SMALL} --model.num_layers 2 --model.dropout 0.3"),
    "LSTM": ("words", SMALL),
    "Transformer": ("words", "--model.embedding_dim 8 --model.num_layers 2 --model.dropout 0.1"),
}


@pytest.mark.parametrize("name", MODELS)
def test_litmore_trains_as_lightning_does(name, word_file, tmp_path, monkeypatch, capsys):
    words, (view, more) = word_file(WORDS), MODELS[name]
    letters = "".join(sorted(set("".join(WORDS))))
    found = []
    for side in ("plain", "litmore"):
        (tmp_path / side).mkdir()
        monkeypatch.chdir(tmp_path / side)
        args = ["fit", "--model", f"litmore.models.{name.split(',')[0]}"]
        args += ["--data", "litmore.data.NamesDataModule", *more.split()]
        args += ["--data.path", words, "--data.view", view]
        if side == "plain":  # which litmore links
            args += ["--model.vocabulary", letters]
            size = more.split("--data.block_size ")[1:]
            args += ["--model.block_size", size[0]] if size and name == "WaveNet" else []
        for key, value in DEFAULTS.items():
            args += [f"--{key}", value]
        found.append(run(side, args, tmp_path / side, capsys))
    plain, ours = found
    assert plain.error is None
    assert ours.error is None
    assert len(ours.steps) == 13
    assert torch.equal(plain.weights, ours.weights)
    assert plain.metrics["val/loss"] == ours.metrics["val/loss"]
