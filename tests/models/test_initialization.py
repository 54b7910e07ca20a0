import torch
from torch import nn

from litmore.models import MLP, NeuralBigram
from litmore.models.initialization import LECTURE_SEED, lecture_linear_order, lecture_normal_

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def test_draws_are_the_lectures_in_order_whatever_was_drawn_before(seed_everything):
    g = torch.Generator().manual_seed(2147483647)
    lecture = [torch.randn(shape, generator=g) for shape in ((4, 2), (3,), (2, 5))]
    seed_everything(LECTURE_SEED)
    torch.rand(1000)
    first, second, third = torch.empty(4, 2), torch.empty(3), nn.Parameter(torch.empty(5, 2))
    state = torch.get_rng_state()
    lecture_normal_(first, second, third.T)
    assert torch.equal(first, lecture[0])
    assert torch.equal(second, lecture[1])
    assert torch.equal(third.T, lecture[2])
    assert torch.equal(torch.get_rng_state(), state)


def test_another_seed_draws_other_weights(seed_everything):
    drawn = []
    for seed in (1, 2, 1):
        seed_everything(seed)
        drawn.append(torch.empty(10))
        lecture_normal_(drawn[-1])
    assert torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[1])


def test_a_linear_layer_is_the_lectures_matrix_and_bias():
    linear = nn.Linear(6, 4)
    matrix, bias = lecture_linear_order(linear)
    assert matrix.shape == (6, 4)
    x = torch.randn(5, 6)
    torch.testing.assert_close(x @ matrix + bias, linear(x))


def test_the_mlp_starts_from_the_lectures_weights(seed_everything):
    g = torch.Generator().manual_seed(2147483647)
    C = torch.randn((27, 2), generator=g)  # noqa: N806
    W1 = torch.randn((6, 100), generator=g)  # noqa: N806
    b1 = torch.randn(100, generator=g)
    W2 = torch.randn((100, 27), generator=g)  # noqa: N806
    b2 = torch.randn(27, generator=g)

    seed_everything(LECTURE_SEED)
    torch.randn(17)
    model = MLP(LETTERS, block_size=3, embedding_dim=2, hidden_dim=100, init="lecture")
    assert torch.equal(model.embedding.weight, C)
    assert torch.equal(model.hidden.weight.T, W1)
    assert torch.equal(model.hidden.bias, b1)
    assert torch.equal(model.output.weight.T, W2)
    assert torch.equal(model.output.bias, b2)


def test_the_neural_bigram_starts_from_the_lectures_weights(seed_everything):
    g = torch.Generator().manual_seed(2147483647)
    W = torch.randn((27, 27), generator=g)  # noqa: N806
    seed_everything(LECTURE_SEED)
    torch.randn(17)
    assert torch.equal(NeuralBigram(LETTERS, init="lecture").logits.weight, W)
