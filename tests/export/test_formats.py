"""Each format says what the checkpoint says, of every model."""

from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from lightning.pytorch import Trainer

import litmore
from litmore.data import NamesDataModule
from litmore.models import (
    GRU,
    LSTM,
    MLP,
    RNN,
    BagOfWords,
    CountBigram,
    NeuralBigram,
    NGram,
    Transformer,
    WaveNet,
)
from litmore.runs.checkpoint import load_model

ALL = ("safetensors", "torch", "onnx")


def windows(block_size):
    return {"view": "windows", "block_size": block_size}


def mixture(*members):
    """Of these, if that wing is there."""

    def make(vocabulary, made):
        wing = pytest.importorskip("litmore.mixture")
        return wing.Mixture(vocabulary, [made(name) for name in members])

    return make


WORDS = {"view": "words"}
MODELS = {
    "MLP": (lambda v, _: MLP(v, num_layers=2, batch_norm=True), windows(3)),
    "GRU": (lambda v, _: GRU(v, 8, 8, dropout=0.5), WORDS),
    "NGram": (lambda v, _: NGram(v, 3), windows(3)),
    "Transformer": (lambda v, _: Transformer(v, 12, 8, 2, 2, dropout=0.5), WORDS),
    "MLP lecture": (lambda v, _: MLP(v, init="lecture_deep", batch_norm=True), windows(3)),
    "NGram additive": (lambda v, _: NGram(v, 3, smoothing=0.1), windows(3)),
    "NGram unsmoothed": (lambda v, _: NGram(v, 3, smoothing=0.0), windows(3)),
    "CountBigram": (lambda v, _: CountBigram(v), windows(1)),
    "CountBigram unsmoothed": (lambda v, _: CountBigram(v, 0.0), windows(1)),
    "NeuralBigram": (lambda v, _: NeuralBigram(v), windows(1)),
    "WaveNet": (lambda v, _: WaveNet(v), windows(8)),
    "WaveNet batch": (lambda v, _: WaveNet(v, norm="batch", init="lecture"), windows(8)),
    "BagOfWords": (lambda v, _: BagOfWords(v), WORDS),
    "RNN": (lambda v, _: RNN(v, 8, 8, num_layers=2), WORDS),
    "LSTM": (lambda v, _: LSTM(v, 8, 8, num_layers=2), WORDS),
    "Transformer makemore": (lambda v, _: Transformer(v, init="makemore"), WORDS),
    "Mixture": (mixture("MLP", "GRU", "NGram"), WORDS),
    "Mixture slid": (mixture("Transformer", "LSTM"), WORDS),
}
QUICK = ("MLP", "GRU")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The checkpoint of a model after a few steps, made when it is asked for."""
    folder, made = tmp_path_factory.mktemp("checkpoints"), {}

    def train(name):
        if name not in made:
            make, settings = MODELS[name]
            data = NamesDataModule(max_words=2000, batch_size=64, **settings)
            torch.manual_seed(0)
            trainer = Trainer(
                accelerator="cpu", max_steps=5, max_epochs=1, logger=False,
                enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
                limit_train_batches=5, limit_val_batches=1, default_root_dir=folder,
            )  # fmt: skip
            trainer.fit(make(data.vocabulary, train), data)
            made[name] = str(folder / f"{name.replace(' ', '_')}.ckpt")
            trainer.save_checkpoint(made[name])
        return made[name]

    return train


def inputs(model):
    """Contexts, or words of several lengths, a thousand at least; and a single one."""
    generator = torch.Generator().manual_seed(1)
    if "windows" in model.views:
        shapes = [(1000, model.block_size), (1, model.block_size)]
    else:
        longest = min(getattr(part, "longest_input", None) or 30 for part in model.modules())
        shapes = [(1000, longest), (1, longest), (7, 2), (1, 1)]
    return [torch.randint(model.vocab_size, shape, generator=generator) for shape in shapes]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.torture) for n in MODELS]
)
def test_each_format_says_what_the_checkpoint_says(command_line, trained, name):
    path = trained(name)
    code, out, err = command_line("export", "--ckpt_path", path, "--output", "to", "--format", *ALL)
    assert (code, err) == (0, "")
    assert set(out.split()) == {f"to/{file.name}" for file in Path("to").iterdir()}
    model, again = load_model(Path(path)), litmore.load("to")
    program = torch.export.load("to/model.pt2").module()
    session = onnxruntime.InferenceSession("to/model.onnx")
    onnx.checker.check_model("to/model.onnx", full_check=True)
    with torch.no_grad():
        for tokens in inputs(model):
            expected = model(tokens)
            assert torch.equal(again(tokens), expected)
            found = session.run(["logits"], {"tokens": tokens.numpy()})[0]
            for logits in (program(tokens), torch.from_numpy(found)):
                torch.testing.assert_close(logits, expected, rtol=0, atol=1e-5)
