"""Templates that the policy can name: files of `config/templates`, read as package data."""

from importlib.resources import files


def read_template(name: str) -> str:
    """Return the text of a template. Raises: FileNotFoundError if there is none of that name."""
    found = next(
        (item for item in (files("config") / "templates").iterdir() if item.name == name), None
    )
    if found is None:
        raise FileNotFoundError(name)
    return found.read_text(encoding="utf-8")
