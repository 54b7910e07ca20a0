"""Run litmore: `python main.py fit --config configs/mlp.yaml`, or `--help`."""

import sys

from litmore.runs.signals import end_with_parent, stop_at_once

if __name__ == "__main__":
    stop_at_once()  # before the imports below, which take seconds
    end_with_parent()
    from litmore.cli import main

    sys.exit(main())
