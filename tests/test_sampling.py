import math
import random
import re
from collections import Counter

import pytest
import torch
from scipy.stats import chisquare

from litmore.errors import InputError
from litmore.models import GRU, MLP, CharLM, CountBigram, Transformer
from litmore.sampling import BATCH, MAX_LENGTH, draw, sample

#         .  a  b  c
COUNTS = [
    [0, 6, 3, 1],  # .
    [4, 1, 3, 2],  # a
    [2, 5, 1, 0],  # b
    [9, 0, 4, 3],  # c
]


def counting(counts=COUNTS, smoothing=0.0):
    """A model of a, b and c with these counts."""
    model = CountBigram("abc", smoothing)
    pairs = torch.cartesian_prod(torch.arange(4), torch.arange(4))
    times = torch.tensor(counts).flatten().double()
    model.tally.add(model.tally.pack(pairs[:, :1], pairs[:, 1], times))
    return model


def random_mlp():
    torch.manual_seed(3)
    return MLP("abcdefgh", block_size=3, embedding_dim=4, hidden_dim=16, init="lecture")


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


def names(model, num_samples, seed=1, **settings):
    return list(sample(model, num_samples, generator=generator(seed), **settings))


def random_gru():
    torch.manual_seed(3)
    model = GRU("ab", embedding_dim=4, hidden_dim=8).eval()
    for parameter in model.parameters():
        parameter.data += torch.randn(parameter.shape)
    return model.requires_grad_(False)


def random_transformer():
    torch.manual_seed(9)
    model = Transformer("ab", block_size=5, embedding_dim=8, num_layers=2, num_heads=2).eval()
    for parameter in model.parameters():
        parameter.data += 0.5 * torch.randn(parameter.shape)
    return model.requires_grad_(False)


def likelihood(model, name):
    x = torch.tensor([[0, *model.vocabulary.encode(name), 0]])
    return float(model(x[:, :-1]).log_softmax(-1)[0, torch.arange(x.shape[1] - 1), x[0, 1:]].sum())


@pytest.mark.parametrize("make", [random_gru, random_transformer])
def test_whole_names_come_as_often_as_the_model_says(make):
    model = make()
    seen = Counter(names(model, 20_000, max_length=30))
    common = [name for name, times in seen.items() if times >= 40]
    assert max(map(len, common)) > 4
    share = [math.exp(likelihood(model, name)) for name in common]
    others = 20_000 - sum(seen[name] for name in common)
    expected = [20_000 * p for p in [*share, 1 - sum(share)]]
    assert chisquare([*(seen[name] for name in common), others], expected).pvalue > 1e-3


@pytest.mark.parametrize("make", [random_gru, random_transformer])
@pytest.mark.parametrize("settings", [{}, {"prompt": "abba"}, {"temperature": 0.5, "top_k": 2}])
def test_going_on_from_a_state_draws_what_looking_at_all_draws(make, settings, monkeypatch):
    model = make()
    found = names(model, 300, max_length=12, **settings)
    assert max(map(len, found)) > model.block_size
    monkeypatch.setattr(type(model), "advance", CharLM.advance)
    assert found == names(model, 300, max_length=12, **settings)


def expected_row(row, temperature, top_k):
    """The row's probabilities, by the definition."""
    kept = sorted(row, reverse=True)[:top_k]
    weights = [(n / sum(row)) ** (1 / temperature) if n in kept and n else 0.0 for n in row]
    return [weight / sum(weights) for weight in weights]


@pytest.mark.parametrize(
    ("temperature", "top_k"),
    [(1.0, None), (0.5, None), (2.0, None), (1.0, 2), (1.0, 3), (2.0, 2), (1.0, 4), (1.0, 99)],
)
def test_characters_come_as_often_as_the_model_says(temperature, top_k):
    followers = {character: Counter() for character in ".abc"}
    for name in names(counting(), 10_000, temperature=temperature, top_k=top_k):
        for previous, following in zip(f".{name}", f"{name}.", strict=True):
            followers[previous][following] += 1
    for previous, row in zip(".abc", COUNTS, strict=True):
        seen = [followers[previous][character] for character in ".abc"]
        if previous == "c" and top_k == 2:  # not among the two after any other
            assert not any(seen)
            continue
        share = expected_row(row, temperature, top_k)
        assert [n == 0 for n in seen] == [p == 0 for p in share]
        possible = [i for i, p in enumerate(share) if p > 0]
        if len(possible) > 1:
            total = sum(seen)
            test = chisquare([seen[i] for i in possible], [share[i] * total for i in possible])
            assert test.pvalue > 1e-3


def lecture_names(model, num_samples, g):
    """The lecture's loop, one name after the other."""
    out = []
    for _ in range(num_samples):
        name, context = "", [0] * model.block_size
        while True:
            logits = model(torch.tensor([context])).detach()
            probs = torch.softmax(logits, dim=1)
            ix = torch.multinomial(probs, num_samples=1, replacement=True, generator=g).item()
            context = [*context[1:], ix]
            if ix == 0:
                break
            name += model.vocabulary.characters[ix - 1]
        out.append(name)
    return out


@pytest.mark.parametrize("make", [counting, random_mlp])
def test_one_name_at_a_time_is_the_lectures_loop(make):
    model, g = make(), generator(5)
    found = [next(sample(model, 1, generator=g, max_length=1000)) for _ in range(20)]
    assert found == lecture_names(model, 20, generator(5))


@pytest.mark.parametrize("make", [counting, random_mlp])
def test_the_same_seed_draws_the_same_names(make):
    first = names(make(), 50, seed=1)
    torch.rand(10)
    random.random()
    assert names(make(), 50, seed=1) == first != names(make(), 50, seed=2)


