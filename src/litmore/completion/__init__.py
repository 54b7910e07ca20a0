"""A wing: what a shell completes behind `python main.py`."""
