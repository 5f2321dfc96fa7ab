"""The templates that the policy can name: files in `config/templates`, read as package data."""

from importlib.resources import files


def template_names() -> frozenset[str]:
    """Return the names of all templates."""
    return frozenset(item.name for item in (files("config") / "templates").iterdir())


def read_template(name: str) -> str:
    """Return the text of a template. Raises: FileNotFoundError if there is none with this name."""
    if name not in template_names():
        raise FileNotFoundError(name)
    return (files("config") / "templates" / name).read_text(encoding="utf-8")
