"""Makes `bench`, which is run from the project's folder and never installed, importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
