"""Models and data that each break one rule; they are imported by this module's name."""

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from litmore.data import Corpus
from litmore.data.datamodule import NamesDataModule
from litmore.data.order import RandomOrder
from litmore.data.views import PAD, Batch, View, Words
from litmore.models import CharLM


class Sound(CharLM):
    """A recurrent model that breaks none; the others break what they name."""

    views = ("words",)

    def __init__(self, vocabulary: str, hidden_dim: int = 24) -> None:
        super().__init__(vocabulary)
        self.save_hyperparameters()
        self.embedding = nn.Embedding(self.vocab_size, hidden_dim)
        self.recurrent = nn.GRU(hidden_dim, hidden_dim, batch_first=True)
        self.output = nn.Linear(hidden_dim, self.vocab_size)

    def forward(self, x):
        return self.output(self.recurrent(self.embedding(x))[0])


class SavesNothing(Sound):
    def __init__(self, vocabulary: str) -> None:
        super().__init__(vocabulary)
        self.hparams.clear()


class Unseeded(Sound):
    made = 0

    def __init__(self, vocabulary: str) -> None:
        super().__init__(vocabulary)
        Unseeded.made += 1
        self.output.bias.data.fill_(Unseeded.made)


class LastOnly(Sound):
    def forward(self, x):
        return super().forward(x)[:, -1]


class OfTheBatch(Sound):
    def forward(self, x):
        embedded = self.embedding(x)
        return self.output(self.recurrent(embedded - embedded.mean((0, 1)))[0])


class Clairvoyant(Sound):
    def forward(self, x):
        return self.output(self.recurrent(self.embedding(x).flip(1))[0].flip(1))


class TooShort(Sound):
    longest_input = 4

    def __init__(self, vocabulary: str) -> None:
        super().__init__(vocabulary)
        self.position = nn.Embedding(3, 24)

    def forward(self, x):
        return super().forward(x) + self.output(self.position(torch.arange(x.shape[1])))


class Resetting(Sound):
    """It takes what came before for nothing, where it goes on."""

    def advance(self, tokens, state=()):
        hidden = state[0] if state else torch.zeros(len(tokens), 24)
        return self(tokens[:, None])[:, -1], (hidden,)


class Flattened(Sound):
    """Its state begins with something else than the batch."""

    def advance(self, tokens, state=()):
        so_far = torch.cat([*state, tokens[None]])
        return self.next_logits(so_far.T), (so_far,)


class OfPadding(Sound):
    """Its loss is a mean over what is padding, too."""

    def training_step(self, batch, batch_idx):
        super().training_step(batch, batch_idx)
        loss = F.cross_entropy(self(batch.x).flatten(0, 1), batch.y.clamp(min=0).flatten())
        self.log("train/loss", loss)
        return loss

    def _log_training(self, *_):
        pass


class OfBatches(Sound):
    """Its validation is a mean of batches' means."""

    def validation_step(self, batch, batch_idx):
        loss = F.cross_entropy(self(batch.x).flatten(0, 1), batch.y.flatten(), ignore_index=PAD)
        self.log("val/loss", loss, batch_size=1)

    def on_validation_epoch_end(self):
        pass


class Slow(Sound):
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1e-6)


class Unused(Sound):
    def __init__(self, vocabulary: str) -> None:
        super().__init__(vocabulary)
        self.unused = nn.Linear(1, 1)


class Unkept(Sound):
    """It forgets an argument, which says what is made of the weights."""

    def __init__(self, vocabulary: str, scale: float = 1.0) -> None:
        super().__init__(vocabulary)
        self.save_hyperparameters(ignore=["scale"])
        self.scale = scale

    def forward(self, x):
        return super().forward(x) * self.scale


class Undrawable(Sound):
    """Drawing names, it forgets who is who."""

    def advance(self, tokens, state=()):
        logits, state = super().advance(tokens, state)
        return (logits if self.training or len(tokens) == 3 else -logits), state


