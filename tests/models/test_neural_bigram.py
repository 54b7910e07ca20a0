import math

import pytest
import torch
from lightning.pytorch import Callback
from torch import optim
from torch.nn import functional as F

from litmore.data import Corpus, NamesDataModule
from litmore.data.views import Windows
from litmore.errors import InputError
from litmore.models import CountBigram, NeuralBigram

WORDS = ["ab", "bba", "a", "abab", "bb", "aa"]


def examples(words, model):
    view = Windows(Corpus.of(words, model.vocabulary), 1)
    return view[torch.arange(len(view))]


def test_computes_what_the_lecture_does():
    model = NeuralBigram("abc", init="lecture")
    xs = torch.tensor([0, 3, 1, 1])
    xenc = F.one_hot(xs, num_classes=4).float()
    torch.testing.assert_close(model(xs[:, None]), xenc @ model.logits.weight)


def test_starts_uniform():
    model = NeuralBigram("abc")
    x, y = examples(["abc"], model)
    assert float(F.cross_entropy(model(x), y).detach()) == pytest.approx(math.log(4))


@pytest.mark.parametrize("penalty", [0.0, 0.01, 2.0])
def test_the_penalty_is_the_mean_square_of_the_weights(penalty):
    model = NeuralBigram("abc", weight_penalty=penalty, init="lecture")
    squares = [w * w for row in model.logits.weight.tolist() for w in row]
    assert float(model.penalty().detach()) == pytest.approx(penalty * sum(squares) / len(squares))


class Losses(Callback):
    """Keeps what each training step returned, and its batch."""

    def __init__(self):
        self.steps = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.steps.append((float(outputs["loss"]), batch))


def test_the_objective_holds_the_penalty_and_the_logged_loss_does_not(word_file, trainer):
    data = NamesDataModule(word_file(WORDS), block_size=1, batch_size=100, split=(1.0, 0.0, 0.0))
    model, losses = NeuralBigram("ab", weight_penalty=0.5, init="lecture"), Losses()
    model.configure_optimizers = lambda: optim.SGD(model.parameters(), lr=0.0)
    fitting = trainer(limit_val_batches=0, max_steps=1, log_every_n_steps=1, callbacks=[losses])
    fitting.fit(model, data)
    ((loss, (x, y)),) = losses.steps
    nll = float(F.cross_entropy(model(x), y).detach())
    assert loss == pytest.approx(nll + 0.5 * float(model.logits.weight.detach().square().mean()))
    assert float(fitting.callback_metrics["train/loss"]) == pytest.approx(nll)


def test_trained_to_the_end_it_is_the_count_bigram(word_file, trainer):
    data = NamesDataModule(word_file(WORDS), block_size=1, batch_size=100, split=(1.0, 0.0, 0.0))
    counted = CountBigram("ab", smoothing=0.0)
    trainer(limit_val_batches=0, max_epochs=1).fit(counted, data)
    model = NeuralBigram("ab", weight_penalty=0.0)
    model.configure_optimizers = lambda: optim.Adam(model.parameters(), lr=0.5)
    trainer(limit_val_batches=0, max_steps=150).fit(model, data)
    tokens = torch.arange(3)[:, None]
    torch.testing.assert_close(
        model(tokens).softmax(1), counted.probabilities(), rtol=0.0, atol=1e-3
    )


def test_a_penalty_pulls_towards_uniform(word_file, trainer):
    data = NamesDataModule(word_file(WORDS), block_size=1, batch_size=100, split=(1.0, 0.0, 0.0))
    spreads = []
    for penalty in (0.01, 1.0, 100.0):
        model = NeuralBigram("ab", weight_penalty=penalty)
        model.configure_optimizers = lambda model=model: optim.Adam(model.parameters(), lr=0.05)
        trainer(limit_val_batches=0, max_steps=100).fit(model, data)
        spreads.append(float((model(torch.tensor([[0]])).softmax(1) - 1 / 3).abs().max().detach()))
    assert spreads[0] > spreads[1] > spreads[2]
    assert spreads[2] < 0.02


@pytest.mark.parametrize("penalty", [-0.1, float("nan"), float("-inf")])
def test_refuses_a_penalty_below_zero(penalty):
    with pytest.raises(InputError, match=r"^--model\.weight_penalty .*must be at least 0$"):
        NeuralBigram("ab", weight_penalty=penalty)
