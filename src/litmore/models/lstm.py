"""Long short-term memory."""

from torch import nn

from litmore.models.recurrent import Recurrent


class LSTM(Recurrent):
    """Beside the state a memory, which gates write to, erase and read.

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, with the forget gate of
    Gers et al., 2000.
    """

    cell = nn.LSTM
