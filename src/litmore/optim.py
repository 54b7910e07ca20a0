"""The optimizers, by the names that configs write."""

from litmore.training.muon_adamw import MuonAdamW

__all__ = ["MuonAdamW"]
