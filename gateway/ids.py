"""Prefixed ULIDs: ids that say what they name and sort by when they were made."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from ulid import ULID

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


def new_id(prefix: str) -> str:
    """A fresh id such as `ts_01JD7Q…`: the prefix, an underscore and a 26-character ULID."""
    return f"{prefix}_{ULID()}"


class PrefixedULIDField(_CharField):
    """A primary key made by `new_id(prefix)`."""

    def __init__(self, prefix: str = "", **options: Any) -> None:
        self.prefix = prefix
        options.update(
            primary_key=True,
            max_length=40,
            editable=False,
            default=functools.partial(new_id, prefix),
        )
        super().__init__(**options)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, options = super().deconstruct()
        for fixed in ("primary_key", "max_length", "editable", "default"):
            options.pop(fixed, None)
        return name, path, args, {**options, "prefix": self.prefix}
