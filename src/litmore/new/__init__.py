"""A wing: a project of one's own, with litmore beneath it."""