class Counting(Sound):
    """What it learnt hangs on how often it was asked since it was made."""

    def __init__(self, vocabulary: str) -> None:
        super().__init__(vocabulary)
        self.steps = 0

    def training_step(self, batch, batch_idx):
        self.steps += 1
        return super().training_step(batch, batch_idx) * (1 + self.steps % 5)

    def _log_training(self, logits, batch, penalty):
        super()._log_training(logits, batch, penalty)


class Local(Sound):
    """A mean over each process's own characters."""

    def _loss(self, logits, batch):
        return F.cross_entropy(logits.flatten(0, 1), batch.y.flatten(), ignore_index=PAD)


# No character model


class Line(LightningModule):
    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = nn.Linear(width, 1)
        self.example_input_array = torch.zeros(2, width)

    def forward(self, x):
        return self.layer(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        return F.mse_loss(self(x), y)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Frozen(Line):
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.0)


class Points(LightningDataModule):
    def __init__(self, number: int = 20) -> None:
        super().__init__()
        self.x = torch.randn(number, 3, generator=torch.Generator().manual_seed(0))
        self.points = TensorDataset(self.x, self.x.sum(1, keepdim=True))

    def train_dataloader(self):
        return DataLoader(self.points, batch_size=4, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.points, batch_size=4)


class Drawn(Points):
    """Each epoch other points, some twice."""

    def train_dataloader(self):
        sampler = torch.utils.data.RandomSampler(self.points, replacement=True)
        return DataLoader(self.points, batch_size=4, sampler=sampler)


class Adrift(Points):
    """An order of the clock's, not of the seed's."""

    def train_dataloader(self):
        generator = torch.Generator()
        generator.seed()
        return DataLoader(self.points, batch_size=4, shuffle=True, generator=generator)


class ShufflesVal(Points):
    def val_dataloader(self):
        return DataLoader(self.points, batch_size=4, shuffle=True)


class Empty(Points):
    def train_dataloader(self):
        return []


# Views

CORPUS = Corpus.of([a + b + "x" * n for n, a in enumerate("klmnp") for b in "aeiouy"])


class Of(View):
    """The words of a corpus; the others break what they name."""

    ragged = True

    def __init__(self) -> None:
        self.words = Words(CORPUS)

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, examples):
        return self.words[examples]


class Sorted(Of):
    def __getitem__(self, examples):
        return super().__getitem__(examples.sort().values)


class TooLong(Of):
    def __len__(self) -> int:
        return len(self.words) + 1


class FirstTwice(Of):
    def training_order(self, seed, batch_size):
        class Order(RandomOrder):
            def arrange(self, generator):
                order = super().arrange(generator)
                return order.where(order != 1, 0)

        return Order(len(self), seed)


class AnyOrder(Of):
    def training_order(self, seed, batch_size):
        class Order(RandomOrder):
            def arrange(self, generator):
                return torch.randperm(len(self))

        return Order(len(self), seed)


class OneOrder(Of):
    def training_order(self, seed, batch_size):
        class Order(RandomOrder):
            def set_epoch(self, epoch):
                pass

        return Order(len(self), seed)


class NoSeed(Of):
    def training_order(self, seed, batch_size):
        return RandomOrder(len(self), 0)


class Moody(Of):
    """What it gathers hangs on how much it is asked for at once."""

    def __getitem__(self, examples):
        x, y = super().__getitem__(examples)
        return Batch(x.roll(1, 0) if len(examples) == 24 else x, y)


# Data modules of litmore's kind


class KeepsFirst(NamesDataModule):
    """Each process has its own batches, and the first word each time."""

    def train_dataloader(self):
        loader = super().train_dataloader()
        loader.rank, loader.world_size = 0, 1
        return loader


class Forgets(NamesDataModule):
    """Its loader begins anew, wherever it is told to go on."""

    def train_dataloader(self):
        loader = super().train_dataloader()
        loader.load_state_dict = lambda state: None
        return loader
