import copy
import csv
import inspect
import math

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.loggers import CSVLogger
from torch import nn, optim

import litmore.models
from litmore.data import Corpus, NamesDataModule
from litmore.data.views import PAD, Batch, Windows, Words
from litmore.errors import InputError
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
from litmore.models.losses import total_nll

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = [
    "emma",
    "olivia",
    "ava",
    "isabella",
    "sophia",
    "charlotte",
    "mia",
    "amelia",
    "harper",
    "evelyn",
    "abigail",
    "emily",
    "ella",
    "elizabeth",
    "camila",
    "luna",
    "sofia",
    "avery",
    "mila",
    "aria",
    "scarlett",
    "penelope",
    "layla",
    "chloe",
]


class WordGRU(CharLM):
    """A recurrent net, as a user would write one."""

    views = ("words",)

    def __init__(self, vocabulary: str, hidden_dim: int = 8) -> None:
        super().__init__(vocabulary, block_size=1)
        self.save_hyperparameters()
        self.embedding = nn.Embedding(self.vocab_size, hidden_dim)
        self.recurrent = nn.GRU(hidden_dim, hidden_dim, batch_first=True)
        self.output = nn.Linear(hidden_dim, self.vocab_size)

    def forward(self, x):
        hidden, _ = self.recurrent(self.embedding(x))  # (B, T, H)
        return self.output(hidden)  # (B, T, V)


class WordBigram(CharLM):
    """`NeuralBigram` in the other view."""

    views = ("words",)

    def __init__(self, vocabulary: str) -> None:
        super().__init__(vocabulary, block_size=1)
        self.save_hyperparameters()
        self.logits = nn.Embedding(self.vocab_size, self.vocab_size)

    def forward(self, x):
        return self.logits(x)  # (B, T, V)


class Forgetful(CharLM):
    """It saves no hyperparameters."""

    def __init__(self, vocabulary: str) -> None:
        super().__init__(vocabulary, block_size=1)

    def forward(self, x):
        return torch.zeros(len(x), self.vocab_size)


def mlp():
    return MLP(LETTERS, block_size=3, embedding_dim=2, hidden_dim=8)


def gru():
    return WordGRU(LETTERS)


def bigram():
    return NeuralBigram(LETTERS, init="lecture")


MODELS = [mlp, gru, bigram]


def made(make):
    """A model, the same every time."""
    torch.manual_seed(1)
    return make()


@pytest.fixture
def data_for(word_file):
    def make(model, **settings):
        settings = {"view": model.views[0], "block_size": model.block_size} | settings
        return NamesDataModule(word_file(WORDS), vocabulary=LETTERS, **settings)

    return make


def characters(model, x, y):
    """Each predicted character's negative log-likelihood, in double, and whether it is right."""
    logits = copy.deepcopy(model).double()(x).detach()
    log_p = logits.log_softmax(-1)
    at = [tuple(index) for index in (y != PAD).nonzero().tolist()]
    nll = [-float(log_p[(*i, y[i])]) for i in at]
    return nll, [int(logits[i].argmax()) == int(y[i]) for i in at]


def whole(view):
    return view[torch.arange(len(view))]


# What every exported model is


PARAMETERS = [
    (MLP, {"embedding_dim": 2, "hidden_dim": 100}, 3_481, 0),
    (MLP, {"embedding_dim": 10, "hidden_dim": 200}, 11_897, 0),
    (MLP, {"batch_norm": True}, 12_097, 401),  # of each unit mean and variance; the batches seen
    (
        MLP,
        {"hidden_dim": 100, "num_layers": 5, "batch_norm": True, "init": "lecture_deep"},
        47_024,
        1_060,
    ),
    (MLP, {"block_size": 8, "batch_norm": True, "init": "lecture_part5"}, 22_097, 401),
    (WaveNet, {"embedding_dim": 10, "hidden_dim": 68}, 22_397, 0),
    (WaveNet, {"embedding_dim": 24, "hidden_dim": 128, "norm": "batch"}, 76_579, 771),
    (NeuralBigram, {}, 729, 0),
    (CountBigram, {}, 1, 0),  # a placeholder; what it counts grows
    (NGram, {}, 1, 0),
    # makemore.py's, which has as many of the Transformer, the RNN and the bag of words, and of the
    # GRU 28,315: one bias a gate, and a state to start from
    (Transformer, {"init": "makemore"}, 204_544, 0),
    (Transformer, {}, 199_936, 0),
    (BagOfWords, {}, 12_827, 0),
    (RNN, {}, 11_803, 0),
    (GRU, {}, 28_443, 0),
    (LSTM, {}, 36_763, 0),
]


@pytest.mark.parametrize(("cls", "settings", "parameters", "buffers"), PARAMETERS)
def test_parameter_counts(cls, settings, parameters, buffers):
    model = cls(LETTERS, **settings)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert sum(buffer.numel() for buffer in model.buffers()) == buffers


