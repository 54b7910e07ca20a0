from .base import CharLM as CharLM
from .count_bigram import CountBigram as CountBigram
from .mlp import MLP as MLP
from .neural_bigram import NeuralBigram as NeuralBigram
from .wavenet import WaveNet as WaveNet
