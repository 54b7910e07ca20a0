"""`new`: a repository of one's own."""

import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from litmore.cli import main
from litmore.errors import InputError
from litmore.new.pins import pins
from litmore.new.upgrade import difference
from litmore.new.wheel import pinned, read_wheel, wheel

KINDS = ("names", "text", "plain")
COMMON = {
    ".gitignore",
    ".pre-commit-config.yaml",
    ".github/workflows/ci.yml",
    "Makefile",
    "README.md",
    "main.py",
    "pyproject.toml",
    "requirements.lock",
    "logs/.gitkeep",
    "vendor/litmore.txt",
    "configs/waves.yaml",
    "src/waves/__init__.py",
    "src/waves/model.py",
    "tests/test_waves.py",
}
OWN = {"names": "names.txt", "text": "text.txt", "plain": "data.py"}


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    """One of each kind, all called waves."""
    folder = tmp_path_factory.mktemp("projects")
    for kind in KINDS:
        assert main(["new", str(folder / kind), "--name=waves", f"--kind={kind}"]) == 0
    return folder


def written(project):
    return {
        path.relative_to(project).as_posix(): path
        for path in project.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(project).parts
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written(projects, kind):
    files = written(projects / kind)
    (packed,) = (name for name in files if name.endswith(".whl"))
    assert files.keys() == COMMON | {packed, f"src/waves/{OWN[kind]}"}
    assert (projects / kind / ".git").is_dir()
    for name, path in files.items():
        if name != packed:
            text = path.read_text("utf-8")
            assert "my_project" not in text, name
            assert "://" not in text.replace("http://localhost", ""), name  # no index, no clone
            words = ("micrograd", "lecture", "notebook")
            assert not any(word in text for word in words), name
    digest = hashlib.sha256(files[packed].read_bytes()).hexdigest()
    assert files["vendor/litmore.txt"].read_text() == f"./{packed} --hash=sha256:{digest}\n"
    lock = files["requirements.lock"].read_text().splitlines()
    assert f"torch=={torch.__version__.partition('+')[0]}" in lock
    assert not [line for line in lock if line.startswith("litmore")]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_in_style(projects, kind):
    project = projects / kind
    for check in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *check], cwd=project, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    for path in project.rglob("*.py"):
        compile(path.read_text(), str(path), "exec")


@pytest.fixture
def inside(projects, monkeypatch, tmp_path):
    """Be in the project of a kind, with its package to be imported; runs lie elsewhere."""

    def go(kind):
        monkeypatch.chdir(projects / kind)
        monkeypatch.syspath_prepend(projects / kind / "src")
        for name in [name for name in sys.modules if name.split(".")[0] == "waves"]:
            monkeypatch.delitem(sys.modules, name)
        return ["--config=configs/waves.yaml", f"--trainer.default_root_dir={tmp_path}"]

    return go


SHORT = {
    "names": ["--data.max_words=200", "--trainer.max_steps=3"],
    "text": ["--trainer.max_steps=3", "--data.split=[0.02,0.001,0.979]"],
    "plain": ["--data.num_train=80", "--trainer.max_epochs=2"],
}


