"""A model of a user's own, as its module is written."""

MODEL = """
import torch
from torch import nn
from litmore.models import CharLM

class GRU(CharLM):
    views = ("words",)

    def __init__(self, vocabulary: str, hidden_dim: int = 8):
        super().__init__(vocabulary)
        self.save_hyperparameters()
        self.embedding = nn.Embedding(self.vocab_size, hidden_dim)
        self.recurrent = nn.GRU(hidden_dim, hidden_dim, batch_first=True)
        self.output = nn.Linear(hidden_dim, self.vocab_size)

    def forward(self, x):
        return self.output(self.recurrent(self.embedding(x))[0])
"""
