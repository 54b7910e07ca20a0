"""A config that runs is not marked in an editor, and one that cannot run is."""

import json
import os
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from litmore.cli import main

CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = [path for path in sorted(CONFIGS.rglob("*.yaml")) if path.parent.name != "sweep"]

OWN = '''
from litmore.models import MLP


class Own(MLP):
    def __init__(self, vocabulary: str, block_size: int = 3, depth: int = 1):
        super().__init__(vocabulary, block_size)


class GRU(Own):
    """Called as one of litmore's."""
'''


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    """The schema, made in a folder with a config of a model of one's own."""
    folder = tmp_path_factory.mktemp("schema")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        Path("schema_own.py").write_text(OWN)
        Path("configs").mkdir()
        Path("configs/own.yaml").write_text("model: {class_path: schema_own.Own}\n")
        Path("configs/broken.yaml").write_bytes(b"model: {class_path: nowhere.No}\n\xff")
        assert main(["schema"]) == 0
        return json.loads(Path("configs/.schema.json").read_text())


@pytest.fixture(scope="module")
def faults(schema):
    """What is wrong with a config's text."""
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    return lambda text: [str(e.message) for e in validator.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_a_shipped_config_is_valid_and_names_the_schema(faults, path):
    text = path.read_text()
    assert faults(text) == []
    named = text.partition("\n")[0].removeprefix("# yaml-language-server: $schema=")
    assert os.path.normpath(path.parent / named) == str(CONFIGS / ".schema.json")


VALID = [
    "data: {view: counts}",
    "data: configs/data/makemore.yaml",
    "model: MLP",
    "model: {hidden_dim: 7}",
    "model: {init_args: {hidden_dim: 7}}",
    "model: {class_path: litmore.models.mlp.MLP, init_args: {hidden_dim: 7}}",
    "model: {class_path: elsewhere.GRU, init_args: {whatever: 1}}",
    "model: {class_path: elsewhere.GRU, dict_kwargs: {whatever: 1}}",
    "model: {class_path: schema_own.Own, init_args: {depth: 3}}",
    "model: {class_path: litmore.models.GRU, init_args: {hidden_dim: 3}}",
    "model: {class_path: schema_own.GRU, init_args: {depth: 3}}",
    "model.init_args.hidden_dim: 7",
    "optimizer: {class_path: AdamW, init_args: {lr: 0.001, betas: [0.9, 0.99]}}",
    "optimizer: {lr: 0.5}",
    "optimizer: null",
    "lr_scheduler: null",
    "lr_scheduler: {class_path: lightning.pytorch.cli.ReduceLROnPlateau, init_args: {monitor: a}}",
    "trainer: null",
    "trainer: {callbacks: {class_path: EarlyStopping, init_args: {monitor: val/loss}}}",
    "trainer: {callbacks: [EarlyStopping, {class_path: litmore.callbacks.HeatMap}]}",
    "trainer: {callbacks+: [{class_path: LRFinder, init_args: {min_lr: 0.01}}]}",
    "trainer: {callbacks: [{class_path: my.Own, init_args: {a: 1}}]}",
    "trainer: {logger: CSVLogger}",
    "trainer: {logger: {class_path: lightning.pytorch.loggers.CSVLogger}}",
    "trainer: {devices: [0, 1], precision: bf16-mixed, max_time: {minutes: 3}}",
    "trainer: {limit_val_batches: 0.5, check_val_every_n_epoch: null}",
    "trainer.max_steps: 7",
    "tensorboard: {samples: false, every_n_steps: 0}",
    "{run_name: a, freeze: embedding, compile: true, init_from: best, num_threads: 2}",
]

MARKED = [
    "modle: MLP",
    "fit: {model: MLP}",
    "model: 3",
    "model: {class_path: litmore.models.MPL}",
    "model: {class_path: MPL}",
    "model: {class_path: torch.optim.AdamW}",
    "model: {class_path: MLP, init_args: {hiden_dim: 3}}",
    "model: {class_path: MLP, init_args: {batch_norm: 3}}",
    "model: {class_path: litmore.models.Transformer, init_args: {hidden_dim: 3}}",
    "model: {class_path: elsewhere.GRU, int_args: {}}",
    "model: {class_path: schema_own.Own, init_args: {detph: 3}}",
    "model: {class_path: litmore.models.GRU, init_args: {depth: 3}}",
    "model: {class_path: schema_own.GRU, init_args: {num_layers: 3}}",
    "data: {veiw: counts}",
    "data: {view: letters}",
    "data: {batch_size: 1.5}",
    "data: {class_path: litmore.data.NamesDataModule, block_size: 4}",
    "optimizer: {class_path: torch.optim.AdmW}",
    "optimizer: {class_path: AdamW, init_args: {lr: fast}}",
    "optimizer: {class_path: litmore.optim.MuonAdamW, init_args: {momntum: 0.9}}",
    "optimizer: {lr: fast}",
    "lr_scheduler: {class_path: OneCycleLR, init_args: {pct_strat: 0}}",
    "lr_scheduler: {class_path: lightning.pytorch.cli.ReduceLROnPlateau, init_args: {montior: a}}",
    "trainer: {max_step: 3}",
    "trainer: {max_steps: many}",
    "trainer: [1]",
    "trainer: {callbacks: [{class_path: EarlyStopping, init_args: {montor: a}}]}",
    "trainer: {callbacks+: [{class_path: litmore.callbacks.HetMap}]}",
    "trainer: {logger: {class_path: CSVLogger, init_args: {savedir: a}}}",
    "tensorboard: {sampels: true}",
    "seed_everything: noise",
]


@pytest.mark.parametrize("text", VALID)
def test_what_the_parser_takes_is_not_marked(faults, text):
    assert faults(text) == []


@pytest.mark.parametrize("text", MARKED)
def test_what_it_takes_not_is_marked(faults, text):
    assert faults(text) != []


def test_classes_and_settings_are_described(schema):
    mlp = schema["$defs"]["litmore.models.MLP"]["properties"]
    assert mlp["num_layers"]["description"].startswith("how many tanh layers")
    assert mlp["hidden_dim"] == {"type": "integer", "default": 200, "description": "H."}
    (named,) = [
        each for each in schema["$defs"]["LightningModule"]["anyOf"]
        if "litmore.models.MLP" in each.get("properties", {}).get("class_path", {}).get("enum", [])
    ]  # fmt: skip
    assert named["description"].startswith("Embed K tokens")
    for path in ("litmore.data.NamesDataModule", "litmore.optim.MuonAdamW", "torch.optim.SGD",
                 "torch.optim.lr_scheduler.OneCycleLR", "litmore.callbacks.Samples",
                 "lightning.pytorch.callbacks.EarlyStopping",
                 "lightning.pytorch.loggers.TensorBoardLogger"):  # fmt: skip
        assert schema["$defs"][path]["properties"], path
    assert "exactly" in schema["properties"]["ckpt_path"]["description"]
    assert ":class:" not in json.dumps(schema["properties"])


@pytest.mark.parametrize(
    ("output", "named"),
    [
        ("nowhere/a.json", "there is no folder nowhere"),
        (".", "a folder; name a file"),
        ("/proc/a.json", "cannot save"),
    ],
)
def test_a_place_that_is_none_is_refused(command_line, output, named):
    code, out, err = command_line("schema", "--output", output)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: --output {output}: {named}")
    assert list(Path().iterdir()) == []


def test_it_says_where_the_schema_is_and_nothing_else(command_line):
    assert command_line("schema", "--output", "a.json") == (0, "a.json\n", "")
    before = Path("a.json").read_bytes()
    assert command_line("schema", "--output", "a.json")[0] == 0
    assert Path("a.json").read_bytes() == before
