"""`--ckpt_path auto` goes on with the run that a command line has begun, and with no other."""

import os
import shutil
from pathlib import Path

import pytest
import yaml

from litmore.cli import main
from litmore.cli.recorded import CHOICE
from litmore.cli.settings import Settings
from litmore.runs.begun import find_begun
from litmore.runs.folder import RunFolder
from survival import Crash, Signal, as_if_never_stopped, fit_args, state

AUTO = ("--ckpt_path", "auto")
UNDRAWN = "--trainer.logger=false"
LAST = "checkpoints/last.ckpt"


def stop(args, step=3):
    """Run a command line until a signal comes."""
    assert main(args, callbacks=[Signal("on_train_batch_end", step)]) == 143


def steps(run):
    return state(Path(run))["global_step"]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A folder in which a run was stopped after step 3, and the command line that began it."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PL_GLOBAL_SEED", "0")
        args = fit_args(Path(), "gru", UNDRAWN, *AUTO)
        stop(args)
    return folder, args


@pytest.fixture
def again(stopped, here):
    """A copy of that folder to work in; the command line."""
    shutil.copytree(stopped[0], here, dirs_exist_ok=True)
    return stopped[1]


def test_one_command_line_ends_in_one_finished_run(here, capsys):
    args = fit_args(here, "gru", *AUTO)
    with pytest.raises(ZeroDivisionError):  # before anything is saved: it begins anew
        main(args, callbacks=[Crash(2)])
    run = Path("logs/gru/version_0")
    assert (run / "config.yaml").exists()
    assert not (run / LAST).exists()
    stop(args, 3)
    stop(args, 12)
    assert main(args) == 0
    origin = yaml.safe_load((run / "versions.yaml").read_text())
    assert (origin["command"], origin["job"]) == (args, None)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    capsys.readouterr()
    assert main(args) == 0
    assert capsys.readouterr() == (
        "",
        "logs/gru/version_0 is finished; without --ckpt_path auto a new run begins\n",
    )
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    assert [path.name for path in run.parent.iterdir()] == ["version_0"]
    assert main(args[:-2]) == 0
    as_if_never_stopped(run.with_name("version_1"), run)


def test_a_damaged_summary_does_not_matter(again):
    run = Path("logs/gru/version_0")
    (run / "summary.json").write_text('{"status": ')
    assert main(again) == 0
    assert steps(run) == 25
    (run / "summary.json").unlink()
    assert main(again) == 0
    assert not run.with_name("version_1").exists()


@pytest.mark.parametrize("damage", ["versions.yaml", "config.yaml"])
def test_a_run_that_nobody_knows_is_nobodys(again, damage):
    (Path("logs/gru/version_0") / damage).write_bytes(b"\xff: [")
    if damage == "config.yaml":
        Path("logs/gru/version_0/config.yaml").unlink()
    assert main([*again, "--trainer.max_steps=5"]) == 0
    assert steps("logs/gru/version_1") == 5


def test_another_command_line_begins_a_run_of_its_own(again):
    assert main([*again, "--seed_everything=7", "--trainer.max_steps=2"]) == 0
    assert steps("logs/gru/version_1") == 2
    assert main([*again, "--trainer.max_steps=2"]) == 0
    assert steps("logs/gru/version_2") == 2
    assert steps("logs/gru/version_0") == 3


def test_how_many_processes_there_are_does_not_matter(again):
    for flags in (["--trainer.devices=1"], ["--trainer.strategy", "auto", "--trainer.num_nodes=1"]):
        found = find_begun([*again[:-2], *flags], Path("logs"), "gru")
        assert found.run == Path("logs/gru/version_0")
    assert find_begun([*again[:-2], "--ckpt_path=best"], Path("logs"), "gru") is None


def test_a_name_that_is_given_is_enough(here):
    args = fit_args(here, "gru", UNDRAWN, *AUTO, "--run_name=mine", "--seed_everything=1")
    stop(args)
    again = [*args, "--save_every=30"]
    assert main([*again, "--seed_everything=2", "--trainer.max_steps=1"]) == 0
    assert steps("logs/mine/version_1") == 1  # another seed is another run
    assert main([*again, "--trainer.max_steps=9"]) == 0
    assert steps("logs/mine/version_0") == 9
    assert main([*again, "--trainer.max_steps=1"]) == 0  # what is finished is not taken up
    assert steps("logs/mine/version_2") == 1
    held = RunFolder(Path("logs"), "mine", Path("logs/mine/version_0"))
    (held.path / "summary.json").unlink()
    held.lock()  # nor what another command line is at
    assert main([*again, "--trainer.max_steps=2"]) == 0
    held.unlock()
    assert steps("logs/mine/version_3") == 2


