"""The Transformer, decoder only."""

import math
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import AdamW, Optimizer

from litmore.corpus.vocabulary import Vocabulary
from litmore.errors import InputError
from litmore.models.base import CharLM
from litmore.models.sizes import check_dropout, check_sizes


class Transformer(CharLM):
    """Embed tokens and their places, let each look at those before it, logits after each.

    Source: Vaswani et al., "Attention Is All You Need", 2017, with the norms before the layers as
    in GPT-2 (Radford et al., 2019) and makemore.py.

    Args:
        vocabulary: the characters in the order of their ids; from the data.
        block_size: T at most, the places that there are; in a longer word the context slides.
        embedding_dim: C.
        num_layers: blocks.
        num_heads: of each block's attention; they share C.
        dropout: share of what each block adds that is dropped in training.
        init: `scaled` draws small weights, the smaller the more blocks add up, ties the output to
            the embedding, and leaves all biases out; `makemore` is makemore.py's.

    Raises:
        InputError: a size is below 1, a share is none, or the heads do not divide C.

    """

    views = ("words",)

    def __init__(
        self,
        vocabulary: Vocabulary | str,
        block_size: int = 16,
        embedding_dim: int = 64,
        num_layers: int = 4,
        num_heads: int = 4,
        dropout: float = 0.0,
        init: Literal["scaled", "makemore"] = "scaled",
    ) -> None:
        super().__init__(vocabulary, block_size)
        self.save_hyperparameters()
        check_sizes(embedding_dim=embedding_dim, num_layers=num_layers, num_heads=num_heads)
        check_dropout(dropout)
        if embedding_dim % num_heads:
            raise InputError(
                f"--model.num_heads {num_heads}: must divide embedding_dim, {embedding_dim}"
            )
        self.longest_input = block_size
        is_plain = init == "makemore"
        self.embedding = nn.Embedding(self.vocab_size, embedding_dim)
        self.position = nn.Embedding(block_size, embedding_dim)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            Block(embedding_dim, num_heads, dropout, is_plain) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(embedding_dim, bias=is_plain)
        self.output = nn.Linear(embedding_dim, self.vocab_size, bias=False)
        if not is_plain:
            self.output.weight = self.embedding.weight
            for name, weight in self.named_parameters():
                if weight.ndim == 2:
                    adds_up = name.endswith(("project.weight", "down.weight"))
                    blocks = 2 * num_layers if adds_up else 1
                    nn.init.normal_(weight, std=0.02 / math.sqrt(blocks))

    def forward(self, x: Int[Tensor, "B T"]) -> Float[Tensor, "B T V"]:
        place = torch.arange(x.shape[1], device=x.device)
        h = self.dropout(self.embedding(x) + self.position(place))  # (B, T, C)
        for block in self.blocks:
            h, _ = block(h)
        return self.output(self.norm(h))

    def configure_optimizers(self) -> Optimizer:
        """AdamW, at a rate that attention bears, where a config names no other."""
        return AdamW(self.parameters(), lr=0.002)

    def advance(
        self, tokens: Int[Tensor, " B"], state: tuple[Tensor, ...] = ()
    ) -> tuple[Float[Tensor, "B V"], tuple[Tensor, ...]]:
        """The state is the tokens so far, and each block's keys and values of them."""
        so_far = torch.cat([*state[:1], tokens[:, None]], dim=1)
        length = so_far.shape[1]
        if length > self.block_size:  # the context slides: each token has another place
            return super().advance(tokens, state[:1])
        pasts = state[1:] or [None] * len(self.blocks)
        h = (self.embedding(tokens) + self.position.weight[length - 1])[:, None]  # (B, 1, C)
        kept = [so_far]
        for block, past in zip(self.blocks, pasts, strict=True):
            h, seen = block(h, past)
            kept.append(seen)
        return self.output(self.norm(h))[:, 0], tuple(kept)


class Block(nn.Module):
    """Attention, then two linear layers a token; each is added to what it is given."""

    def __init__(self, embedding_dim: int, num_heads: int, dropout: float, is_plain: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attention_norm = nn.LayerNorm(embedding_dim, bias=is_plain)
        self.attend = nn.Linear(embedding_dim, 3 * embedding_dim, bias=is_plain)
        self.project = nn.Linear(embedding_dim, embedding_dim, bias=is_plain)
        self.linear_norm = nn.LayerNorm(embedding_dim, bias=is_plain)
        self.up = nn.Linear(embedding_dim, 4 * embedding_dim, bias=is_plain)
        self.down = nn.Linear(4 * embedding_dim, embedding_dim, bias=is_plain)
        self.activation = nn.GELU("tanh")
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "B T C"], past: Float[Tensor, "B S CC"] | None = None
    ) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B _ CC"]]:
        """What comes out; and keys and values side by side, of what went before and of these."""
        size = x.shape[-1]
        query, seen = self.attend(self.attention_norm(x)).split([size, 2 * size], dim=-1)
        if past is not None:
            seen = torch.cat([past, seen], dim=1)
        query, key, value = (
            each.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, T, D)
            for each in (query, *seen.chunk(2, dim=-1))
        )
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=past is None)
        x = x + self.dropout(self.project(attended.transpose(1, 2).flatten(2)))
        x = x + self.dropout(self.down(self.activation(self.up(self.linear_norm(x)))))
        return x, seen
