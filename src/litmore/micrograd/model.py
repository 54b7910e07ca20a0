"""A classifier of points whose gradient is litmore's own, number by number."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import torch
from jaxtyping import Float
from lightning.pytorch import LightningDataModule, LightningModule
from torch import Tensor, nn
from torch.nn import functional as F

from litmore import micrograd
from litmore.data.datamodule import NamesDataModule
from litmore.errors import InputError
from litmore.micrograd import Value, dot, total
from litmore.micrograd.bridge import ScalarGraph


class ScalarMLP(LightningModule):
    """An MLP of two numbers with one score, trained by `Value.backward`.

    Its parameters are torch's, in double as Python's floats are, so that everything which works on
    parameters works on them. At each training step their numbers go into a `micrograd.MLP`; the
    whole objective, hinge loss and L2 penalty, is one graph of scalars, and the gradient comes back
    from it. `backprop: torch` has torch do the same.

    It logs `train/hinge` and `val/hinge`: a hinge loss is none in nats, and on a chart of losses it
    would flatten those of character models.

    Source: micrograd (Karpathy), demo.ipynb: with `seed_everything: 1337` its first weights, draw
    by draw.

    Args:
        hidden_dims: neurons of each hidden layer.
        activation: of the hidden layers.
        weight_penalty: λ of the objective's λ · Σ p² over all parameters, ≥ 0.
        backprop: whose backpropagation.

    Raises:
        InputError: a setting is out of range.

    """

    def __init__(
        self,
        hidden_dims: Sequence[int] = (16, 16),
        activation: Literal["relu", "tanh"] = "relu",
        weight_penalty: float = 1e-4,
        backprop: Literal["micrograd", "torch"] = "micrograd",
    ) -> None:
        super().__init__()
        hidden_dims = list(hidden_dims)  # as YAML and JSON have it
        if not hidden_dims or min(hidden_dims) < 1:
            raise InputError(f"--model.hidden_dims {hidden_dims}: at least one, each at least 1")
        if activation not in ("relu", "tanh"):
            raise InputError(f"--model.activation {activation}: must be relu or tanh")
        if not weight_penalty >= 0:
            raise InputError(f"--model.weight_penalty {weight_penalty}: must be at least 0")
        if backprop not in ("micrograd", "torch"):
            raise InputError(f"--model.backprop {backprop}: must be micrograd or torch")
        self.save_hyperparameters()
        self.activation = activation
        self.weight_penalty = weight_penalty
        self.backprop = backprop
        self.scalars = micrograd.MLP(
            2, [*hidden_dims, 1], activation=activation, seed=torch.initial_seed()
        )
        sizes = pairwise([2, *hidden_dims, 1])
        layers = [nn.Linear(reads, size, dtype=torch.float64) for reads, size in sizes]
        with torch.no_grad():
            for layer, drawn in zip(layers, self.scalars.layers, strict=True):
                rows = [[p.data for p in neuron.parameters()] for neuron in drawn.neurons]
                numbers = torch.tensor(rows, dtype=torch.float64)
                layer.weight.copy_(numbers[:, :-1])
                layer.bias.copy_(numbers[:, -1])
        self.layers = nn.ModuleList(layers)

    def numbers(self) -> Float[Tensor, " P"]:
        """All parameters in the scalars' order: neuron by neuron, its weights, then its bias."""
        layers: list[nn.Linear] = list(self.layers)  # type: ignore[arg-type]
        rows = [torch.cat([layer.weight, layer.bias[:, None]], dim=1) for layer in layers]
        return torch.cat([row.flatten() for row in rows])

    def forward(self, x: Float[Tensor, "B 2"]) -> Float[Tensor, " B"]:
        """Scores, by torch: positive for class 1, negative for −1."""
        *hidden, output = self.layers
        for layer in hidden:
            x = getattr(torch, self.activation)(layer(x))
        return output(x)[:, 0]

    def check_data(self, data: LightningDataModule) -> None:
        if isinstance(data, NamesDataModule):
            raise InputError("--data: ScalarMLP tells points apart, not words: MoonsDataModule")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Name the class, so that the file tells what it holds."""
        checkpoint["class_path"] = f"{type(self).__module__}.{type(self).__qualname__}"

    # Steps

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """The objective: mean hinge loss + λ · Σ p²."""
        if self.backprop == "torch":
            scores = self(batch[0])
            loss = hinge(scores, batch[1])
            objective = loss + self.weight_penalty * self.numbers().square().sum()
        else:
            build = partial(self._graph, *(tensor.tolist() for tensor in batch))
            outputs = ScalarGraph.apply(self.numbers(), self.scalars.parameters(), build)
            objective, loss, scores = outputs[0], outputs[1], outputs[2:]
        self._log("train", loss.detach(), scores.detach(), batch[1])
        self.log("train/objective", objective.detach(), batch_size=len(batch[1]))
        return objective

    def _graph(self, x: list[list[float]], y: list[float]) -> list[Value]:
        """The objective, the hinge loss, the scores."""
        scores = [self.scalars(point)[0] for point in x]
        losses = [(1 - sign * score).relu() for sign, score in zip(y, scores, strict=True)]
        loss = total(losses) / len(losses)
        parameters = self.scalars.parameters()
        objective = loss + self.weight_penalty * dot(parameters, parameters)
        return [objective, loss, *scores]

    def validation_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        self._evaluate("val", batch)

    def test_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        self._evaluate("test", batch)

    def _evaluate(self, stage: str, batch: Sequence[Tensor]) -> None:
        scores = self(batch[0])
        self._log(stage, hinge(scores, batch[1]), scores, batch[1])

    def _log(self, stage: str, loss: Tensor, scores: Tensor, y: Tensor) -> None:
        correct = (scores > 0) == (y > 0)
        self.log_dict(
            {f"{stage}/hinge": loss, f"{stage}/accuracy": correct.double().mean()},
            batch_size=len(y),
            sync_dist=stage != "train",
            prog_bar=True,
        )


def hinge(scores: Float[Tensor, " B"], y: Float[Tensor, " B"]) -> Float[Tensor, ""]:
    """The mean of max(0, 1 − y · score): 0 where each score is on its side of 0, by 1 at least."""
    return F.relu(1 - y * scores).mean()
