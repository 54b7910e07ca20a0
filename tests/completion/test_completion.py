"""What bash completes, asked in a real one."""

import shlex
import shutil
import subprocess

import pytest

from litmore.cli import main

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """The completions of a command line; what is being typed is the last of the words."""
    script = tmp_path_factory.mktemp("completion") / "litmore.bash"
    with pytest.MonkeyPatch.context() as patch, script.open("w") as file:
        patch.setattr("sys.stdout", file)
        assert main(["completion"]) == 0

    def run(*words):
        typed = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _litmore"
        told = f'source {script}; {typed}; printf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run(
            ["bash", "--norc", "-c", told], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        return done.stdout.split()

    return run


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("f", ["fit"]),
        (
            "fit --trainer.max_",
            ["--trainer.max_epochs", "--trainer.max_steps", "--trainer.max_time"],
        ),
        ("fit --model.hid", ["--model.hidden_dim"]),
        ("fit --optimizer.mom", ["--optimizer.momentum", "--optimizer.momentum_decay"]),
        ("fit --save", ["--save_every"]),
        ("fit --model ML", ["MLP"]),
        ("fit --optimizer Mu", ["MuonAdamW", "Muon"]),
        ("fit --optimizer.help AdamW", ["AdamW"]),
        ("fit --data.view = c", ["counts"]),
        ("fit --model.init l", ["lecture"]),
        ("fit --tensorboard.samples f", ["false"]),
        ("fit --trainer.deterministic w", ["warn"]),
        ("validate --ckpt_path b", ["best"]),
        ("sample --temp", ["--temperature"]),
        ("plot --o", ["--output"]),
    ],
)
def test_what_begins_so_is_completed(complete, typed, expected):
    found = complete("python", "main.py", *typed.split())
    assert found == expected or (len(expected) == 1 and found[0].startswith(expected[0]))


STARTED = [("python", "main.py"), ("litmore",), (".venv/bin/python", "-m", "litmore")]


@pytest.mark.parametrize("by", STARTED, ids=" ".join)
def test_commands_come_first(complete, by):
    assert complete(*by, "fit", "--save") == ["--save_every"]
    found = complete(*by, "")
    assert found[:4] == ["fit", "validate", "test", "predict"]
    assert {"sample", "plot", "completion"} <= set(found)


@pytest.mark.parametrize("typed", ["other.py ''", "main.py fit --config ''", "-c ''", "-m json ''"])
def test_all_else_is_left_to_the_names_of_files(complete, typed):
    assert complete("python", *shlex.split(typed)) == []
