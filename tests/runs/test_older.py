"""What an earlier litmore has trained."""

from pathlib import Path

import torch

# 20 steps of configs/bigram.yaml by litmore 0.1.0, on the first 2,000 of the embedded names.
CHECKPOINT = Path(__file__).with_name("of_litmore_0.1.ckpt")


def test_a_checkpoint_of_0_1_is_judged_sampled_and_gone_on_with(command_line):
    code, out, err = command_line("test", "--ckpt_path", CHECKPOINT, "--trainer.accelerator=cpu")
    assert code == 0, err
    assert "test/loss" in out
    code, out, _ = command_line("sample", "--ckpt_path", CHECKPOINT, "--num_samples=3")
    assert (code, len(out.splitlines())) == (0, 3)
    code, _, err = command_line("fit", "--ckpt_path", CHECKPOINT, "--trainer.max_steps=25")
    assert code == 0, err
    # It lies in no run's folder, and so names none.
    last = torch.load("logs/neuralbigram/version_0/checkpoints/last.ckpt", weights_only=True)
    assert last["global_step"] == 25
    grown = last["optimizer_states"][0]["state"][0]["step"]
    assert grown == 25  # the optimizer's state went on, too
