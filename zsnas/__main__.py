"""`python -m zsnas`: the command line without its script."""

import sys

from zsnas.cli import main

if __name__ == "__main__":
    sys.exit(main())