def test_the_global_generator_is_left_alone():
    model = random_mlp()
    state = torch.get_rng_state()
    names(model, 50)
    assert torch.equal(torch.get_rng_state(), state)


def greedy(model, prompt="", max_length=MAX_LENGTH):
    """The likeliest character, again and again."""
    name = prompt
    while len(name) < max_length:
        context = torch.tensor([[0, *model.vocabulary.encode(name)]])
        ix = int(model.next_logits(context).argmax())
        if ix == 0:
            break
        name += model.vocabulary.characters[ix - 1]
    return name


@pytest.mark.parametrize("prompt", ["", "b", "cab"])
@pytest.mark.parametrize("make", [counting, random_mlp])
@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.0},
        {"temperature": 0.0, "top_k": 3},
        {"top_k": 1},
        {"top_k": 1, "temperature": 5.0},
        {"temperature": 1e-4},
        {"temperature": 1e-40},
        {"temperature": 1e-300},
    ],
    ids=str,
)
def test_no_temperature_or_no_choice_takes_the_likeliest(make, prompt, settings):
    model = make()
    likeliest = greedy(model, prompt, max_length=20)
    for seed in (1, 2):
        found = names(model, 3, seed=seed, prompt=prompt, max_length=20, **settings)
        assert found == [likeliest] * 3


@pytest.mark.parametrize("temperature", [1e4, 1e38, 1e300])
def test_a_high_temperature_draws_evenly_from_the_possible(temperature):
    drawn = draw(counting()(torch.zeros(3000, 1).long()), generator(), temperature)
    seen = drawn.bincount(minlength=4).tolist()
    assert seen[0] == 0
    assert chisquare(seen[1:]).pvalue > 1e-3


@pytest.mark.parametrize(("top_k", "characters"), [(1, "a"), (2, "ab"), (3, "abc"), (4, "abc")])
def test_top_k_leaves_the_k_likeliest(top_k, characters):
    drawn = draw(counting()(torch.zeros(500, 1).long()), generator(), top_k=top_k)
    assert {".abc"[i] for i in drawn.tolist()} == set(characters)


@pytest.mark.parametrize("prompt", ["a", "cab", "bbbbbb"])
@pytest.mark.parametrize("make", [counting, random_mlp])
def test_every_name_begins_with_the_prompt(make, prompt):
    found = names(make(), 200, prompt=prompt)
    assert all(name.startswith(prompt) for name in found)
    assert len(set(found)) > 1


def test_a_prompt_is_gone_on_from_as_if_it_had_been_drawn():
    after_c = Counter(name[1:2] for name in names(counting(), 10_000, prompt="c"))
    seen = [after_c[character] for character in ("", "b", "c")]
    assert chisquare(seen, [n * 10_000 / 16 for n in (9, 4, 3)]).pvalue > 1e-3


FOREVER = [[0, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "a" * 100),
        ({"max_length": 1}, "a"),
        ({"max_length": 7}, "a" * 7),
        ({"max_length": 250}, "a" * 250),
        ({"max_length": 3, "prompt": "bc"}, "bca"),
        ({"max_length": 3, "temperature": 0.0}, "aaa"),
    ],
)
def test_a_name_without_end_is_cut_off(settings, name):
    assert names(counting(FOREVER), 3, **settings) == [name] * 3


def test_cutting_off_changes_no_character_before():
    whole = names(counting(), 300)
    assert max(map(len, whole)) > 4
    assert names(counting(), 300, max_length=4) == [name[:4] for name in whole]


def test_a_model_may_close_a_name_at_once():
    assert names(counting([[1, 0, 0, 0]] * 4), 3) == ["", "", ""]


@pytest.mark.parametrize("num_samples", [0, 1, 2, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 5])
def test_draws_as_many_names_as_asked_for(num_samples):
    found = names(counting(), num_samples, max_length=5)
    assert len(found) == num_samples
    assert set("".join(found)) <= set("abc")


def test_batches_are_not_repeated():
    found = names(counting(), 2 * BATCH)
    assert found[:BATCH] != found[BATCH:]


REFUSED = [
    ({"num_samples": -1}, "--num_samples -1: must be at least 0"),
    ({"temperature": -0.1}, "--temperature -0.1: must be a number of at least 0"),
    ({"temperature": math.nan}, "--temperature nan: must be a number of at least 0"),
    ({"temperature": math.inf}, "--temperature inf: must be a number of at least 0"),
    ({"top_k": 0}, "--top_k 0: must be at least 1"),
    ({"top_k": -1}, "--top_k -1: must be at least 1"),
    ({"max_length": 0}, "--max_length 0: must be above the prompt's 0"),
    ({"max_length": -1}, "--max_length -1: must be above the prompt's 0"),
    ({"max_length": 2, "prompt": "ab"}, "--max_length 2: must be above the prompt's 2"),
    ({"prompt": "bdx"}, "--prompt 'bdx': 'd' (U+0064) is not among the model's 3 characters, abc"),
    ({"prompt": "A"}, "--prompt 'A': 'A' (U+0041) is not among"),
    ({"prompt": "a\n"}, r"--prompt 'a\n': U+000A is not among"),
    ({"prompt": "."}, "--prompt '.': '.' (U+002E) is not among"),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_refuses_settings_out_of_range_before_the_first_name(settings, message):
    settings = {"num_samples": 3, "generator": generator()} | settings
    with pytest.raises(InputError, match=f"^{re.escape(message)}") as refusal:
        sample(counting(), **settings)
    assert "\n" not in str(refusal.value)
