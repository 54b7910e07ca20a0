"""A wing: what litmore asks of models and data, as functions for the tests of a project."""

from litmore.testing.data import check_data
from litmore.testing.model import check_model

__all__ = ["check_data", "check_model"]
