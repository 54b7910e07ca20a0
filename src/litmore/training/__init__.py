"""Optimizers, the LR finder, and what is known of Lightning's insides."""