def test_no_model_is_missing_from_the_parameter_counts():
    exported = {getattr(litmore.models, name) for name in litmore.models.__all__}
    concrete = {model for model in exported if not inspect.isabstract(model)}
    assert all(issubclass(model, CharLM) for model in exported)
    assert concrete == {row[0] for row in PARAMETERS}


def test_the_base_is_no_model():
    with pytest.raises(TypeError, match="abstract"):
        CharLM("ab", 1)


@pytest.mark.parametrize("make", [MLP, NeuralBigram, CountBigram, WordGRU])
def test_refuses_a_vocabulary_that_is_none(make):
    with pytest.raises(InputError, match="stands twice"):
        make("aa")


# Training


class Losses(Callback):
    """Keeps what each training step returned, and its batch."""

    def __init__(self):
        self.steps = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.steps.append((float(outputs["loss"]), batch))


@pytest.mark.parametrize(
    "make",
    [
        lambda: MLP("ab", block_size=2, embedding_dim=2, hidden_dim=3, init="lecture"),
        lambda: MLP("ab", 2, 2, 3, init="lecture_deep", num_layers=2, batch_norm=True),
        lambda: WaveNet("ab", 4, 2, 3, norm="batch", init="lecture"),
        lambda: WaveNet("ab", 4, 2, 3),
        lambda: NeuralBigram("ab", weight_penalty=0.3, init="lecture"),
        lambda: WordGRU("ab", hidden_dim=2),
    ],
    ids=["mlp", "batch norm", "wavenet batch", "wavenet", "bigram", "gru"],
)
def test_gradients_equal_finite_differences(make):
    model = made(make).double()
    corpus = Corpus.of(["ab", "bba", "a"], model.vocabulary)
    windows = "windows" in model.views
    batch = whole(Windows(corpus, model.block_size) if windows else Words(corpus))

    def objective():
        nll = total_nll(model(batch.x), batch)
        return nll / batch.num_predicted() + model.penalty()

    objective().backward()
    step = 1e-5
    for name, parameter in model.named_parameters():
        flat, slopes = parameter.data.view(-1), []
        for i, value in enumerate(flat.tolist()):
            ends = []
            for flat[i] in (value + step, value - step):
                ends.append(float(objective().detach()))
            flat[i] = value
            slopes.append((ends[0] - ends[1]) / (2 * step))
        expected = torch.tensor(slopes, dtype=torch.float64).view_as(parameter)
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-6, atol=1e-9, msg=name)


def test_padding_moves_no_weight():
    gradients = []
    for words in (["ab", "ba"], ["ab", "ba", "abcabcabc"]):
        model = made(gru)
        batch = Batch(*(part[:2] for part in whole(Words(Corpus.of(words, model.vocabulary)))))
        (total_nll(model(batch.x), batch) / batch.num_predicted()).backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    assert all(gradient.any() for gradient in gradients[0])
    torch.testing.assert_close(*gradients)


def test_logs_training_metrics_at_the_steps_asked_for_and_the_last(data_for, trainer, tmp_path):
    model, losses = made(mlp), Losses()
    model.configure_optimizers = lambda: optim.SGD(model.parameters(), lr=0.0)
    trainer(
        max_steps=8,
        log_every_n_steps=3,
        limit_val_batches=0,
        logger=CSVLogger(tmp_path),
        callbacks=[losses],
    ).fit(model, data_for(model, batch_size=8))
    with next(tmp_path.rglob("metrics.csv")).open() as file:
        rows = {int(row["step"]): row for row in csv.DictReader(file)}
    assert set(rows) == {2, 5, 7}
    for step, row in rows.items():
        _, (x, y) = losses.steps[step]
        nll, right = characters(model, x, y)
        loss = sum(nll) / len(nll)
        assert float(row["train/loss"]) == pytest.approx(loss, rel=1e-5)
        assert float(row["train/perplexity"]) == pytest.approx(math.exp(loss), rel=1e-5)
        assert float(row["train/bits_per_char"]) == pytest.approx(loss / math.log(2), rel=1e-5)
        assert float(row["train/accuracy"]) == pytest.approx(sum(right) / len(right))


class SaveAt(Callback):
    """Saves a checkpoint in one hook of the second epoch."""

    def __init__(self, hook, batch, path):
        self.at = (hook, 1, batch)
        self.path = path

    def save(self, hook, trainer, batch_idx=None):
        if (hook, trainer.current_epoch, batch_idx) == self.at and not trainer.sanity_checking:
            trainer.save_checkpoint(self.path)

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.save("batch end", trainer, batch_idx)

    def on_validation_end(self, trainer, pl_module):
        self.save("validation end", trainer)

    def on_train_epoch_end(self, trainer, pl_module):
        self.save("epoch end", trainer)


