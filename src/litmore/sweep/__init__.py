"""A wing: many runs of one config, over seeds or a search space, each a `fit` of its own."""
