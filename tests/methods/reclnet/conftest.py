"""Where the tests of RecLNet find what they share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # so that test modules find `track_examples`
