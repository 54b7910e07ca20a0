"""`litmore.load`: what it reads, and what it refuses."""

import json
import pickle
import sys
from pathlib import Path

import pytest
import torch

import litmore
from litmore.data import NamesDataModule
from litmore.errors import InputError
from litmore.models import MLP


@pytest.fixture
def exported(command_line, trainer):
    data = NamesDataModule(max_words=60)
    fitting = trainer(max_steps=2)
    fitting.fit(MLP(data.vocabulary), data)
    fitting.save_checkpoint("mlp.ckpt")
    assert command_line("export", "--ckpt_path", "mlp.ckpt", "--output", "out")[0] == 0
    return Path("out")


def test_it_takes_a_folder_and_a_checkpoint(exported):
    tokens = torch.randint(27, (5, 3))
    for given in (exported, str(exported), exported.absolute()):
        assert torch.equal(litmore.load(given)(tokens), litmore.load("mlp.ckpt")(tokens))


def edited(**changes):
    def edit(folder):
        path = folder / "model.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit


def cut(name, share=0.5):
    def edit(folder):
        path = folder / name
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    return edit


DAMAGED = {
    "no description": (lambda f: (f / "model.json").unlink(), "no export: it has no model.json"),
    "no weights": (
        lambda f: (f / "model.safetensors").unlink(),
        "export with --format safetensors",
    ),
    "half a description": (cut("model.json"), "model.json: no JSON"),
    "half the weights": (cut("model.safetensors"), "model.safetensors: not readable"),
    "no weights in it": (cut("model.safetensors", 0), "model.safetensors: not readable"),
    "bytes": (lambda f: (f / "model.json").write_bytes(b"\xff\xfe"), "model.json: no JSON"),
    "a list": (lambda f: (f / "model.json").write_text("[]"), "no usable class_path"),
    "no class": (edited(class_path=None), "no usable class_path"),
    "settings that are none": (edited(init_args=3), "no usable init_args"),
    "characters that are none": (edited(vocabulary=["a"]), "no usable vocabulary"),
    "characters twice": (edited(vocabulary="aa"), "stands twice"),
    "fewer characters": (edited(vocabulary="abc"), "does not hold a whole model"),
    "other settings": (edited(init_args={"hidden_dim": 3}), "does not hold a whole model"),
    "an unknown class": (edited(class_path="litmore.models.None_"), "cannot be imported"),
    "no class at all": (edited(class_path=""), "not imported"),
    "a function": (edited(class_path="torch.load"), "is not a LightningModule"),
    "a stranger": (edited(class_path="hypothesis.stateful.Bundle"), "trust_config=True"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damaged_is_one_line(exported, name):
    edit, said = DAMAGED[name]
    edit(exported)
    sys.modules.pop("hypothesis.stateful", None)
    with pytest.raises(InputError, match=said) as error:
        litmore.load(exported)
    assert str(error.value).startswith("litmore.load out")
    assert "\n" not in str(error.value)
    assert "hypothesis.stateful" not in sys.modules


def test_what_is_not_there_is_one_line(here):
    with pytest.raises(InputError, match=r"^litmore\.load none: no such file or folder$"):
        litmore.load("none")
    with pytest.raises(InputError, match=r"no export: it has no model\.json"):
        litmore.load(here)


def test_nothing_pickled_in_a_folder_is_run(exported):
    class Bomb:
        def __reduce__(self):
            return Path.touch, (Path("ran"),)

    for file in ("model.safetensors", "model.pt2", "model.bin", "model.ckpt"):
        (exported / file).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="not readable"):
        litmore.load(exported)
    assert not Path("ran").exists()
