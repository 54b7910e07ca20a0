"""Stopped by a signal anywhere, a run goes on as if it had not been; and what cannot go on stops.

The long half (kills, full disks, dead workers) is in `tests/torture`.
"""

import pytest
from survival import RUNS, curves, differences, fit_args, state

from litmore.cli import main

STOPS = {
    # A validation is due after 4, 8, …; epochs end after 10, 20; and every 4th batch is validated.
    "gru": [("on_train_batch_start", 2), ("on_train_batch_end", 4), ("on_validation_batch_end", 8),
            ("on_train_batch_end", 10), ("on_validation_end", 12)],
    "mlp": [("on_train_batch_end", 13), ("on_validation_batch_end", 18)],
    "sgd": [("on_train_batch_end", 30), ("on_validation_batch_end", 20), ("on_save_checkpoint", 20)],
    "bigram": [("on_train_batch_end", 25), ("on_validation_batch_end", 20), ("on_save_checkpoint", 20)],
    "counts": [("on_train_batch_end", 0), ("on_validation_batch_end", 0)],
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PL_GLOBAL_SEED", "0")
    assert main(fit_args(tmp_path, name)) == 0
    whole = tmp_path / "logs" / name / "version_0"
    for number, (hook, step) in enumerate(STOPS[name], 1):
        stop = ["--trainer.callbacks+=survival.Signal", f"--trainer.callbacks.hook={hook}",
                f"--trainer.callbacks.step={step}"]  # fmt: skip
        capsys.readouterr()
        assert main(fit_args(tmp_path, name, *stop)) == 143
        told = capsys.readouterr().err
        stopped = whole.with_name(f"version_{number}")
        again = f"python main.py fit --ckpt_path logs/{name}/version_{number}/checkpoints/last.ckpt"
        assert again in told
        last = str(stopped / "checkpoints" / "last.ckpt")
        assert main(["fit", "--ckpt_path", last, "--trainer.callbacks=null"]) == 0
        assert not differences(state(whole), state(stopped)), (hook, step)
        assert not differences(curves(whole), curves(stopped)), (hook, step)
