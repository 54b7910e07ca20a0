"""SGD and Adam on `Value`s: the rules of torch's, a parameter at a time."""

import math
from collections.abc import Iterable

from litmore.micrograd.engine import Value


class Optimizer:
    """What moves parameters by their gradients.

    Args:
        parameters: the leaves to move, such as a network's `parameters()`.
        lr: the learning rate; an attribute, to be changed between steps.
        weight_decay: λ of the penalty λ ÷ 2 · Σ p², whose gradient is added.

    Raises:
        ValueError: there is nothing to move, or a setting is negative.

    """

    def __init__(self, parameters: Iterable[Value], lr: float, weight_decay: float = 0.0) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("an optimizer needs parameters")
        if not (lr >= 0 and weight_decay >= 0):
            raise ValueError(f"lr {lr:g}, weight_decay {weight_decay:g}: must be at least 0")
        self.lr = lr
        self.weight_decay = weight_decay

    def zero_grad(self) -> None:
        """Forget the gradients of earlier steps; `backward` adds to them."""
        for parameter in self.parameters:
            parameter.grad = 0.0

    def step(self) -> None:
        """Move each parameter once."""
        raise NotImplementedError


class SGD(Optimizer):
    """Against the gradient, or against its running sum, which forgets by `momentum`.

    Args:
        parameters: as an `Optimizer`'s.
        lr: likewise.
        momentum: share of the sum that is kept from step to step; 0: the gradient alone.
        weight_decay: as an `Optimizer`'s.

    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.momentum = momentum
        self.velocities = [0.0] * len(self.parameters)

    def step(self) -> None:
        for i, p in enumerate(self.parameters):
            gradient = p.grad + self.weight_decay * p.data
            self.velocities[i] = self.momentum * self.velocities[i] + gradient
            p.data -= self.lr * self.velocities[i]


class Adam(Optimizer):
    """Against the gradient's mean, in units of the root of its square's (Kingma & Ba, 2015).

    Args:
        parameters: as an `Optimizer`'s.
        lr: likewise.
        betas: how much both running means keep from step to step.
        eps: added to the root.
        weight_decay: as an `Optimizer`'s.

    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.betas = betas
        self.eps = eps
        self.means = [0.0] * len(self.parameters)
        self.squares = [0.0] * len(self.parameters)
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        keep, keep_square = self.betas
        # Both means begin at 0, and are this much too small.
        seen, seen_square = 1 - keep**self.steps, 1 - keep_square**self.steps
        for i, p in enumerate(self.parameters):
            gradient = p.grad + self.weight_decay * p.data
            mean = self.means[i] = keep * self.means[i] + (1 - keep) * gradient
            square = self.squares[i] = (
                keep_square * self.squares[i] + (1 - keep_square) * gradient * gradient
            )
            p.data -= self.lr * (mean / seen) / (math.sqrt(square / seen_square) + self.eps)
