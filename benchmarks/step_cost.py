"""What is a step of `configs/mlp.yaml` made of, beside the matrix products that it has to do?

The products of forward and backward, at the step's own shapes, are the machine's matmul rate; then
the step's parts on top of one another, and torch's own Muon in the place of litmore's.
"""

import statistics
import sys
from collections.abc import Callable

import torch
from torch.optim import AdamW, Muon

from litmore.data import NamesDataModule
from litmore.data.loader import BatchLoader
from litmore.models import MLP
from litmore.models.losses import mean_nll
from litmore.training.muon_adamw import MuonAdamW
from side_by_side import ratio, side_by_side, spread
from stopwatch import Row, shown, train

BATCH = 512
LR, MOMENTUM, DECAY = 0.07, 0.95, 0.2


def products(model: MLP) -> tuple[Callable[[], None], float]:
    """Forward's two matrix products and backward's four, and their floating-point operations."""
    inputs, hidden = model.hidden.in_features, model.hidden.out_features
    x, h, logits = (
        torch.randn(BATCH, width) for width in (inputs, hidden, model.output.out_features)
    )
    w1, w2 = model.hidden.weight.detach(), model.output.weight.detach()

    def run() -> None:
        x @ w1.T, h @ w2.T
        logits @ w2, logits.T @ h, h @ w1, h.T @ x

    return run, 3 * 2.0 * BATCH * (w1.numel() + w2.numel())


def measure(quick: bool = False) -> list[Row]:
    """Measure and print."""
    torch.set_num_threads(1)
    data = NamesDataModule(view="counts", batch_size=BATCH)
    loader = data.train_dataloader()
    assert isinstance(loader, BatchLoader)
    model = MLP(data.vocabulary.characters)
    batch = next(iter(loader))
    parameters = list(model.parameters())
    ours = MuonAdamW(parameters, LR, MOMENTUM, weight_decay=DECAY)
    matrices = [p for p in parameters if p.ndim == 2]
    vectors = [p for p in parameters if p.ndim == 1]
    theirs = [
        Muon(matrices, LR, DECAY, MOMENTUM, adjust_lr_fn="match_rms_adamw"),
        AdamW(vectors, LR, (0.9, 0.95), weight_decay=DECAY),
    ]

    def loss_and_gradient() -> None:
        for parameter in parameters:
            parameter.grad = None
        mean_nll(model(batch.x), batch).backward()

    def batches() -> None:
        for _ in loader:
            pass

    multiply, operations = products(model)
    loss_and_gradient()
    seconds = side_by_side(
        {
            "products": multiply,
            "loss": loss_and_gradient,
            "optimizer": ours.step,
            "torch's": lambda: [optimizer.step() for optimizer in theirs],
            "batches": batches,
        },
        rounds=1 if quick else 7,
    )
    seconds["batches"] = [each / len(loader) for each in seconds["batches"]]
    seconds["bare"] = [
        sum(parts)
        for parts in zip(*(seconds[k] for k in ("loss", "optimizer", "batches")), strict=True)
    ]
    seconds["Trainer"] = []
    for _ in seconds["products"]:
        steps = f"--trainer.max_steps={20 if quick else 600}"
        flags = ["--trainer.val_check_interval=600", "--tensorboard.every_n_steps=0"]
        seconds["Trainer"].append(train("--config", "configs/mlp.yaml", steps, *flags).a_step)
    rate = operations / statistics.median(seconds["products"]) / 1e9
    base = spread(seconds["products"])
    print(f"{operations / 1e6:.0f} million operations in {base}: {rate:.0f} GFLOP/s")
    rows = [
        Row(name, base, spread(seconds[key]), ratio(seconds[key], seconds["products"]))
        for key, name in {
            "loss": f"loss and gradient of {BATCH} contexts, beside its"
            f" {operations / 1e6:.0f} MFLOP of products at {rate:.0f} GFLOP/s",
            "batches": "… gathering the batch",
            "optimizer": "… Muon and AdamW",
            "torch's": "… torch's Muon and AdamW, in their place",
            "bare": "… the first three: a step",
            "Trainer": "… a step in `fit`",
        }.items()
    ]  # fmt: skip
    return shown(rows)


if __name__ == "__main__":
    measure(quick="--quick" in sys.argv)