def test_a_job_finds_its_own_run(here, monkeypatch):
    args = fit_args(here, "gru", UNDRAWN, *AUTO)
    begun = {}
    for job, environ in {
        "slurm 7": {"SLURM_JOB_ID": "7"},
        "slurm 8_1": {"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "8", "SLURM_ARRAY_TASK_ID": "1"},
        "torchrun mine": {"TORCHELASTIC_RUN_ID": "mine"},
    }.items():
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            if job.startswith("torchrun"):  # a run of one process; Lightning asks for their ranks
                for name in ("RANK", "LOCAL_RANK", "GROUP_RANK"):
                    patch.setenv(name, "0")
                patch.setenv("WORLD_SIZE", "1")
            stop(args[:-2])  # as in a job that did not say auto
            newest = max(Path("logs/gru").iterdir(), key=lambda path: path.name)
            begun[newest] = environ
            assert yaml.safe_load((newest / "versions.yaml").read_text())["job"] == job
    for run, environ in begun.items():
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            assert find_begun(args, Path("logs"), "gru").run == run
    # Of no job, or of a new one: the last.
    assert find_begun(args, Path("logs"), "gru").run == newest
    monkeypatch.setenv("SLURM_JOB_ID", "10")
    assert find_begun(args, Path("logs"), "gru").run == newest
    # Of an array each task has its own, though they have one name.
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "8")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    other = [*args, "--optimizer.lr=0.1"]
    for run in list(begun):
        if run != Path("logs/gru/version_1"):
            shutil.rmtree(run)
    assert find_begun(other, Path("logs"), "gru", is_named=True) is None
    monkeypatch.delenv("SLURM_ARRAY_JOB_ID")
    assert find_begun(other, Path("logs"), "gru", is_named=True).run.name == "version_1"


def test_what_torchrun_starts_again_goes_on_by_itself(again, monkeypatch):
    args = again[:-2]
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    stop(args, 5)
    assert steps("logs/gru/version_1") == 5
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    stop(args, 8)
    assert not Path("logs/gru/version_2").exists()
    assert steps("logs/gru/version_1") == 8
    # What was begun before torchrun was is not its own.
    for run in Path("logs/gru").iterdir():
        summary = (run / "summary.json").read_text()
        began = yaml.safe_load(summary)["started"]
        (run / "summary.json").write_text(summary.replace(str(began), str(began - 1e6)))
    stop(args, 1)
    assert steps("logs/gru/version_2") == 1


def test_two_at_once(again, capsys):
    held = RunFolder(Path("logs"), "gru", Path("logs/gru/version_0"))
    held.lock()
    before = steps(held.path)
    for path in (None, held.path / LAST):
        if path is not None:
            path.unlink()
        capsys.readouterr()
        assert main(again) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line == "error: --ckpt_path: another process is training in logs/gru/version_0"
    held.unlock()
    assert before == 3


def test_processes_that_are_launched_take_the_first_ones_choice(again, monkeypatch):
    chosen = Path("logs/gru/version_0", LAST).absolute()
    assert Settings(again).ckpt_path == chosen
    assert os.environ[CHOICE] == f"{os.getpid()} {chosen}"
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv(CHOICE, f"{os.getppid()} ")
    assert Settings(again).ckpt_path is None
    monkeypatch.setenv(CHOICE, f"{os.getppid()} {chosen}")
    assert Settings(again[:-2]).ckpt_path == chosen
    monkeypatch.setenv(CHOICE, f"{os.getpid()} nonsense")  # of an earlier life
    assert Settings(again).ckpt_path == chosen


@pytest.mark.parametrize("command", ["validate", "test", "predict", "sample", "export"])
def test_it_is_for_fit_alone(again, capsys, command):
    more = ["--output=out"] if command == "export" else []
    assert main([command, *AUTO, *more]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == "error: --ckpt_path auto: is for `fit --ckpt_path`; here say last or best"


def test_weights_to_begin_with_are_for_the_beginning(again, capsys):
    first = str(Path("logs/gru/version_0", LAST).absolute())
    args = [*again, "--run_name=warm", f"--init_from={first}"]
    stop(args, 2)
    assert "weights: " in capsys.readouterr().err
    assert main([*again, "--init_from=auto"]) == 2
    capsys.readouterr()
    assert main(args) == 0
    assert "weights: " not in capsys.readouterr().err
    assert steps("logs/warm/version_0") == 25
