"""Templates that the policy can name: files of `config/templates`, read as package data."""

from importlib.resources import files


def template_names() -> frozenset[str]:
    """Return the names of all templates that there are."""
    return frozenset(item.name for item in (files("config") / "templates").iterdir())


def read_template(name: str) -> str:
    """Return the text of a template. Raises: FileNotFoundError if there is none of that name."""
    if name not in template_names():
        raise FileNotFoundError(name)
    return (files("config") / "templates" / name).read_text(encoding="utf-8")