STOPS = {
    "after the first batch": ("batch end", 0),
    "after another batch": ("batch end", 3),
    "after the last batch": ("batch end", -1),
    "after validation": ("validation end", None),
    "at the end of the epoch": ("epoch end", None),
}


@pytest.mark.parametrize(("hook", "batch"), STOPS.values(), ids=STOPS)
def test_a_run_of_a_plain_trainer_resumes_to_the_bit(data_for, trainer, tmp_path, hook, batch):
    straight, resumed = made(gru), made(gru)
    data = data_for(straight, batch_size=4)
    if batch == -1:
        batch = len(data.train_dataloader()) - 1
    path = tmp_path / "saved.ckpt"
    trainer(max_epochs=3, callbacks=[SaveAt(hook, batch, path)]).fit(straight, data)
    again = data_for(resumed, batch_size=4)
    trainer(max_epochs=3).fit(resumed, again, ckpt_path=path, weights_only=True)
    for name, values in straight.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], values), name


# Evaluation


@pytest.mark.parametrize("eval_batch_size", [1, 5, 8192])
@pytest.mark.parametrize("make", MODELS)
def test_evaluates_every_character_alike(data_for, trainer, make, eval_batch_size):
    model = made(make)
    data = data_for(model, eval_batch_size=eval_batch_size, split=(0.5, 0.25, 0.25))
    for stage, evaluate in (("val", trainer().validate), ("test", trainer().test)):
        nll, right = characters(model, *whole(data.view_of(data.splits[stage])))
        loss = sum(nll) / len(nll)
        (found,) = evaluate(model, data, verbose=False)
        assert found == pytest.approx(
            {
                f"{stage}/loss": loss,
                f"{stage}/perplexity": math.exp(loss),
                f"{stage}/bits_per_char": loss / math.log(2),
                f"{stage}/accuracy": sum(right) / len(right),
            },
            rel=1e-6,
        )


def test_evaluating_twice_adds_nothing_up(data_for, trainer):
    model = made(mlp)
    data = data_for(model)
    first, second = (trainer().validate(model, data, verbose=False) for _ in range(2))
    assert first == second


def test_the_same_function_has_the_same_loss_in_either_view(data_for, trainer):
    windows, words = made(bigram), WordBigram(LETTERS)
    words.load_state_dict(windows.state_dict())
    (one,), (other,) = (
        trainer().validate(model, data_for(model), verbose=False) for model in (windows, words)
    )
    assert one == pytest.approx(other, rel=1e-6)


@pytest.mark.parametrize("make", MODELS)
def test_scores_whole_words(data_for, trainer, word_file, make):
    model = made(make)
    words = ["mia", "a", "elizabeth", "mia", "bo"]
    data = data_for(model, predict_path=word_file(words, "score.txt"), batch_size=2)
    scores = trainer().predict(model, data)
    nll, lengths = (torch.cat(parts) for parts in zip(*scores, strict=True))
    assert lengths.tolist() == [len(word) + 1 for word in words]
    for word, found in zip(words, nll.tolist(), strict=True):
        expected, _ = characters(model, *whole(data.view_of(Corpus.of([word], model.vocabulary))))
        assert found == pytest.approx(sum(expected), rel=1e-5)


# The next character


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7])
def test_the_context_is_filled_up_and_cut_off_on_the_left(length):
    model = made(mlp)
    tokens = torch.randint(1, 27, (5, length))
    context = torch.cat([torch.zeros(5, 3).long(), tokens], dim=1)[:, -3:]
    assert torch.equal(model.next_logits(tokens), model(context))


@pytest.mark.parametrize("make", [gru, lambda: WordBigram(LETTERS)], ids=["gru", "bigram"])
def test_a_words_model_sees_only_what_came_before(make):
    model = made(make)
    x, _ = whole(Words(Corpus.of(["emma", "elsa"], model.vocabulary)))
    logits = model(x)
    assert logits.shape == (2, 5, 27)
    assert torch.equal(logits[0, :2], logits[1, :2])  # .e
    assert not torch.equal(logits[0, 2], logits[1, 2])  # .em, .el
    for t in range(5):
        torch.testing.assert_close(model.next_logits(x[:, : t + 1]), logits[:, t])


def test_a_forward_may_take_more_than_tokens():
    class Stateful(WordGRU):
        def forward(self, x, state=None):
            return self.output(self.recurrent(self.embedding(x), state)[0])

    model = made(lambda: Stateful(LETTERS))
    x, state = torch.randint(1, 27, (2, 5)), torch.randn(1, 2, 8)
    assert torch.equal(model(x, state=state), model(x=x, state=state))
    assert not torch.equal(model(x, state=state), model(x=x))


