import math
from pathlib import Path

import pytest
import torch

from conftest import ROOT
from litmore.data import NamesDataModule, TextDataModule
from litmore.errors import InputError
from litmore.mixture import Mixture, after_each
from litmore.models import GRU, MLP, NGram, Transformer
from litmore.runs.checkpoint import load_model
from litmore.sampling import sample

WORDS = [a + b + c for a in "bdfgk" for b in "aeiou" for c in ("n", "lo", "rin", "s")]


@pytest.fixture
def words(word_file):
    def make(**settings):
        return NamesDataModule(word_file(WORDS), batch_size=16, **settings)

    return make


@pytest.fixture
def members(words, trainer, tmp_path):
    """The files of trained models of both kinds of views."""
    files = []
    for make, settings in (
        (lambda v: NGram(v, 3), {"view": "counts"}),
        (lambda v: MLP(v, 2, hidden_dim=8), {"view": "windows", "block_size": 2}),
        (lambda v: GRU(v, 8, 8, dropout=0.5), {"view": "words"}),
        (lambda v: Transformer(v, 4, 8, num_layers=1, num_heads=1), {"view": "words"}),
    ):
        data = words(**settings)
        fitting = trainer(max_epochs=1)
        fitting.fit(make(data.vocabulary), data)
        files.append(str(tmp_path / f"{len(files)}.ckpt"))
        fitting.save_checkpoint(files[-1])
    return files


@pytest.fixture
def mixed(words, members, trainer, tmp_path):
    data = words(view="words")
    model, fitting = Mixture(data.vocabulary, members), trainer(max_epochs=1, limit_train_batches=1)
    fitting.fit(model, data)
    fitting.save_checkpoint(tmp_path / "mixture.ckpt")
    return model.eval(), data, fitting


def val_loss(model, data, weights):
    """By the definition."""
    x, y = data.split_view("val")[torch.arange(len(data.splits["val"]))]
    p = 0.0
    for member, weight in zip(model.members, weights, strict=True):
        if "windows" in member.views:
            logits = torch.stack([member.next_logits(x[:, : t + 1]) for t in range(x.shape[1])], 1)
        else:
            logits = member(x)
        p = p + weight * logits.double().softmax(-1)
    is_predicted = y >= 0
    return -float(p.gather(2, y.clamp(min=0)[..., None])[..., 0][is_predicted].log().mean())


def test_says_the_weighted_mean_of_its_members(mixed):
    model, data, fitting = mixed
    expected = val_loss(model, data, model.weights.tolist())
    assert float(fitting.callback_metrics["val/loss"]) == pytest.approx(expected, rel=1e-5)
    x = data.split_view("val")[torch.arange(4)].x
    torch.testing.assert_close(model(x).exp().sum(-1), torch.ones(x.shape))


@pytest.mark.torture
def test_no_other_weights_are_likelier(mixed):
    model, data, _ = mixed
    weights = model.weights.tolist()
    assert sum(weights) == pytest.approx(1)
    best = val_loss(model, data, weights)
    for one in range(4):
        for other in range(4):
            moved = min(0.01, weights[one])
            changed = list(weights)
            changed[one] -= moved
            changed[other] += moved
            assert val_loss(model, data, changed) >= best - 1e-7


@pytest.mark.torture
def test_its_members_stay_as_they_are(mixed, members):
    model, _, _ = mixed
    for member, file in zip(model.members, members, strict=True):
        for name, weight in load_model(Path(file)).state_dict().items():
            assert torch.equal(member.state_dict()[name], weight)


def test_a_checkpoint_stands_without_its_members(mixed, members, tmp_path):
    model, data, _ = mixed
    for file in members:
        (tmp_path / file).unlink()
    again = load_model(tmp_path / "mixture.ckpt")
    x = data.split_view("val")[torch.arange(4)].x
    assert torch.equal(again(x), model(x))


def test_going_on_from_a_state_is_looking_at_the_whole_word(mixed):
    model, _, _ = mixed
    x = torch.cat([torch.zeros(3, 1).long(), torch.randint(1, model.vocab_size, (3, 7))], 1)
    logits, state = model(x), ()
    for t in range(8):
        said, state = model.advance(x[:, t], state)
        torch.testing.assert_close(said, logits[:, t])
    names = list(sample(model, 50, generator=torch.Generator().manual_seed(0)))
    assert len(set(names)) > 10


