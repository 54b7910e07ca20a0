"""What makemore.py does, as it does it: its split, its models and its loop, to be timed against.

Random numbers are drawn in its order: the same words, weights and batches. What costs it more than
it need is done in one call, so that it is no easy reference: a batch is gathered from whole tensors
instead of word by word, and GELU is torch's.

Run as a script it prints the loss on the held-out words every so many steps:
`python benchmarks/makemore.py names.txt 15000 500 transformer`.
"""

import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from litmore.corpus.shuffle import python_order

SEED = 3407
HELD_OUT = 1000
WIDTH = 64
IGNORED = -1

Split = tuple[Tensor, Tensor]


def in_order(path: Path) -> tuple[list[str], int]:
    """The words as they are cut, and how many of them train: the last are held out.

    Seeds torch, as makemore does once; `prepare` and `Network` go on from there.
    """
    words = [word for line in path.read_text().splitlines() if (word := line.strip())]
    torch.manual_seed(SEED)
    order = torch.randperm(len(words)).tolist()
    return [words[i] for i in order], len(words) - min(HELD_OUT, len(words) // 10)


def as_litmore(path: Path, folder: Path, seed: int = 42) -> list[str]:
    """The flags by which litmore trains on the same words, and validates on those held out.

    litmore shuffles before it cuts: the file it is given has the words where its shuffle takes them
    from, so that they come out in makemore's order.
    """
    words, cut = in_order(path)
    shuffled = np.empty(len(words), dtype=object)
    shuffled[python_order(len(words), seed)] = words
    file = folder / path.name
    file.write_text("\n".join(shuffled) + "\n")
    share = (cut + 0.5) / len(words)  # half a word more: no rounding takes one away
    return [
        f"--data.path={file}",
        "--data.sha256=null",
        f"--data.split=[{share},{1 - share},0.0]",
        f"--data.split_seed={seed}",
    ]


def encoded(words: list[str], ids: dict[str, int], length: int) -> Split:
    """(N, T) both: each word after a 0; and before one, the rest ignored."""
    x = torch.zeros(len(words), length, dtype=torch.long)
    y = torch.full_like(x, IGNORED)
    for row, word in enumerate(words):
        tokens = torch.tensor([ids[character] for character in word])
        x[row, 1 : len(word) + 1] = tokens
        y[row, : len(word)] = tokens
        y[row, len(word)] = 0
    return x, y


def prepare(path: Path) -> tuple[tuple[int, int], Split, Split]:
    """From the file to V and T, and the tensors of both splits."""
    words, cut = in_order(path)
    ids = {character: i for i, character in enumerate(sorted(set("".join(words))), 1)}
    length = max(map(len, words)) + 1
    train, test = (encoded(part, ids, length) for part in (words[:cut], words[cut:]))
    return (len(ids) + 1, length), train, test


class Attention(nn.Module):
    """Of four heads, written out."""

    def __init__(self, length: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.inputs, self.output = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.register_buffer("future", torch.ones(length, length).triu(1).bool())

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in self.inputs(x).split(WIDTH, 2)
        )
        scores = query @ key.transpose(2, 3) / math.sqrt(WIDTH // self.heads)
        weights = scores.masked_fill(self.future, -math.inf).softmax(-1)
        return self.output((weights @ value).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then an MLP, both added to their input."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.before, self.attention = nn.LayerNorm(WIDTH), Attention(length)
        self.between = nn.LayerNorm(WIDTH)
        self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        x = x + self.attention(self.before(x))
        hidden = F.gelu(self.wide(self.between(x)), approximate="tanh")
        return x + self.narrow(hidden)


class Transformer(nn.Module):
    """Four blocks."""

    def __init__(self, vocab_size: int, length: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocab_size, WIDTH), nn.Embedding(length, WIDTH)
        self.blocks = nn.Sequential(*(Block(length) for _ in range(4)))
        self.last, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, vocab_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) → (B, T, V)."""
        return self.head(self.last(self.blocks(self.tokens(x) + self.places.weight)))


class BagOfWords(nn.Module):
    """The mean of what came so far, then an MLP, both added to their input."""

    def __init__(self, vocab_size: int, length: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocab_size, WIDTH), nn.Embedding(length, WIDTH)
        self.hidden, self.output = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, vocab_size)
        past = torch.ones(length, length).tril()
        self.register_buffer("mean", past / past.sum(1, keepdim=True))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) → (B, T, V)."""
        embedded = self.tokens(x) + self.places.weight
        embedded = embedded + self.mean @ embedded
        return self.head(embedded + self.output(self.hidden(embedded).tanh()))


class MLP(nn.Module):
    """Over the last T tokens, a row of its own for what is before the word."""

    def __init__(self, vocab_size: int, length: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab_size + 1, WIDTH)
        self.layers = nn.Sequential(
            nn.Linear(length * WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, vocab_size)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) → (B, T, V)."""
        blank = self.tokens.num_embeddings - 1
        windows = F.pad(x, (x.shape[1] - 1, 0), value=blank).unfold(1, x.shape[1], 1)
        return self.layers(self.tokens(windows.flip(2)).flatten(2))


class RNN(nn.Module):
    """One step after the other."""

    def __init__(self, vocab_size: int, _: int) -> None:
        super().__init__()
        self.start, self.tokens = nn.Parameter(torch.zeros(WIDTH)), nn.Embedding(vocab_size, WIDTH)
        self.gates = self.cell()
        self.head = nn.Linear(WIDTH, vocab_size)

    def cell(self) -> nn.ModuleList:
        """Its layers."""
        return nn.ModuleList([nn.Linear(2 * WIDTH, WIDTH)])

    def step(self, x: Tensor, state: Tensor) -> Tensor:
        """(B, C), (B, C) → (B, C)."""
        return self.gates[0](torch.cat([x, state], 1)).tanh()

    def forward(self, x: Tensor) -> Tensor:
        """(B, T) → (B, T, V)."""
        state, states = self.start.expand(len(x), -1), []
        for token in self.tokens(x).unbind(1):
            state = self.step(token, state)
            states.append(state)
        return self.head(torch.stack(states, 1))


class GRU(RNN):
    """Which forgets the state before it proposes, and then blends."""

    def cell(self) -> nn.ModuleList:
        """Its layers: blend, forget, propose."""
        return nn.ModuleList(nn.Linear(2 * WIDTH, WIDTH) for _ in range(3))

    def step(self, x: Tensor, state: Tensor) -> Tensor:
        """(B, C), (B, C) → (B, C)."""
        blend, keep, propose = self.gates
        both = torch.cat([x, state], 1)
        proposed = propose(torch.cat([x, keep(both).sigmoid() * state], 1)).tanh()
        return torch.lerp(state, proposed, blend(both).sigmoid())


MODELS = {"transformer": Transformer, "bow": BagOfWords, "mlp": MLP, "rnn": RNN, "gru": GRU}


class Network:
    """One of the models, and the loop that trains it."""

    def __init__(self, name: str, vocab_size: int, length: int) -> None:
        self.model = MODELS[name](vocab_size, length)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=5e-4, betas=(0.9, 0.99), weight_decay=0.01
        )
        _, seed = torch.empty(2, dtype=torch.int64).random_().tolist()  # the first is its workers'
        self.draws = torch.Generator().manual_seed(seed)
        self.done = 0

    def nll(self, split: Split, reduction: str = "mean") -> Tensor:
        """Of the characters that are not ignored."""
        logits, y = self.model(split[0]).flatten(0, 1), split[1].flatten()
        return F.cross_entropy(logits, y, ignore_index=IGNORED, reduction=reduction)

    def train(self, split: Split, steps: int) -> None:
        """So many batches of 32 words, drawn with replacement."""
        for _ in range(steps):
            index = torch.randint(len(split[0]), (32,), generator=self.draws)
            loss = self.nll((split[0][index], split[1][index]))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.done += 1

    @torch.no_grad()
    def loss(self, split: Split) -> float:
        """Nats a character, over a whole split."""
        return self.nll(split, "sum").item() / int((split[1] != IGNORED).sum())


def main(path: str, steps: str, every: str, name: str = "transformer") -> None:
    """Train, and print: the steps, the seconds of the loop, the loss."""
    shape, train, test = prepare(Path(path))
    network = Network(name, *shape)
    seconds = 0.0
    while network.done < int(steps):
        began = time.perf_counter()
        network.train(train, int(every))
        seconds += time.perf_counter() - began
        print(f"{network.done} {seconds:.1f} {network.loss(test):.4f}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
