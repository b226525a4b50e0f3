"""What answers look like, for the API's description; the tests hold every answer to it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework import serializers


class Shape(serializers.Serializer[Any]):
    """An object with exactly these members. The description names it like the class, without `Shape`.

    A tagged one is a union, which requests may send with a `type` that names the member that is given.
    """

    is_tagged: ClassVar[bool] = False


class Choice(serializers.ChoiceField):
    """One of these; requests may also say that it is unspecified."""

    def __init__(self, choices: Sequence[str], *, unspecified: str, **options: Any):
        super().__init__(choices, **options)
        self.unspecified = unspecified


class ViolationShape(Shape):
    field = serializers.CharField(
        help_text="Where in the request, as a dotted path, or the name of a parameter."
    )
    description = serializers.CharField(help_text="What is wrong with it.")


class ProblemShape(Shape):
    """Why a request was not done."""

    code = serializers.CharField(help_text="A word that programs may rely on.")
    message = serializers.CharField(help_text="What happened, and what to do next.")
    details = ViolationShape(
        many=True, help_text="What is wrong, field by field; often empty."
    )


class Labels(serializers.DictField):
    """Arbitrary pairs of text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.CharField(allow_blank=True), **options)


class OperationMetadataShape(Shape):
    """What is known of anything that happened."""

    id = serializers.CharField(help_text="A prefixed ULID.")
    accountId = serializers.CharField()
    workspaceId = serializers.CharField()
    profileId = serializers.CharField(help_text="Who made it.")
    externalId = serializers.CharField(
        allow_blank=True, help_text="Your own id of it; empty when it has none."
    )
    labels = Labels()
    createdAt = serializers.DateTimeField()


class NamedMetadataShape(OperationMetadataShape):
    """What is known of anything with a name."""

    name = serializers.CharField()


class ResourceMetadataShape(NamedMetadataShape):
    """What is known of anything that bundles may own."""

    bundleKey = serializers.CharField(
        allow_blank=True, help_text="The bundle that owns it, or empty."
    )


class PaginationShape(Shape):
    nextCursor = serializers.CharField(
        allow_blank=True, help_text="The cursor of the next page; empty at the end."
    )
    next_cursor = serializers.CharField(allow_blank=True, help_text="The same.")


def cursor_page_of(shape: type[Shape]) -> type[Shape]:
    """A page of `items`, with the cursor of the next."""
    return _page(shape, items=shape(many=True), pagination=PaginationShape())


def numbered_page_of(shape: type[Shape]) -> type[Shape]:
    """A page of `results`, with their number and the addresses of its neighbours."""
    return _page(
        shape,
        count=serializers.IntegerField(min_value=0),
        next=serializers.URLField(allow_null=True),
        previous=serializers.URLField(allow_null=True),
        results=shape(many=True),
    )


def _page(shape: type[Shape], **members: Any) -> type[Shape]:
    name = shape.__name__.removesuffix("Shape")
    return type(f"{name}Page", (Shape,), members)
