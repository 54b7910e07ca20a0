"""Run litmore: `python main.py fit --config configs/mlp.yaml`, or `--help`."""

import sys

from litmore.cli import main

if __name__ == "__main__":
    sys.exit(main())
