"""A wing: what the shipped configs are; in a wheel they lie here, too."""
