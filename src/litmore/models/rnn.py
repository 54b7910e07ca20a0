"""The simplest recurrent network."""

from torch import nn

from litmore.models.recurrent import Recurrent


class RNN(Recurrent):
    """The new state is tanh of a linear map of the token's embedding and the state before.

    Source: Mikolov et al., "Recurrent neural network based language model", 2010; makemore.py.
    """

    cell = nn.RNN
