"""Batch normalisation: torch's, and the lectures'."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class BatchNorm(nn.BatchNorm1d):
    """Each of D units less its mean over the batch, ÷ its deviation; then weight and bias.

    In training by the batch's own statistics, after it by their running averages. A batch of one
    row, as the last of an epoch may be, has no deviation: it goes by the running averages too.

    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", 2015; makemore lectures, part 3, and part 5 for more dimensions.
    """

    def forward(self, x: Float[Tensor, "*leading D"]) -> Float[Tensor, "*leading D"]:
        rows = x.flatten(0, -2)  # (rows, D): in a batch of sequences every position is one
        if self.training and len(rows) > 1:
            return self.by_batch(rows).view_as(x)
        return self.by_running(rows).view_as(x)

    momentum: float
    running_mean: Tensor
    running_var: Tensor

    def by_batch(self, rows: Float[Tensor, "rows D"]) -> Float[Tensor, "rows D"]:
        return F.batch_norm(
            rows, self.running_mean, self.running_var, self.weight, self.bias,
            training=True, momentum=self.momentum, eps=self.eps,
        )  # fmt: skip

    def by_running(self, rows: Float[Tensor, "rows D"]) -> Float[Tensor, "rows D"]:
        return F.batch_norm(
            rows, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class LectureBatchNorm(BatchNorm):
    """The lectures': by the batch's unbiased variance, n / (n − 1) of the one that torch takes."""

    def by_batch(self, rows: Float[Tensor, "rows D"]) -> Float[Tensor, "rows D"]:
        variance, mean = torch.var_mean(rows, dim=0)  # (D,), (D,)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
        return self.weight * (rows - mean) / (variance + self.eps).sqrt() + self.bias
