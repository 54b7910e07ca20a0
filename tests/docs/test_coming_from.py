"""What the page for those who come from elsewhere says is so."""

import importlib
import re
import sys
from pathlib import Path

import pytest
import torch

from litmore.data import NamesDataModule
from litmore.models import MLP, RNN, BagOfWords, NeuralBigram, Transformer
from litmore.models.losses import mean_nll

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "coming_from.md").read_text()
FLAGS = [
    "--input-file",
    "--work-dir",
    "--resume",
    "--sample-only",
    "--num-workers",
    "--max-steps",
    "--device",
    "--seed",
    "--top-k",
    "--type",
    "--n-layer",
    "--n-head",
    "--n-embd",
    "--n-embd2",
    "--batch-size",
    "--learning-rate",
    "--weight-decay",
]
THEIR_NAMES = {
    "transformer": {
        "tokens": "transformer.wte", "places": "transformer.wpe", "blocks": "transformer.h",
        "before": "ln_1", "attention.inputs": "attn.c_attn", "attention.output": "attn.c_proj",
        "attention.future": "attn.bias", "between": "ln_2", "wide": "mlp.c_fc",
        "narrow": "mlp.c_proj", "last": "transformer.ln_f", "head": "lm_head",
    },
    "bow": {
        "tokens": "wte", "places": "wpe", "hidden": "context_block.mlp.c_fc",
        "output": "context_block.mlp.c_proj", "head": "lm_head", "mean": "context_block.cbow.bias",
    },
    "mlp": {"tokens": "wte", "layers": "mlp"},
    "rnn": {"tokens": "wte", "gates.0": "cell.xh_to_h", "head": "lm_head"},
}  # fmt: skip
"""By the benchmark's names of its layers, makemore.py's."""


@pytest.fixture
def from_makemore():
    """The page's function."""
    found = {}
    exec(re.search(r"```python\n(RENAMED.*?)```", PAGE, re.S)[1], found)
    return found["from_makemore"]


@pytest.fixture
def words(word_file):
    return word_file(
        [*["emma", "olivia", "ava", "isabella", "sophia", "zoe", "jo", "quinn"], "maximiliana"]
    )


def data_of(words, view, block_size=1):
    return NamesDataModule(words, block_size=block_size, view=view, split=[1.0, 0.0, 0.0])


def loss_of(model, data):
    view = data.view_of(data.corpus)
    batch = view[torch.arange(len(view))]
    with torch.no_grad():
        return mean_nll(model(batch.x.long()), batch).item()


def test_each_flag_of_makemore_has_its_row():
    rows = re.findall(r"^\| (`-.*?) \| (.*?) \|", PAGE, re.M)
    named = [flag for theirs, _ in rows for flag in re.findall(r"`(--[\w-]+)`", theirs)]
    assert named == FLAGS
    assert all(ours for _, ours in rows)


@pytest.mark.parametrize("name", THEIR_NAMES)
def test_the_same_weights_give_the_same_loss(name, words, from_makemore, monkeypatch):
    if not (ROOT / "benchmarks" / "makemore.py").exists():
        pytest.skip("benchmarks/ was deleted")
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    makemore = importlib.import_module("makemore")
    (vocab_size, length), train, held_out = makemore.prepare(Path(words))
    torch.manual_seed(1)
    network = makemore.MODELS[name](vocab_size, length).double()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
        if name == "mlp":  # what is before a word is the boundary
            network.tokens.weight[-1] = network.tokens.weight[0]
        x, y = (torch.cat(both) for both in zip(train, held_out, strict=True))
        logits = network(x).flatten(0, 1)
        theirs = torch.nn.functional.cross_entropy(logits, y.flatten(), ignore_index=-1).item()

    def renamed(layer):
        for ours, there in THEIR_NAMES[name].items():
            layer = re.sub(rf"(^|\.){re.escape(ours)}(\.|$)", rf"\g<1>{there}\g<2>", layer)
        return layer

    state = {renamed(layer): weight for layer, weight in network.state_dict().items()}
    data = data_of(words, *(("windows", length) if name == "mlp" else ("words",)))
    letters = data.vocabulary.characters
    model = {
        "transformer": lambda: Transformer(letters, length, init="makemore"),
        "bow": lambda: BagOfWords(letters, length),
        "mlp": lambda: MLP(letters, length, 64, 64),
        "rnn": lambda: RNN(letters),
    }[name]().double()
    model.load_state_dict(from_makemore(state))
    assert loss_of(model, data) == pytest.approx(theirs, abs=1e-7)


def test_the_bigrams_weights_are_the_same(words, from_makemore):
    data = data_of(words, "windows")
    model = NeuralBigram(data.vocabulary)
    logits = torch.randn(len(data.vocabulary), len(data.vocabulary))
    model.load_state_dict(from_makemore({"logits": logits}))
    assert torch.equal(model(torch.tensor([[3]]))[0], logits[3])


def test_micrograds_names_are_there():
    if not (ROOT / "src" / "litmore" / "micrograd").exists():
        pytest.skip("micrograd was deleted")
    found = {}
    exec(re.search(r"```python\n(from litmore.micrograd.compat.*?)```", PAGE, re.S)[1], found)
    a = found["Value"](2.0, label="a")
    root = found["MLP"](1, [2, 1])([a]) * 2
    root.backward()
    assert root._op == "*2"
    assert "rankdir=TB" in found["draw_dot"](root, rankdir="TB").source
    from litmore.micrograd import engine, functional, optim
    from litmore.micrograd.gpt import GPT

    operations = re.search(r"a `Value` has (.*?) and `abs\(\)`", PAGE, re.S)[1]
    assert all(hasattr(engine.Value, name) for name in re.findall(r"`(\w+)`", operations))
    assert all(callable(getattr(functional, n)) for n in ("softmax", "cross_entropy", "gelu"))
    assert len(GPT(27).parameters()) == 3_808
    assert callable(optim.SGD)
    assert sys.modules["litmore.micrograd.compat"]
