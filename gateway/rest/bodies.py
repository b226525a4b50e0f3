"""Reads request bodies strictly: unknown members are refused by name, read-only ones of an answer sent back are not."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from rest_framework import serializers

from gateway.rest.queries import snake_case

UNKNOWN = "There is no such field."


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses members it does not know; those in `answered` it knows from answers, and ignores."""

    answered: ClassVar[frozenset[str]] = frozenset()
    are_nulls_absent: ClassVar[bool] = False  # said to the API's description
    shorthand: ClassVar[Mapping[str, Any] | None] = None  # what may stand for it

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {*self.fields, *self.answered}
            if unknown := [name for name in data if name not in known]:
                raise serializers.ValidationError(
                    {str(name)[:100]: [UNKNOWN] for name in unknown}
                )
            data = {k: v for k, v in data.items() if k not in self.answered}
        return super().to_internal_value(data)


class StrictText(serializers.CharField):
    """Text that must be sent as text; a number is not taken for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError(["Give text."])
        return super().to_internal_value(data)


class StrictFlag(serializers.BooleanField):
    """true or false, and nothing that merely looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError(["Give true or false."])
        return data


class StrictNumber(serializers.IntegerField):
    """A whole number that must be sent as a number."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError(["Give a whole number."])
        return super().to_internal_value(data)


class UpdateMaskField(serializers.Field[Any, Any, Any, Any]):
    """The paths of an update, as text, as a list, or as `{paths}`."""


class UpdateBody(StrictSerializer):
    """What an update may hold, for the API's description: the mask, and whichever members are to change."""

    are_nulls_absent = True

    updateMask = UpdateMaskField(required=False)
    update_mask = UpdateMaskField(required=False)


def object_of(body: Any) -> dict[str, Any]:
    """The body, which must be an object."""
    if not isinstance(body, Mapping):
        raise ValidationError("The body must be a JSON object.")
    return dict(body)


def without_tag(
    union: Mapping[str, Any], members: Iterable[str], *, at: str
) -> dict[str, Any]:
    """A union without the `type` that some clients send along, which must name the member that is given.

    Members that are null count as not given.
    """
    given = {name: value for name, value in union.items() if value is not None}
    tag = given.pop("type", None)
    chosen = [name for name in members if name in given]
    agrees = isinstance(tag, str) and any(
        snake_case(tag) == snake_case(name) for name in chosen
    )
    if tag is not None and not agrees:
        raise ValidationError(
            {f"{at}.type": f"Name the member that is given: {' or '.join(members)}."}
        )
    return given
