"""A mixture of trained models."""

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from litmore.corpus.vocabulary import BOUNDARY, Vocabulary
from litmore.data.views import AnyBatch
from litmore.errors import InputError
from litmore.log import log_now
from litmore.models.base import CharLM, as_batch
from litmore.models.counting import Counting
from litmore.models.stepless import Stepless
from litmore.runs import checkpoint as checkpoints
from litmore.runs.folder import LOGS, find_checkpoint
from litmore.steps import step_at_hand


class Mixture(Stepless):
    """The mean of what trained models say, as probabilities, by weights that sum to 1.

    The weights are those under which the validation split is likeliest, found by expectation and
    maximisation when training starts, unless they are given; that is the whole training. The models
    stay as they are, and the mixture's checkpoint holds them: their files are not needed again.

    Source: Jelinek and Mercer, "Interpolated estimation of Markov source parameters from sparse
    data", 1980.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        members: the models' checkpoints, each a file, a run's folder (its best one, or else its
            last), or `last` or `best` of the newest run in `logs`; in a mixture's own checkpoint,
            what the models are made of.
        weights: one a member, in proportion; for a mixture whose weights were found where
            its members' training text could spare a part, and which is then made of all of it.

    Raises:
        InputError: a checkpoint cannot be used, is of other characters, or there is none; or the
            weights are no weights of so many.

    """

    views = ("words",)

    weights: Float[Tensor, " members"]

    def __init__(
        self,
        vocabulary: Vocabulary | str,
        members: Sequence[str | Mapping[str, Any]],
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__(vocabulary)
        if not members:
            raise InputError("--model.members: name the checkpoints to mix")
        given = [1.0] * len(members) if weights is None else list(weights)
        if len(given) != len(members):
            raise InputError(
                f"--model.weights: {len(given)} for {len(members)} members; give one a member"
            )
        if not all(0 <= weight < math.inf for weight in given) or not any(given):
            raise InputError("--model.weights: must be numbers of at least 0, not all 0")
        contents = [_content(member) for member in members]
        models = [checkpoints.rebuild(content, CharLM, flag=FLAG) for content in contents]
        for member, model in zip(members, models, strict=True):
            if model.vocabulary != self.vocabulary:
                raise InputError(
                    f"--model.members {member}: its characters are {model.vocabulary.characters!r},"
                    f" the data's {self.vocabulary.characters!r}"
                )
        made_of = ("class_path", "hyper_parameters")
        members = [{name: content[name] for name in made_of} for content in contents]
        self.save_hyperparameters()
        self.members = nn.ModuleList(models).requires_grad_(False).train()
        shares = torch.tensor(given, dtype=torch.float64)
        self.register_buffer("weights", shares / shares.sum())
        self._is_to_find = weights is None

    def forward(self, x: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        return self._mixed(self._logits(x))

    def _logits(self, x: Int[Tensor, "B T"]) -> Float[Tensor, "members B T V"]:
        return torch.stack([after_each(member, x) for member in self._models])

    @property
    def _models(self) -> list[CharLM]:
        return list(self.members)  # type: ignore[arg-type]

    def _mixed(self, logits: Float[Tensor, "members *leading V"]) -> Float[Tensor, "*leading V"]:
        log_p = logits.float().log_softmax(-1).movedim(0, -1)  # (*leading, V, members)
        return (log_p + self.weights.float().log()).logsumexp(-1)

    def advance(
        self, tokens: Int[Tensor, " B"], state: tuple[Tensor, ...] = ()
    ) -> tuple[Float[Tensor, "B V"], tuple[Tensor, ...]]:
        """The members' states side by side, behind how many tensors each is."""
        sizes = state[0][0].tolist() if state else [0] * len(self.members)
        logits, kept, rest = [], [], state[1:]
        for member, size in zip(self._models, sizes, strict=True):
            said, after = member.advance(tokens, rest[:size])
            logits.append(said)
            kept.append(after)
            rest = rest[size:]
        numbers = torch.tensor([len(after) for after in kept], device=tokens.device)
        parts = (part for after in kept for part in after)
        return self._mixed(torch.stack(logits)), (numbers.expand(len(tokens), -1), *parts)

    def check_data(self, data: Any) -> None:
        super().check_data(data)
        overlap = getattr(data, "eval_overlap", None)
        if overlap is None:  # of words, each of which has its beginning
            return
        for member in self._models:
            if "windows" in member.views and overlap < member.block_size - 1:
                raise InputError(
                    f"--data.eval_overlap {overlap}: {type(member).__name__} looks at"
                    f" {member.block_size} tokens; pass at least {member.block_size - 1}"
                )

    def on_train_start(self) -> None:
        """Find the weights, on the training's batches where there are none to validate."""
        super().on_train_start()
        trainer: Any = self.trainer
        self.members.eval()  # their dropout is off
        if self._is_to_find:
            self._find_weights(trainer)
        if trainer.is_global_zero:
            names = [type(member).__name__ for member in self.members]
            shares = zip(self.weights.tolist(), names, strict=True)
            said = " + ".join(f"{weight:.3f} {name}" for weight, name in shares)
            sys.stderr.write(f"the mixture: {said}\n")

    @torch.inference_mode()
    def _find_weights(self, trainer: Any) -> None:
        loaders = trainer.val_dataloaders or trainer.train_dataloader
        batches = [
            as_batch(trainer.strategy.batch_to_device(batch, self.device))
            for loader in (loaders if isinstance(loaders, list) else [loaders])
            for batch in loader
        ]
        likelihoods = torch.cat([self._likelihoods(batch) for batch in batches])
        self.weights.copy_(self._likeliest(likelihoods))

    def _likelihoods(self, batch: AnyBatch) -> Float[Tensor, "N members"]:
        """How likely each member finds each token that is to be predicted."""
        row, _, following, _ = batch.predictions()
        p = self._logits(batch.x).double().softmax(-1).flatten(1, 2)  # (members, B·T, V)
        return p[:, row, following].T

    def _likeliest(self, likelihoods: Float[Tensor, "N members"]) -> Float[Tensor, " members"]:
        """The weights under which they are likeliest: each its mean share in what is said."""
        weights = torch.full_like(likelihoods[0], 1 / len(self.members))
        for _ in range(STEPS):
            said = likelihoods * weights
            total = said.sum(1, keepdim=True)  # 0 where all find it impossible
            shares = (said / total.where(total > 0, 1.0)).sum(0)
            shares = self.trainer.strategy.reduce(shares, reduce_op="sum")
            before, weights = weights, shares / shares.sum()
            if (weights - before).abs().max() < 1e-7:
                break
        return weights

    def training_step(self, batch: AnyBatch | Sequence[Tensor], batch_idx: int) -> None:  # type: ignore[override]
        """Nothing is left to be done but to log the loss."""
        batch = as_batch(batch)
        with torch.no_grad():
            logits = self(batch.x)
        log_now(self.trainer, self._training_metrics(logits, batch), step_at_hand(self.trainer))

    def on_train_end(self) -> None:
        self.members.train()


STEPS = 1000
"""Of expectation and maximisation at most."""


def _content(given: str | Mapping[str, Any]) -> dict[str, Any]:
    """A trained model's checkpoint; or what one is made of, whose weights are yet to come."""
    return checkpoints.read(_file(given), FLAG) if isinstance(given, str) else dict(given)


def _file(given: str) -> Path:
    kept = Path(given).expanduser() / "checkpoints"
    for file in (kept / "best.ckpt", kept / "last.ckpt"):
        if file.is_file():
            return file
    return find_checkpoint(given, Path(LOGS), None, FLAG)


FLAG = "--model.members"


def after_each(member: CharLM, x: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
    """A model's logits after each token of each word, whichever view it takes."""
    if "windows" not in member.views:
        return member(x)
    contexts = F.pad(x, (member.block_size - 1, 0), value=BOUNDARY).unfold(1, member.block_size, 1)
    logits = member(contexts.flatten(0, 1)).view(*x.shape, -1)
    if isinstance(member, Counting) and member.vocabulary.is_text:
        # A window of text begins anywhere: of what is before it nothing is known.
        for t in range(min(member.block_size - 1, x.shape[1])):
            logits[:, t] = member(x[:, : t + 1])
    return logits
