"""Where a run lies, and what is written and read by name: any name, and none that is no place."""

import shutil
from pathlib import Path

import pytest

from litmore.cli import main
from litmore.errors import InputError
from litmore.files import here as place
from litmore.files import written_whole

CONFIGS = Path(__file__).parents[2] / "configs"
FIT = ["--config", CONFIGS / "mlp.yaml", "--trainer.accelerator", "cpu", "--trainer.max_steps", 1,
       "--data.max_words", 60, "--model.hidden_dim", 3]  # fmt: skip
URL = "s3://bucket/x"
LONG = "x" * 300


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Those of a run of one step."""
    folder = tmp_path_factory.mktemp("logs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PL_GLOBAL_SEED", "0")
        args = ["fit", *FIT, "--trainer.default_root_dir", folder]
        assert main([str(arg) for arg in args]) == 0
    return folder


SWEEP = ["sweep", *FIT, "--seeds", 2]
PLACES = {
    "logs": (["fit", *FIT, "--trainer.default_root_dir"], "--trainer.default_root_dir"),
    "logs to judge": (
        ["validate", "--ckpt_path", "last", "--trainer.default_root_dir"], "",
    ),
    "logs to sample from": (["sample", "--ckpt_path", "last", "--default_root_dir"], ""),
    "logs to export from": (
        ["export", "--output", "o", "--ckpt_path", "last", "--default_root_dir"], "",
    ),
    "a name": (["fit", *FIT, "--run_name"], "--run_name"),
    "a study": ([*SWEEP, "--study"], "--study"),
    "a journal": ([*SWEEP, "--storage", "journal:{}"], "--storage"),
    "a search": ([*SWEEP, "--search"], ""),
    "a config": (["fit", "--config"], "--config"),
    "a checkpoint": (["sample", "--ckpt_path"], "--ckpt_path"),
    "weights": (["fit", *FIT, "--init_from"], "--init_from"),
    "a corpus": (["fit", *FIT, "--data.path"], ""),
    "an export": (["export", "--ckpt_path", "{ckpt}", "--output"], "--output"),
    "a picture": (["plot", "{logs}", "--output"], "--output"),
    "a table": (["compare", "{logs}", "--csv"], "--csv"),
    "curves": (["compare", "{logs}", "--plot"], "--plot"),
    "runs to compare": (["compare"], ""),
    "runs to plot": (["plot"], ""),
    "a schema": (["schema", "--output"], ""),
    "a logger": (
        ["fit", *FIT, "--trainer.logger", "CSVLogger", "--trainer.logger.save_dir"], "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("args", "flag"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("given", [URL, LONG])
def test_what_is_no_place_is_one_line(command_line, logs, here, request, args, flag, given):
    if given == LONG and request.node.name.endswith("a logger]"):
        pytest.skip("Lightning makes its folder, once the run has begun")
    ckpt = logs / "mlp/version_0/checkpoints/last.ckpt"
    filled = [str(arg).format(given, ckpt=ckpt, logs=logs) for arg in args]
    filled += [] if "{}" in str(args) else [given]
    code, out, err = command_line(*filled)
    assert (code, out) == (2, "")
    line = next(line for line in err.splitlines() if line.startswith("error: "))
    assert flag in line
    assert list(here.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, "--flag null: name a folder"),
        ("https://x/y", "--flag https://x/y: a URL; name a place on this machine"),
        ("a\0b", "--flag 'a\\x00b': no path: it holds U+0000"),
        ("~nobody-of-that-name/x", "--flag ~nobody-of-that-name/x: there is no such user"),
    ],
)
def test_a_place_is_on_this_machine(given, says):
    with pytest.raises(InputError) as refused:
        place("--flag", given)
    assert str(refused.value) == says


def test_no_logs_folder_is_one_line(command_line):
    code, _, err = command_line("fit", *FIT, "--trainer.default_root_dir", "null")
    assert (code, err) == (2, "error: --trainer.default_root_dir null: name a folder\n")


def test_the_cache_is_a_place(command_line, monkeypatch):
    monkeypatch.setenv("LITMORE_CACHE", URL)
    code, _, err = command_line("fit", *FIT, "--data.memory_map", "true")
    assert (code, err) == (
        2, f"error: LITMORE_CACHE {URL}: a URL; name a place on this machine\n",
    )  # fmt: skip


GLOBS = [
    "[x]",
    "a*b",
    "**",
    "?",
    "[!a]",
    "{a,b}",
    "[[]",
    "-x",
    "007",
    "1e3",
    "true",
    "ü\u202e",
    "$HOME",
    "%s",
]


@pytest.mark.parametrize("name", GLOBS)
def test_a_run_of_any_name_in_a_folder_of_any_name_is_found_again(command_line, logs, name):
    root = f"in {name}"
    shutil.copytree(logs / "mlp", f"{root}/{name}")
    shutil.copytree(logs / "mlp", f"{root}/other")
    last = ["--ckpt_path", "last", f"--run_name={name}"]
    code, _, err = command_line("sample", *last, "--default_root_dir", root)
    assert code == 0, err
    code, _, err = command_line("validate", *last, "--trainer.default_root_dir", root)
    assert (code, f"{root}/{name}/version_0" in err) == (0, True), err
    code, out, _ = command_line("compare", f"{root}/{name}")
    assert (code, f"{name}/version_0" in out) == (0, True)
    assert command_line("plot", f"{root}/{name}", f"--output={name}.png")[0] == 0
    assert Path(f"{name}.png").is_file()


@pytest.mark.torture
def test_a_corpus_of_any_name_is_read(command_line):
    for name in GLOBS:
        Path(name).write_text("anna\nbodo\ncleo\n" * 5)
        path = f"--data.path=./{name}"  # `[x]` alone is a list
        assert command_line("fit", *FIT, path, "--data.memory_map", "true")[0] == 0, name


def test_a_link_that_was_planted_is_not_followed(tmp_path, monkeypatch):
    target = tmp_path / "precious"
    target.write_text("mine")
    (tmp_path / "config.yaml").symlink_to(target)
    with written_whole(tmp_path / "config.yaml") as file:
        file.write(b"new")
    assert target.read_text() == "mine"
    assert (tmp_path / "config.yaml").read_text() == "new"

    class Foreseen:
        hex = "0"

    monkeypatch.setattr("litmore.files.uuid4", Foreseen)
    (tmp_path / "file.0.tmp").symlink_to(target)
    with pytest.raises(FileExistsError), written_whole(tmp_path / "file") as file:
        file.write(b"new")
    assert target.read_text() == "mine"
    assert not (tmp_path / "file").exists()
