"""makemore on Lightning: the name models of the makemore lectures as a research template."""

__version__ = "0.1.0"
