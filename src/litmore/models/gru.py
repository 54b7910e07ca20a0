"""The gated recurrent unit."""

from torch import nn

from litmore.models.recurrent import Recurrent


class GRU(Recurrent):
    """Gates say how much of the state is kept, and how much of it the new one looks at.

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder–Decoder", 2014, in
    torch's variant, which applies the reset gate after the linear map, with two biases a gate;
    makemore.py applies it before, with one bias.
    """

    cell = nn.GRU
