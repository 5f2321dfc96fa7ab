"""How many examples a property test runs: few in each check, many in `make chaos`."""

import os

# `make chaos` sets it; otherwise a test runs the number it asks for.
FACTOR = int(os.environ.get("TEST_EXAMPLES_FACTOR", "1"))


def examples(count: int) -> int:
    """Return `count`, multiplied in `make chaos`."""
    return count * FACTOR
