"""The shapes of names that people and scripts give: external ids, slugs and labels."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.text import slugify

validate_external_id = RegexValidator(
    r"^[A-Za-z0-9._-]{1,128}\Z",
    "An external id is 1 to 128 letters, digits, dots, underscores or hyphens.",
)
validate_slug = RegexValidator(
    r"^[a-z0-9-]{1,40}\Z", "A slug is 1 to 40 small letters, digits or hyphens."
)

_LABEL_KEY = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_MOST_LABELS = 64
_MOST_TAGS = 64


def validate_labels(labels: Any) -> None:
    if not isinstance(labels, dict) or len(labels) > _MOST_LABELS:
        raise ValidationError(f"Labels are an object of at most {_MOST_LABELS} pairs.")
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key):
            raise ValidationError(
                f"{key[:80]!r} is not a label key: letters, digits, '-', '_' and '.', at most 63."
            )
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            raise ValidationError(
                f"The value of label {key!r} must be text of letters, digits, '-', '_' and '.', at most 63."
            )


def validate_tags(tags: Any) -> None:
    if (
        not isinstance(tags, list)
        or len(tags) > _MOST_TAGS
        or not all(isinstance(t, str) and 0 < len(t) <= 64 for t in tags)
    ):
        raise ValidationError(
            f"Tags are a list of at most {_MOST_TAGS} words of up to 64 characters."
        )


def slug_from(name: str, *, taken: set[str], fallback: str) -> str:
    """A slug made from `name` that is not in `taken`, numbered where it must be."""
    base = slugify(name).replace("_", "-").strip("-")[:40].strip("-") or fallback
    slug, number = base, 2
    while slug in taken:
        ending = f"-{number}"
        slug, number = base[: 40 - len(ending)] + ending, number + 1
    return slug
