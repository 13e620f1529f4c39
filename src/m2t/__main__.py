"""`python -m m2t` is the same as `m2t`."""

import sys

from .cli import main

sys.exit(main())
