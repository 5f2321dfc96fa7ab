"""The sources, read once per worker."""

import pytest

from tests.architecture.sources import PROGRAM, Source, load


@pytest.fixture(scope="session")
def program() -> tuple[Source, ...]:
    """The shipped files."""
    return load(*PROGRAM)


@pytest.fixture(scope="session")
def tests() -> tuple[Source, ...]:
    """The files under tests/."""
    return load("tests")
