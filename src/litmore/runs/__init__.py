"""A run's life: its folder, its record, its checkpoints, how it stops and goes on."""
