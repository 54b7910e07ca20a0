"""What `test` finds, shown beside the run that it judges."""

from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer

SUFFIX = ".test"


class Judgement(Callback):
    """Add `test/loss` and its kin to the TensorBoard events of the checkpoint's run.

    In a file of its own, which the next judgement of the run replaces.

    Args:
        run: the run's folder.
        step: the checkpoint's.

    """

    def __init__(self, run: Path, step: int) -> None:
        self.run = run
        self.step = step

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        from torch.utils.tensorboard import SummaryWriter

        for old in self.run.glob(f"events.out.tfevents.*{SUFFIX}"):
            old.unlink()
        with SummaryWriter(self.run, filename_suffix=SUFFIX) as writer:
            for name, value in trainer.callback_metrics.items():
                writer.add_scalar(name, float(value), self.step)
