"""`export` on the command line: a run's checkpoint, what is written, what is refused."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
import torch
import yaml

import litmore
from conftest import ROOT
from litmore.cli import main
from litmore.corpus.source import NAMES
from litmore.corpus.text import sha256_of
from litmore.runs.checkpoint import load_model
from litmore.sampling import sample
from litmore.watch.tensorboard import part_classes

QUICK = ["--data.max_words", "300", "--trainer.max_steps", "3", "--trainer.accelerator", "cpu",
         *(f"--tensorboard.{part.flag}=false" for part in part_classes() if part.flag)]  # fmt: skip


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Runs of an MLP and of a GRU, the MLP's judged."""
    root = tmp_path_factory.mktemp("runs") / "logs"
    where = ["--trainer.default_root_dir", str(root)]
    for config in ("mlp", "gru"):
        assert main(["fit", "--config", str(ROOT / f"configs/{config}.yaml"), *QUICK, *where]) == 0
    assert main(["test", "--ckpt_path", str(root / "mlp/version_0/checkpoints/best.ckpt")]) == 0
    return root


@pytest.fixture(scope="module")
def programs(logs, tmp_path_factory):
    """The GRU as torch's program and as ONNX."""
    folder = tmp_path_factory.mktemp("programs") / "gru"
    of = ["--ckpt_path", str(best(logs, "gru")), "--output", str(folder)]
    assert main(["export", *of, "--format", "torch", "onnx"]) == 0
    return folder


@pytest.fixture
def export(command_line, logs):
    """Export the best of a run."""

    def run(name, *args, output="out"):
        of = ["--ckpt_path", "best", "--run_name", name, "--default_root_dir", logs]
        return command_line("export", *of, "--output", output, *args)

    return run


def best(logs, name):
    return logs / name / "version_0" / "checkpoints" / "best.ckpt"


