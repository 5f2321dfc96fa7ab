"""The models' validators, found once for each class.

`slack_sdk` looks for them among all attributes of an object, each time it is rendered: a status
card has 45 objects, and that search took 1.4 of the 2.4 ms that it takes to render. What is
checked stays the same.
"""

import functools

from slack_sdk.models import JsonObject


@functools.cache
def validators_of(cls: type[JsonObject]) -> tuple[str, ...]:
    """Return the names of the methods that check an object of this class."""
    names = (name for name in dir(cls) if not name.startswith("__"))
    return tuple(name for name in names if hasattr(getattr(cls, name, None), "validator"))


def check_quickly() -> None:
    """Have all models check themselves by the validators of their class."""

    def validate_json(self: JsonObject) -> None:
        for name in validators_of(type(self)):
            getattr(self, name)()

    JsonObject.validate_json = validate_json  # type: ignore[method-assign]