@pytest.mark.parametrize("kind", ["names", "text"])
def test_a_model_of_characters_trains_and_draws(inside, capsys, tmp_path, kind):
    assert main(["fit", *inside(kind), *SHORT[kind]]) == 0, capsys.readouterr().err
    last = f"--ckpt_path={tmp_path}/waves/version_0/checkpoints/last.ckpt"
    capsys.readouterr()
    assert main(["sample", last, "--num_samples=2"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 2


def test_the_plain_kind_takes_the_commands(inside, capsys, tmp_path):
    config = inside("plain")
    assert main(["fit", *config, *SHORT["plain"]]) == 0, capsys.readouterr().err
    run = tmp_path / "waves" / "version_0"
    assert list(run.glob("events.out.tfevents.*"))
    last = f"--ckpt_path={run}/checkpoints/last.ckpt"
    assert main(["fit", last, "--trainer.max_epochs=3"]) == 0, capsys.readouterr().err
    assert main(["validate", last]) == 0
    assert "val/accuracy" in capsys.readouterr().out
    assert main(["compare", str(tmp_path)]) == 0
    assert "waves/version_0" in capsys.readouterr().out
    exported = ["--output", str(tmp_path / "exported"), "--format", "safetensors", "torch"]
    assert main(["export", last, *exported]) == 0, capsys.readouterr().err
    finder = ["--trainer.callbacks+=litmore.callbacks.LRFinder", "--trainer.callbacks.train=false"]
    finder += ["--trainer.callbacks.num_steps=20", "--run_name=finder"]
    assert main(["fit", *config, *SHORT["plain"], *finder]) == 0
    assert "lr=" in capsys.readouterr().out


def test_the_plain_kind_goes_on_to_the_bit_where_it_was_stopped(inside, tmp_path):
    config = [*inside("plain"), *SHORT["plain"], "--save_every=0"]
    assert main(["fit", *config, "--run_name=whole"]) == 0
    assert main(["fit", *config, "--run_name=parts", "--trainer.max_steps=3"]) == 0
    parts = tmp_path / "parts" / "version_0" / "checkpoints" / "last.ckpt"
    assert main(["fit", f"--ckpt_path={parts}", "--trainer.max_steps=-1"]) == 0
    whole = tmp_path / "whole" / "version_0" / "checkpoints" / "last.ckpt"
    one, other = (torch.load(path, weights_only=True)["state_dict"] for path in (whole, parts))
    assert all(torch.equal(one[name], other[name]) for name in one)


# Refusals


REFUSALS = [
    (["full"], "new full: not empty; name a new folder"),
    (["file"], "new file: a file; name a new folder"),
    (["file/project"], "new file/project: Not a directory"),
    (["dangling"], "new dangling: a link that leads nowhere"),
    (["my-project"], "new my-project: no package can be called so: .*, such as --name my_project"),
    (["1st"], "new 1st: no package can be called so: .*; give another by --name"),
    (["x", "--name=größe"], "--name größe: no package can be called so"),
    (["x", "--name=" + "a" * 61], "--name a+: no package can be called so: .*, 60 at most"),
    (["x", "--name=class"], "--name class: a word of Python's"),
    (["match"], "new match: a word of Python's; give another by --name"),
    (["x", "--name=tests"], "--name tests: a file or folder beside it is called so"),
    (["random"], "new random: there is a module of that name already; give another by --name"),
    (["x", "--name=torch"], "--name torch: there is a module of that name already"),
    (["x", "--name=litmore"], "--name litmore: there is a module of that name already"),
    (["x", "--name=Torch"], "--name Torch: there is a module of that name already"),
    (["x", "--kind=images"], "--kind.*images"),
    (["x", "--wheel=nosuch.whl"], "--wheel nosuch.whl: No such file or directory"),
    (["x", "--wheel=file"], "--wheel file: not a wheel"),
    (["a\0b"], "new 'a.*b': no path"),
    (["s3://bucket/x"], "new s3://bucket/x: a URL"),
    (["a" * 300, "--name=x1"], "File name too long"),
    ([], "--folder: must be given"),
]


@pytest.mark.parametrize(("args", "says"), REFUSALS, ids=[row[1][:40] for row in REFUSALS])
def test_refuses_in_one_line_and_writes_nothing(here, command_line, args, says):
    (here / "full").mkdir()
    (here / "full" / "kept").touch()
    (here / "file").touch()
    (here / "dangling").symlink_to("nowhere")
    before = sorted(here.rglob("*"))
    code, out, err = command_line("new", *args)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    with pytest.raises(InputError, match=says):  # `match` searches
        raise InputError(err)
    assert sorted(here.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_parent_is_refused(here, command_line):
    (here / "locked").mkdir(mode=0o500)
    code, _, err = command_line("new", "locked/project1")
    assert (code, err) == (2, "error: new locked/project1: Permission denied\n")


def test_a_disk_that_fills_up_leaves_nothing(here, command_line, monkeypatch):
    write = Path.write_bytes

    def full(path, content):
        if path.suffix == ".whl":
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = command_line("new", "deep/project1")
    assert (code, err) == (2, "error: new deep/project1: No space left on device\n")
    assert not (here / "deep" / "project1").exists()
    (here / "empty").mkdir()
    assert command_line("new", "empty", "--name=project1")[0] == 2
    assert list((here / "empty").iterdir()) == []


def test_an_empty_folder_and_the_one_at_hand_are_taken(here, command_line, monkeypatch):
    (here / "with spaces").mkdir()
    code, out, err = command_line("new", "with spaces", "--name=p1")
    assert (code, out) == (0, "with spaces\n"), err
    assert "cd 'with spaces'\n" in err
    (here / "project1").mkdir()
    monkeypatch.chdir(here / "project1")
    assert main(["new", "."]) == 0
    assert (here / "project1" / "src" / "project1" / "model.py").is_file()


def test_without_git_there_is_a_line(here, command_line, monkeypatch):
    monkeypatch.setenv("PATH", str(here))
    code, _, err = command_line("new", "project1")
    assert code == 0
    assert err.startswith("no repository: git: No such file or directory\nNext:\n  cd project1\n")
    assert "git add" not in err
    assert not (here / "project1" / ".git").exists()


# The wheel


def test_the_wheel_is_one_and_the_same_each_time(tmp_path):
    name, content = wheel()
    assert wheel() == (name, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        (info,) = {each.split("/")[0] for each in names if ".dist-info/" in each}
        rows = list(csv.reader(io.StringIO(archive.read(f"{info}/RECORD").decode())))
        assert [row[0] for row in rows] == names
        for row in rows[:-1]:
            digest = base64.urlsafe_b64encode(hashlib.sha256(archive.read(row[0])).digest())
            assert row[1] == f"sha256={digest.rstrip(b'=').decode()}"
            assert int(row[2]) == len(archive.read(row[0]))
        meta = archive.read(f"{info}/METADATA").decode()
    assert name == f"{info.removesuffix('.dist-info')}-py3-none-any.whl"
    assert "\nName: litmore\n" in meta
    for needed in ("cli/main.py", "configs/mlp.yaml", "data/names.txt", "py.typed",
                   "models/__init__.pyi", "new/templates/all/as-.gitignore"):  # fmt: skip
        assert f"litmore/{needed}" in names
    assert not [each for each in names if "__pycache__" in each or each.endswith(".pyc")]
    path = tmp_path / name
    path.write_bytes(content)
    assert read_wheel(path, "--wheel") == (name, content)
    assert pinned(name, content).startswith(f"./vendor/{name} --hash=sha256:")


def test_a_wheel_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "litmore-1-py3-none-any.whl", "w") as archive:
        archive.writestr("other/__init__.py", "")
    with pytest.raises(InputError, match="no wheel of litmore's"):
        read_wheel(tmp_path / "litmore-1-py3-none-any.whl", "--wheel")
    (tmp_path / "litmore-1-py3-none-any.whl").rename(tmp_path / "other.whl")
    with pytest.raises(InputError, match="not called litmore-VERSION"):
        read_wheel(tmp_path / "other.whl", "--wheel")


def test_pins_are_what_is_installed():
    found = dict(pin.split("==") for pin in pins())
    assert {"torch", "lightning", "jsonargparse", "pytest", "numpy"} <= found.keys()
    assert "hypothesis" not in found  # litmore's own tests alone need it


def test_what_an_upgrade_changes_is_told():
    before = {"trainer.a": "1", "MLP.b": "2", "MLP.c": "3"}
    assert list(difference(before, {"trainer.a": "1", "MLP.b": "4", "MLP.d": "5"})) == [
        "~ MLP.b: 2 → 4",
        "- MLP.c",
        "+ MLP.d",
    ]
    assert list(difference(before, before)) == ["the same settings as before"]
