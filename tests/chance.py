"""How many examples a random test takes: few at each landing, many for `make chaos`."""

import os

# `make chaos` sets it; everything else takes as many as the test says.
FACTOR = int(os.environ.get("TEST_EXAMPLES_FACTOR", "1"))


def examples(count: int) -> int:
    """Return how many examples to take where `count` is enough for a landing."""
    return count * FACTOR
