"""The OpenAPI documents of tool sets: what people paste, and what the last good sync read."""

import zlib

from django.db import models

from toolsets.models.sets import ToolSet


class ApiDocument(models.Model):
    """The documents of one tool set, compressed; a row of its own, because they are large and shape nothing by themselves."""

    tool_set = models.OneToOneField(
        ToolSet, on_delete=models.CASCADE, related_name="api_document", primary_key=True
    )
    given = models.BinaryField(default=b"")
    consumed = models.BinaryField(default=b"")
    consumed_digest = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"document of {self.tool_set_id}"

    @property
    def given_text(self) -> str:
        """What a person gave, as it was given; "" when the document is fetched."""
        return _text(self.given)

    @property
    def consumed_text(self) -> str:
        """What the last good sync read, as JSON; "" before the first."""
        return _text(self.consumed)


def _text(packed: bytes | memoryview) -> str:
    return zlib.decompress(packed).decode() if packed else ""
