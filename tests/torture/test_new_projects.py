"""A project of one's own on a machine that has never seen litmore's clone: its two commands."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from litmore.cli import main

pytestmark = pytest.mark.torture


def run(project, *command):
    """A command there, in an environment that knows of no litmore."""
    ours = ("PYTHON", "PYTEST", "LITMORE", "PL_", "VIRTUAL_ENV", "MAKE", "GIT_")
    env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    path = [
        each for each in env["PATH"].split(os.pathsep) if each != str(Path(sys.executable).parent)
    ]
    env |= {"PATH": os.pathsep.join(path), "OMP_NUM_THREADS": "1"}
    env |= {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
    env |= {"GIT_COMMITTER_EMAIL": "a@b"}
    done = subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=1200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["names", "text", "plain"])
def test_its_two_commands_pass(kind, tmp_path):
    project = tmp_path / "waves"
    assert main(["new", str(project), f"--kind={kind}"]) == 0
    short = "--trainer.max_steps=20 --trainer.accelerator=cpu"
    assert re.search(r"val/loss +\d", run(project, "make", "fit", f"ARGS={short}"))
    assert "3 passed" in run(project, "make", "test", "ARGS=-v")
    of = "import litmore; print(litmore.__file__)"
    assert run(project, ".venv/bin/python", "-c", of).startswith(f"{project}/.venv/")
    run(project, "make", "lint")
    run(project, ".venv/bin/litmore", "new", "../another", "--name=another")  # of the wheel's files
    pinned = [(tmp_path / name / "vendor/litmore.txt").read_text() for name in ("waves", "another")]
    assert pinned[0] == pinned[1]
    if kind == "plain":
        config = ["--config=configs/waves.yaml", "--trainer.max_steps=4"]
        run(project, ".venv/bin/python", "main.py", "sweep", *config, "--seeds=2")
        assert "(2)" in run(project, ".venv/bin/python", "main.py", "compare")
        upgrade(project)
    run(project, "git", "add", "--all")
    run(project, "git", "commit", "--quiet", "--message=Begin waves")
    kept = run(project, "git", "ls-files").splitlines()
    assert "logs/.gitkeep" in kept
    assert [path for path in kept if path.startswith(("logs/", ".venv"))] == ["logs/.gitkeep"]


def upgrade(project):
    """To a litmore with another default, which says so; and not to one that is damaged."""
    (wheel,) = (project / "vendor").glob("*.whl")
    newer = project / "newer" / wheel.name.replace("litmore-", "litmore-9.")
    newer.parent.mkdir()
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(newer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "litmore/models/mlp.py":
                content = content.replace(b"hidden_dim: int = 200", b"hidden_dim: int = 300")
            if name.endswith("METADATA"):
                content = content.replace(b"\nVersion: ", b"\nVersion: 9.")
            if not name.endswith("RECORD"):
                new.writestr(name.replace("litmore-", "litmore-9."), content)
        record = "".join(f"{name},,\n" for name in [*new.namelist(), "RECORD"])
        info = next(name.split("/")[0] for name in new.namelist() if ".dist-info/" in name)
        new.writestr(f"{info}/RECORD", record.replace("RECORD", f"{info}/RECORD"))
    pin = (project / "vendor" / "litmore.txt").read_text()
    damaged = project / "newer" / "litmore-8-py3-none-any.whl"
    with zipfile.ZipFile(damaged, "w") as archive:
        archive.writestr("litmore/__init__.py", "")
    with pytest.raises(AssertionError, match="all is as it was"):
        run(project, "make", "upgrade", f"WHEEL={damaged}")
    assert (project / "vendor" / "litmore.txt").read_text() == pin
    with pytest.raises(AssertionError, match="error: make upgrade: name the wheel"):
        run(project, "make", "upgrade")
    said = run(project, "make", "upgrade", f"WHEEL={newer}")
    assert re.findall(r"^[-+~].*", said, re.M) == [
        '~ litmore.models.MLP.hidden_dim: {"default": 200, "type": "integer"}'
        ' → {"default": 300, "type": "integer"}'
    ]
    assert [path.name for path in (project / "vendor").glob("*.whl")] == [newer.name]
    assert newer.name in (project / "vendor" / "litmore.txt").read_text()
    shutil.rmtree(newer.parent)
    assert "3 passed" in run(project, "make", "test", "ARGS=-v")


def test_the_wheel_has_what_the_build_tool_packs(tmp_path):
    from litmore.new.wheel import wheel

    root = Path(__file__).parents[2]
    copy = tmp_path / "litmore"
    for name in ("src", "configs"):
        ignored = shutil.ignore_patterns(".schema.json", "*.egg-info", "__pycache__")
        shutil.copytree(root / name, copy / name, ignore=ignored)
    for file in filter(Path.is_file, root.iterdir()):
        shutil.copy(file, copy)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir=.", str(copy)]
    subprocess.run(pip, cwd=tmp_path, check=True)
    (built,) = tmp_path.glob("*.whl")
    name, content = wheel()
    assert built.name == name
    packed = tmp_path / "packed"
    packed.write_bytes(content)
    with zipfile.ZipFile(built) as one, zipfile.ZipFile(packed) as other:
        assert set(one.namelist()) == set(other.namelist())
