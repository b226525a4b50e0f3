"""What stands for an object in a path: its id, its slug, or `external_id:<value>`."""

from django.urls import register_converter

EXTERNAL_ID = "external_id:"


class ReferenceConverter:
    """An id or `external_id:<value>`; never a colon otherwise, so that `:verb` can follow."""

    regex = r"(?:external_id:)?[A-Za-z0-9._-]{1,128}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ReferenceConverter, "ref")
