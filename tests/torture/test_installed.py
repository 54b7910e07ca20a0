"""litmore as others get it: a wheel and an sdist, tried in a venv that has it from there."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import litmore
from own_model import MODEL

pytestmark = pytest.mark.torture

ROOT = Path(__file__).parents[2]
BUILD = "from setuptools import build_meta as b; b.build_{}('dist')"
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
QUICK = ["--data.max_words=300", "--trainer.max_steps=3", "--trainer.accelerator=cpu"]


def done(*command, cwd, **more):
    """The process of a command that has ended."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PL_GLOBAL_SEED")}
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment | more, text=True, check=False,
        capture_output=True, timeout=600,
    )  # fmt: skip


def build(kind, folder):
    """The file that is built in a copy of the project."""
    built = done(sys.executable, "-c", BUILD.format(kind), cwd=folder)
    assert built.returncode == 0, built.stderr
    (file,) = (folder / "dist").iterdir()
    return file


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy") / "litmore"
    left = shutil.ignore_patterns(".*", "logs", "shared", "build", "dist", "*.egg-info")
    shutil.copytree(ROOT, copy, ignore=left)
    return copy


@pytest.fixture(scope="module")
def wheel(copied):
    return build("wheel", copied)


@pytest.fixture(scope="module")
def bin_folder(wheel, tmp_path_factory):
    """Of a venv with the wheel; what litmore needs comes from this process's own."""
    venv = tmp_path_factory.mktemp("clean") / "venv"
    assert done(sys.executable, "-m", "venv", "--without-pip", venv, cwd=venv.parent)
    python = venv / SCRIPTS / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"]
    installed = done(*pip, wheel, cwd=venv.parent)
    assert installed.returncode == 0, installed.stderr
    site = done(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=venv.parent)
    # A folder in a .pth: the editable litmore in it, a .pth itself, is not read.
    Path(site.stdout.strip(), "others.pth").write_text(sysconfig.get_path("purelib"))
    return venv / SCRIPTS


@pytest.fixture
def run(bin_folder, tmp_path):
    """A command of the venv, in an empty folder: its output and what it has told."""

    def run(*command, code=0):
        ended = done(bin_folder / command[0], *command[1:], cwd=tmp_path)
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout, ended.stderr

    return run


def test_an_sdist_makes_the_same_wheel(copied, wheel, tmp_path):
    shutil.rmtree(copied / "build")
    made = copied.with_name("sdist")
    shutil.copytree(copied, made, ignore=shutil.ignore_patterns("dist", "*.egg-info"))
    with tarfile.open(build("sdist", made)) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    assert unpacked.name == f"litmore-{litmore.__version__}"
    again = build("wheel", unpacked)
    names, names_again = (set(zipfile.ZipFile(each).namelist()) for each in (wheel, again))
    assert names == names_again
    configs = {path.relative_to(ROOT).as_posix() for path in (ROOT / "configs").rglob("*.yaml")}
    assert {f"litmore/{path}" for path in configs} <= names
    assert not any("schema.json" in name or name.startswith("configs") for name in names)


def test_it_comes_from_the_wheel(run, bin_folder):
    told = (
        "import litmore, sys; print(litmore.__file__, litmore.__version__, 'torch' in sys.modules)"
    )
    out, _ = run("python", "-c", told)
    place, version, has_torch = out.split()
    assert Path(place).is_relative_to(bin_folder.parent)
    assert (version, has_torch) == (litmore.__version__, "False")


def test_from_any_folder_by_a_configs_name(run, tmp_path):
    out, err = run("litmore", "fit", "--config", "mlp", *QUICK)
    assert "val/loss" in out
    assert "  litmore sample --ckpt_path logs/mlp/version_0/checkpoints/best.ckpt\n" in err
    assert len(run("litmore", "sample", "--ckpt_path=best", "--num_samples=3")[0].splitlines()) == 3
    _, err = run("python", "-m", "litmore", "fit", "--ckpt_path=last", "--trainer.max_steps=5")
    assert "  python -m litmore test --ckpt_path logs/mlp/version_0/checkpoints" in err
    run("litmore", "fit", "--config=lecture/bigram_counts", "--config=trainer/csv", *QUICK[::2])
    assert (tmp_path / "logs/bigram_counts/version_0/metrics.csv").is_file()


def test_help_and_configs(run, tmp_path):
    assert run("python", "-m", "litmore", "--help")[0].startswith("usage: python -m litmore COMM")
    assert run("litmore", "fit", "--help")[0].startswith("usage: litmore fit ")
    assert "\nlecture/mlp " in run("litmore", "configs")[0]
    assert run("litmore", "configs", "mlp", "--to", "own")[0] == f"{Path('own', 'mlp.yaml')}\n"
    assert (tmp_path / "own/mlp.yaml").read_bytes() == (ROOT / "configs/mlp.yaml").read_bytes()
    run("litmore", "schema", "--output", "own/.schema.json")
    _, err = run("litmore", "schema", code=2)
    assert err == "error: --output configs/.schema.json: there is no folder configs\n"
    _, err = run("litmore", "fit", "--config=configs/mlp.yaml", code=2)
    assert err == "error: --config configs/mlp.yaml: no such file; is mlp meant?\n"


@pytest.mark.parametrize("by", [["litmore"], ["python", "-m", "litmore"]], ids=" ".join)
def test_a_model_of_ones_own_lies_in_the_working_directory(run, tmp_path, by):
    (tmp_path / "my_gru.py").write_text(MODEL)
    view = ["--data.view=words", "--model.hidden_dim=8"]
    run(*by, "fit", "--model=my_gru.GRU", *view, *QUICK, "--run_name=own")
    assert run(*by, "sample", "--ckpt_path=best", "--num_samples=2")[0].count("\n") == 2
    two = ["--trainer.devices=2", "--trainer.strategy=ddp"]  # each is started as the first was
    run(*by, "fit", "--model=my_gru.GRU", *view, *QUICK, *two)
    out, _ = run(*by, "sweep", "--model=my_gru.GRU", *view, *QUICK, "--seeds=2", "--study=seeds")
    assert "(2 seeds)" in out
