"""A file of words → tokens."""
