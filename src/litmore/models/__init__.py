"""The models: `CharLM` and one file an architecture."""

from litmore.models.base import CharLM
from litmore.models.count_bigram import CountBigram
from litmore.models.mlp import MLP
from litmore.models.neural_bigram import NeuralBigram
from litmore.models.scalar_mlp import ScalarMLP

__all__ = ["MLP", "CharLM", "CountBigram", "NeuralBigram", "ScalarMLP"]