def content(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


# What is written


def test_a_run_is_exported_and_loaded(export, logs):
    code, out, err = export("mlp")
    files = ["model.safetensors", "model.json", "config.yaml", "README.md"]
    assert (code, out.splitlines(), err) == (0, [f"out/{name}" for name in files], "")
    assert set(content("out")) == set(files)
    model, trained = litmore.load("out"), load_model(best(logs, "mlp"))
    assert not model.training
    drawn = [
        list(sample(each, 20, generator=torch.Generator().manual_seed(1)))
        for each in (model, trained, litmore.load(best(logs, "mlp")))
    ]
    assert drawn[0] == drawn[1] == drawn[2]
    described = json.loads(Path("out/model.json").read_text())
    assert (described["block_size"], described["views"]) == (3, ["windows", "counts"])
    assert described["vocabulary"] == trained.vocabulary.characters
    assert described["init_args"]["hidden_dim"] == 200


@pytest.mark.torture
def test_programs_run_where_litmore_is_not(programs):
    """By the lines of the model card."""
    card = (programs / "README.md").read_text()
    torch_lines, onnx_lines = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    blocked = "import sys; sys.modules['litmore'] = sys.modules['lightning'] = None\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocked + torch_lines + onnx_lines],
        cwd=programs, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[a-z]*\n[a-z]*\n", done.stdout)


def test_the_cards_lines_draw_names(export, capsys, monkeypatch):
    assert export("mlp")[0] == 0
    (code,) = re.findall(r"```python\n(.*?)```", Path("out/README.md").read_text(), re.DOTALL)
    monkeypatch.chdir("out")
    exec(code, {})
    assert len(capsys.readouterr().out.splitlines()) == 10


def test_the_pages_lines_are_the_mlp(export, logs, monkeypatch):
    page = ROOT / "docs" / "export.md"
    if not page.exists():
        pytest.skip("docs was pulled down")
    assert export("mlp", output="names")[0] == 0
    tokens = torch.randint(27, (1000, 3))
    codes = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    assert len(codes) == 2
    for code in codes:
        exec(code, names := {})
    torch.testing.assert_close(names["logits"](tokens), load_model(best(logs, "mlp"))(tokens))
    assert names["characters"] == ".abcdefghijklmnopqrstuvwxyz"


def test_the_card_says_what_it_is_and_where_it_comes_from(export, logs):
    assert export("mlp")[0] == 0
    card = Path("out/README.md").read_text()
    checkpoint = torch.load(best(logs, "mlp"), weights_only=True)
    number = sum(each.numel() for each in load_model(best(logs, "mlp")).parameters())
    for row in (
        "| class | `litmore.models.mlp.MLP` |",
        f"| parameters | {number:,} |",
        f"| SHA-256 | `{sha256_of(NAMES)}` |",
        "| train / val / test | 0.8 / 0.1 / 0.1, shuffled by seed 42 |",
        f"| val/loss | {checkpoint['callback_metrics']['val/loss']:.4f} |",
        f"| trained with torch | {torch.__version__} |",
    ):
        assert row in card
    assert re.search(r"\| test/loss \| \d\.\d{4} \|", card)
    assert "| licence | public domain" in card
    assert "test/loss" not in _card_of(export, "gru")


def _card_of(export, name):
    assert export(name, output=f"{name}_card")[0] == 0
    return Path(f"{name}_card/README.md").read_text()


def test_the_cards_command_trains_it_again(export, command_line, logs, monkeypatch):
    assert export("mlp")[0] == 0
    card = Path("out/README.md").read_text()
    (command,) = re.findall(r"^litmore (fit .*)$", card, re.MULTILINE)
    monkeypatch.chdir("out")
    code, _, err = command_line(*command.split(), "--trainer.default_root_dir", "logs")
    assert code == 0, err
    again = load_model(Path("logs/mlp/version_0/checkpoints/best.ckpt"))
    for name, weight in load_model(best(logs, "mlp")).state_dict().items():
        assert torch.equal(again.state_dict()[name], weight)


def test_another_files_licence_is_for_its_owner_to_say(command_line, word_file):
    path = word_file(["anna", "otto", "bob"] * 40, "a|b.txt")
    args = ["fit", "--model", "MLP", "--data.path", path, *QUICK]
    assert command_line(*args)[0] == 0
    assert command_line("export", "--ckpt_path", "last", "--output", "out")[0] == 0
    card = Path("out/README.md").read_text()
    assert "| licence | not known: yours to say |" in card
    assert "a\\|b.txt" in card


def test_metadata_and_shapes_of_onnx(programs):
    model = onnx.load(programs / "model.onnx")
    told = {each.key: each.value for each in model.metadata_props}
    assert told["vocabulary"] == "abcdefghijklmnopqrstuvwxyz"
    shapes = [
        (each.name, [size.dim_param or size.dim_value for size in each.type.tensor_type.shape.dim])
        for each in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [("tokens", ["batch", "time"]), ("logits", ["batch", "time", 27])]


def test_no_place_of_this_machine_is_told(programs):
    here = str(Path(litmore.__file__).parent).encode()
    for name in ("model.onnx", "model.pt2", "model.json"):
        assert here not in (programs / name).read_bytes()


# The folder


def test_an_export_is_replaced_whole(export):
    assert export("mlp")[0] == 0
    Path("out/model.onnx").write_text("")  # of an export to another format
    assert export("gru")[0] == 0
    assert set(content("out")) == {"model.safetensors", "model.json", "config.yaml", "README.md"}
    assert type(litmore.load("out")).__name__ == "GRU"
    assert list(Path().iterdir()) == [Path("out")]  # nothing is left beside it


@pytest.mark.parametrize("made", [[], ["empty"]], ids=["new", "empty"])
def test_a_new_or_empty_folder_is_taken(export, made):
    for name in made:
        Path("a b", name).mkdir(parents=True)
    assert export("mlp", output="a b/empty")[0] == 0
    assert len(content("a b/empty")) == 4


FOLDERS = {
    "a file": (lambda: Path("out").write_text(""), "out", "out is a file"),
    "below a file": (lambda: Path("f").write_text(""), "f/out", "f is a file"),
    "something else": (lambda: _fill("out", "notes.txt"), "out", "not empty, and no export"),
    "another's json": (lambda: _fill("out", "model.json"), "out", "not empty, and no export"),
    "here": (lambda: None, ".", "the folder is replaced whole"),
    "above": (lambda: None, "..", "the folder is replaced whole"),
    "a long name": (lambda: None, "x" * 300, "File name too long"),
    "a loop": (lambda: Path("out").symlink_to("out"), "out", "ymlink loop|Too many levels"),
}


def _fill(folder, name):
    Path(folder).mkdir()
    Path(folder, name).write_text("{}")


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_refused(export, here, name):
    prepare, output, said = FOLDERS[name]
    prepare()
    before = sorted(str(path) for path in here.rglob("*"))
    code, out, err = export("mlp", output=output)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert re.search(f"^error: --output .*({said})", err)
    assert sorted(str(path) for path in here.rglob("*")) == before


def test_what_a_user_put_beside_an_export_stays(export):
    assert export("mlp")[0] == 0
    Path("out/notes.txt").write_text("mine")
    code, _, err = export("gru")
    assert (code, "notes.txt is no part of an export" in err) == (2, True)
    assert Path("out/notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_refused(export, here):
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    here.joinpath("locked").mkdir(mode=0o500)
    code, _, err = export("mlp", output="locked/out")
    assert (code, "cannot be written" in err) == (2, True)


def test_a_full_disk_leaves_what_was_there(export, monkeypatch):
    assert export("mlp")[0] == 0
    before = content("out")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, out, err = export("gru")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "No space left on device" in err
    assert content("out") == before
    assert list(Path().iterdir()) == [Path("out")]


# What is refused


@pytest.mark.parametrize(
    ("kind", "package"),
    [("safetensors", "safetensors"), ("onnx", "onnxscript"), ("onnx", "onnxruntime")],
)
def test_a_missing_package_is_named(export, monkeypatch, kind, package):
    monkeypatch.setitem(sys.modules, package, None)
    code, out, err = export("mlp", "--format", kind)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: --format {kind}: {package} cannot be imported (")
    assert err.endswith("): `make extras`, or pip install 'litmore[export]'\n")
    assert not Path("out").exists()


def test_a_format_that_there_is_not_is_refused(export):
    code, _, err = export("mlp", "--format", "onnx,torch")
    assert (code, err) == (
        2,
        "error: --format onnx,torch: must be safetensors, torch, onnx, or several of them\n",
    )


def test_what_is_no_checkpoint_is_refused(command_line):
    Path("bad.ckpt").write_text("no checkpoint")
    for path in ("bad.ckpt", "none.ckpt", "best"):
        code, _, err = command_line("export", "--ckpt_path", path, "--output", "out")
        assert (code, len(err.splitlines())) == (2, 1)
        assert err.startswith("error: --ckpt_path")
    assert not Path("out").exists()


DAMAGED = {
    "no vocabulary": (("hyper_parameters", "vocabulary"), None),
    "settings that are none": (("hyper_parameters", "hidden_dim"), "many"),
    "a class that there is not": (("class_path",), "litmore.models.None_"),
    "a weight of another shape": (("state_dict", "hidden.bias"), torch.zeros(3)),
    "a config that YAML has no word for": (("config", "model"), torch.zeros(3)),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_checkpoint_is_refused(command_line, logs, name):
    (*path, last), value = DAMAGED[name]
    checkpoint = torch.load(best(logs, "mlp"), weights_only=True)
    part = checkpoint
    for key in path:
        part = part[key]
    part[last] = value
    torch.save(checkpoint, "damaged.ckpt")
    code, out, err = command_line("export", "--ckpt_path", "damaged.ckpt", "--output", "out")
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert err.startswith("error: --ckpt_path")
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "key", ["global_step", "callbacks", "callback_metrics", "datamodule_hyper_parameters", "config"]
)
def test_a_card_is_written_of_what_is_known(command_line, logs, key):
    checkpoint = torch.load(best(logs, "mlp"), weights_only=True)
    del checkpoint[key]
    torch.save(checkpoint, "lacking.ckpt")
    code, _, err = command_line("export", "--ckpt_path", "lacking.ckpt", "--output", "out")
    assert (code, err) == (0, "")
    assert "## Losses" in Path("out/README.md").read_text()


def test_weights_that_are_not_finite_are_refused(command_line, logs):
    checkpoint = torch.load(best(logs, "mlp"), weights_only=True)
    checkpoint["state_dict"]["hidden.bias"][3] = float("nan")
    torch.save(checkpoint, "nan.ckpt")
    code, _, err = command_line("export", "--ckpt_path", "nan.ckpt", "--output", "out")
    assert code == 2
    assert err.startswith("error: --ckpt_path: hidden.bias is not finite: ")


def test_a_class_that_is_not_to_be_imported_is_refused(command_line, logs):
    checkpoint = torch.load(best(logs, "mlp"), weights_only=True)
    checkpoint["class_path"] = "hypothesis.stateful.Bundle"
    torch.save(checkpoint, "stranger.ckpt")
    sys.modules.pop("hypothesis.stateful", None)
    code, _, err = command_line("export", "--ckpt_path", "stranger.ckpt", "--output", "out")
    assert (code, "--trust_config" in err) == (2, True)
    assert "hypothesis.stateful" not in sys.modules


@pytest.mark.parametrize(
    ("precision", "kept"),
    [("64-true", "float64"), pytest.param("bf16-true", "bfloat16", marks=pytest.mark.torture)],
)
def test_weights_of_other_precisions(command_line, precision, kept):
    args = ["fit", "--model", "MLP", *QUICK, "--trainer.precision", precision]
    assert command_line(*args)[0] == 0
    code, _, err = command_line("export", "--ckpt_path", "last", "--output", "out")
    assert code == 0, err
    told = f"| weights | float32, as the class makes them; trained in {kept} |"
    assert told in Path("out/README.md").read_text()
    recorded = yaml.safe_load(Path("out/config.yaml").read_text())
    assert recorded["trainer"]["precision"] == precision


@pytest.mark.torture
@pytest.mark.parametrize(
    "more",
    [
        ["--trainer.callbacks+=EMAWeightAveraging"],
        ["--trainer.callbacks+=StochasticWeightAveraging", "--trainer.callbacks.swa_lrs=0.01",
         "--trainer.callbacks.swa_epoch_start=1", "--trainer.max_epochs=3"],
        ["--freeze", "embedding*"],
    ],
    ids=lambda more: more[0],
)  # fmt: skip
def test_however_it_was_trained(command_line, more):
    quick = [arg for arg in QUICK if arg not in ("--trainer.max_steps", "3")]
    steps = [] if "swa" in str(more) else ["--trainer.max_steps", "3"]
    code, _, err = command_line("fit", "--model", "MLP", *quick, *steps, *more)
    assert code == 0, err
    args = ["export", "--ckpt_path", "last", "--output", "out", "--format", "safetensors", "torch"]
    code, _, err = command_line(*args)
    assert code == 0, err
    tokens = torch.randint(27, (9, 3))
    expected = load_model(next(Path("logs").rglob("last.ckpt")))(tokens)
    assert torch.equal(litmore.load("out")(tokens), expected)
    torch.testing.assert_close(torch.export.load("out/model.pt2").module()(tokens), expected)
