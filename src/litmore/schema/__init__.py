"""A wing: a JSON schema of `fit`'s configs, by which an editor completes, describes and marks."""