def test_refuses_what_it_cannot_mix(words, members, tmp_path):
    data = words(view="words")
    with pytest.raises(InputError, match=r"^--model.members: name the checkpoints to mix$"):
        Mixture(data.vocabulary, [])
    with pytest.raises(InputError, match=r"^--model.members .*none.ckpt: no such file$"):
        Mixture(data.vocabulary, [str(tmp_path / "none.ckpt")])
    with pytest.raises(InputError, match=r"^--model.members .*0.ckpt: its characters are 'abde"):
        Mixture("abc", members[:1])
    (tmp_path / "bad.ckpt").write_text("no checkpoint")
    with pytest.raises(InputError, match=r"^--model.members .*bad.ckpt: not a "):
        Mixture(data.vocabulary, [str(tmp_path / "bad.ckpt")])


@pytest.mark.torture
def test_learns_a_batch_by_heart_where_there_is_no_validation(words, members, trainer):
    data = words(view="words")
    model, fitting = Mixture(data.vocabulary, members), trainer(max_epochs=1, overfit_batches=1)
    fitting.fit(model, data)
    assert model.weights[0] > 0.5  # who counted the words knows them best
    assert math.isclose(float(model.weights.sum()), 1)


def test_what_all_find_impossible_moves_no_weight(words, trainer, tmp_path):
    data = words(view="windows", block_size=3)
    files = []
    for smoothing in (0.0, 0.0):
        fitting = trainer(max_epochs=1)
        fitting.fit(NGram(data.vocabulary, 3, smoothing), data)
        files.append(str(tmp_path / f"unsmoothed_{len(files)}.ckpt"))
        fitting.save_checkpoint(files[-1])
    data = words(view="words")
    model, fitting = Mixture(data.vocabulary, files), trainer(max_epochs=1, limit_train_batches=1)
    fitting.fit(model, data)
    assert model.weights.tolist() == pytest.approx([0.5, 0.5])
    assert list(sample(model.eval(), 3, generator=torch.Generator().manual_seed(0)))


@pytest.mark.torture
def test_members_are_runs_and_the_newest_one(command_line):
    config = ["fit", "--config", ROOT / "configs/ngram.yaml", "--data.max_words", 200]
    assert command_line(*config)[0] == 0
    assert command_line(*config, "--run_name", "unsmoothed", "--model.smoothing", 0)[0] == 0
    mix = ["fit", "--config", ROOT / "configs/trained/mixture.yaml", "--data.max_words", 200]
    for members in ("[logs/ngram/version_0, last]", "[logs/unsmoothed/version_0]"):
        code, _, err = command_line(*mix, "--model.members", members)
        assert code == 0, err
    code, _, err = command_line(*mix, "--model.members", "last")
    assert (code, err.splitlines()[-1]) == (
        2,
        "error: --model.members last: must be a list, such as '[a, b]'",
    )


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1.0, 1.0], "2 for 4 members; give one a member"),
        ([0.0] * 4, "must be numbers of at least 0, not all 0"),
        ([1.0, -1.0, 1.0, 1.0], "must be numbers of at least 0, not all 0"),
        ([math.nan] * 4, "must be numbers of at least 0, not all 0"),
    ],
)
def test_weights_that_are_none_are_refused(words, members, weights, said):
    with pytest.raises(InputError, match=said):
        Mixture(words(view="words").vocabulary, members, weights)


def test_weights_that_are_given_stay(words, members, trainer, tmp_path):
    data = words(view="words")
    model, fitting = Mixture(data.vocabulary, members, [3.0, 1.0, 0.0, 0.0]), trainer(max_epochs=1)
    fitting.fit(model, data)
    fitting.save_checkpoint(tmp_path / "mixture.ckpt")
    again = load_model(tmp_path / "mixture.ckpt")
    assert again.weights.tolist() == model.weights.tolist() == [0.75, 0.25, 0, 0]
    expected = val_loss(model, data, [0.75, 0.25, 0, 0])
    assert float(fitting.callback_metrics["val/loss"]) == pytest.approx(expected, rel=1e-5)


def test_a_window_of_text_begins_with_what_little_is_known(trainer, tmp_path):
    (tmp_path / "text").write_text("to be or not to be\n" * 50)
    data = TextDataModule(str(tmp_path / "text"), view="windows", block_size=3)
    counted, fitting = NGram(data.vocabulary, 3), trainer(max_epochs=1)
    fitting.fit(counted, data)
    x = torch.tensor([data.vocabulary.encode("not")])
    after = after_each(counted, x)[0].exp()
    torch.testing.assert_close(after.sum(1), torch.ones(3))
    torch.testing.assert_close(after[2:], counted(x).exp())
    assert after[0].argmax() == data.vocabulary.encode("o")[0]  # after n, whatever is before it
