"""``python -m kasmcore`` is the ``kasmcore`` command."""

from __future__ import annotations

import sys

from kasmcore.cli import main

if __name__ == "__main__":
    sys.exit(main())
