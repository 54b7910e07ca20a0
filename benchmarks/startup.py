"""How long until something happens?

`fit` to the end of its first step beside `import lightning.pytorch.cli`, which it cannot do
without; `sample` of one name from a checkpoint beside `import torch`.
"""

import sys

from side_by_side import ratio, spread
from stopwatch import Row, scratch, shown
from time_to_loss import cold

ONE_STEP = [
    "fit",
    "--config=configs/mlp.yaml",
    "--trainer.max_steps=1",
    "--trainer.logger=false",
    "--trainer.limit_val_batches=0",
    "--trainer.enable_checkpointing=false",
]


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    with scratch() as folder:
        root = f"--trainer.default_root_dir={folder}"
        cold("main.py", "fit", "--config", "configs/mlp.yaml", "--trainer.max_steps=1", root)
        (checkpoint,) = folder.glob("mlp/*/checkpoints/last.ckpt")
        commands = {
            "lightning": ("-c", "import lightning.pytorch.cli"),
            "fit": ("main.py", *ONE_STEP, root),
            "torch": ("-c", "import torch"),
            "sample": ("main.py", "sample", "--ckpt_path", str(checkpoint), "--num_samples", "1"),
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(1 if quick else 7):
            for name, command in commands.items():
                seconds[name].append(cold(*command))
    rows = [
        Row("`fit`, a whole run of one step, beside importing LightningCLI",
            spread(seconds["lightning"]), spread(seconds["fit"]),
            ratio(seconds["fit"], seconds["lightning"]), "≤ 1.25"),
        Row("`sample`, one name, beside importing torch", spread(seconds["torch"]),
            spread(seconds["sample"]), ratio(seconds["sample"], seconds["torch"]), "≤ 1.5"),
    ]  # fmt: skip
    return shown(rows)


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
