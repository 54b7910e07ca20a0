"""A wing: what a shell completes behind `litmore` and `python main.py`."""