@pytest.mark.parametrize("make", [nn.BatchNorm1d, lambda size: nn.BatchNorm1d(size, affine=False)])
def test_statistics_of_a_batch_are_not_taken_over_counts(data_for, make):
    class Normed(MLP):
        def __init__(self, vocabulary: str) -> None:
            super().__init__(vocabulary)
            self.save_hyperparameters()
            self.activation = nn.Sequential(make(200), nn.Tanh())

    model = Normed(LETTERS)
    model.check_data(data_for(model))
    for normed in (model, WaveNet(LETTERS, norm="batch"), MLP(LETTERS, batch_norm=True)):
        with pytest.raises(InputError, match=r"^--data.view counts: \w+ normalises .* windows$"):
            normed.check_data(data_for(normed, view="counts"))


def test_counts_are_taken_by_a_model_that_says_so(data_for):
    class Own(CharLM):
        def __init__(self, vocabulary: str) -> None:
            super().__init__(vocabulary)
            self.save_hyperparameters()

        def forward(self, x):
            return torch.zeros(len(x), self.vocab_size)

    with pytest.raises(InputError, match=r"--data.view counts: Own takes windows$"):
        Own(LETTERS).check_data(data_for(Own(LETTERS), view="counts"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GRU(LETTERS, hidden_dim=0), "--model.hidden_dim 0: must be at least 1"),
        (lambda: RNN(LETTERS, num_layers=-1), "--model.num_layers -1: must be at least 1"),
        (lambda: LSTM(LETTERS, dropout=1.0), "--model.dropout 1.0: must be at least 0 and below 1"),
        (lambda: BagOfWords(LETTERS, 0), "--model.block_size 0: must be at least 1"),
        (lambda: Transformer(LETTERS, num_heads=0), "--model.num_heads 0: must be at least 1"),
        (lambda: Transformer(LETTERS, num_heads=3), "--model.num_heads 3: must divide"),
        (lambda: Transformer(LETTERS, dropout=-0.1), "--model.dropout -0.1: must be"),
    ],
)
def test_refuses_a_size_that_is_none(make, message):
    with pytest.raises(InputError) as refusal:
        make()
    assert str(refusal.value).startswith(message)


def test_windows_and_next_logits_agree():
    model = made(mlp)
    x, _ = whole(Windows(Corpus.of(["olivia"], model.vocabulary), 3))
    tokens = torch.tensor([[0, *model.vocabulary.encode("olivia")]])
    for t, logits in enumerate(model(x)):
        torch.testing.assert_close(model.next_logits(tokens[:, : t + 1])[0], logits)


# What a model refuses, and what it keeps


FITTING = [
    (mlp, {}),
    (gru, {}),
    (gru, {"block_size": 5}),
    (bigram, {}),
]


@pytest.mark.parametrize(("make", "settings"), FITTING)
def test_takes_data_of_its_view_and_context(data_for, make, settings):
    model = made(make)
    model.check_data(data_for(model, **settings))


MISMATCHES = [
    (mlp, {"view": "words"}, "--data.view words: MLP takes windows"),
    (mlp, {"block_size": 2}, "--data.block_size 2: MLP looks at 3 token(s)"),
    (bigram, {"block_size": 3}, "--data.block_size 3: NeuralBigram looks at 1 token(s)"),
    (lambda: CountBigram(LETTERS), {"block_size": 3}, "CountBigram looks at 1 token(s)"),
    (gru, {"view": "windows"}, "--data.view windows: WordGRU takes words"),
    (lambda: Forgetful(LETTERS), {}, "must call self.save_hyperparameters()"),
]


@pytest.mark.parametrize(("make", "settings", "message"), MISMATCHES)
def test_refuses_data_of_another_view_or_context(data_for, make, settings, message):
    model = made(make)
    with pytest.raises(InputError) as refusal:
        model.check_data(data_for(model, **settings))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


class ManyLooks(optim.SGD):
    """An optimizer that looks at a batch three times before it takes a step, as L-BFGS may."""

    def step(self, closure):
        for _ in range(2):
            closure()
        return super().step(closure)


@pytest.mark.parametrize(
    ("optimizer", "flags"),
    [(ManyLooks, {}), (optim.SGD, {"accumulate_grad_batches": 2})],
    ids=["three looks", "two batches a step"],
)
def test_logs_a_step_once(data_for, trainer, tmp_path, optimizer, flags):
    model = made(mlp)
    model.configure_optimizers = lambda: optimizer(model.parameters(), lr=0.1)
    logger = CSVLogger(tmp_path)
    written = []
    logger.log_metrics = lambda metrics, step: written.append(step)
    trainer(max_steps=4, log_every_n_steps=2, limit_val_batches=0, logger=logger, **flags).fit(
        model, data_for(model, batch_size=8)
    )
    assert written == [1, 3]
