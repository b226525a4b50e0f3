"""The API's description of itself, an OpenAPI 3.1 document, made from what the views say of their methods."""

import re
from functools import cache
from http import HTTPStatus
from typing import Any

from django.urls.converters import get_converters
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from gateway.rest.bodies import StrictSerializer, UpdateMaskField
from gateway.rest.operations import Operation, Parameter, operation_of
from gateway.rest.shapes import Choice, ProblemShape, Shape

IN_WORKSPACE = "/v1/workspaces/"
_ANY_REQUEST_MAY_MEET = (400, 401, 403)
_WRITES_MAY_MEET = (415, 422)
_ELSE = "Any other error, such as 405, 406, 429 or 503"
_MASK = {
    "description": "The fields to replace, as dotted paths; nothing else is looked at.",
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}},
        {
            "type": "object",
            "properties": {"paths": {"type": "array", "items": {"type": "string"}}},
            "required": ["paths"],
            "additionalProperties": False,
        },
    ],
}
_PATH_PARAMETER = re.compile(r"<(?P<converter>\w+):(?P<name>\w+)>")


class OperationSchema(AutoSchema):  # type: ignore[misc]
    """Describes a method by the `Operation` that it is declared with."""

    @property
    def operation(self) -> Operation:
        operation = operation_of(self.view, self.method)
        if operation is None:
            raise LookupError(f"{self.method} {self.path} is not described.")
        return operation

    def get_operation_id(self) -> str:
        name = self.operation.name
        name = self.view.renamed.get(name, name)
        if self.method == "PUT" and hasattr(self.view, "patch"):
            name = name.replace("update", "put", 1)
        return f"{name}InWorkspace" if self.path.startswith(IN_WORKSPACE) else name

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:
        return f"For the roles {', '.join(self.view.roles(self.method))}."

    def get_tags(self) -> list[str]:
        return [self.view.topic]

    def get_request_serializer(self) -> Any:
        return self.operation.body

    def get_response_serializers(self) -> Any:
        statuses = set(self.operation.refusals) | set(_ANY_REQUEST_MAY_MEET)
        if self.operation.body is not None:
            statuses |= set(_WRITES_MAY_MEET)
        if "{" in self.path or self.operation.parameters:
            statuses.add(404)
        refusals = {
            status: OpenApiResponse(ProblemShape, _reason(status))
            for status in sorted(statuses)
        }
        answers = {
            status: OpenApiResponse(shape, _reason(status))
            for status, shape in self.operation.answers.items()
        }
        return {**answers, **refusals, "default": OpenApiResponse(ProblemShape, _ELSE)}

    def get_override_parameters(self) -> list[OpenApiParameter]:
        return [_parameter(one) for one in self.operation.parameters]

    def _resolve_path_parameters(self, variables: list[str]) -> list[Any]:
        found = _PATH_PARAMETER.finditer(self.path_regex)
        converters = {one["name"]: one["converter"] for one in found}
        return [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {
                    "type": "string",
                    "pattern": f"^{get_converters()[converters[name]].regex}$",
                },
            }
            for name in variables
        ]

    def _map_serializer_field(
        self, field: Any, direction: Any, bypass_extensions: bool = False
    ) -> Any:
        if isinstance(field, UpdateMaskField):
            return _MASK
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        schema.pop("x-spec-enum-id", None)
        if isinstance(field, Choice) and direction == "request":
            return {**schema, "enum": [field.unspecified, *schema["enum"]]}
        return schema

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Any:
        schema = super()._map_basic_serializer(serializer, direction)
        schema["additionalProperties"] = False
        if not vars(type(serializer)).get("__doc__"):
            schema.pop("description", None)  # that of a base class
        if isinstance(serializer, StrictSerializer):
            return _strict(schema, serializer)
        if isinstance(serializer, Shape) and direction == "request":
            return _sent(schema, serializer)
        return schema

    def _get_serializer_name(
        self, serializer: Any, direction: Any, bypass_extensions: bool = False
    ) -> str:
        name = type(serializer).__name__
        if isinstance(serializer, Shape):
            name = name.removesuffix("Shape")
            return f"{name}Input" if direction == "request" else name
        return f"{name.removesuffix('Body')}Input"


class BearerToken(OpenApiAuthenticationExtension):  # type: ignore[misc]
    target_class = "gateway.identity.authentication.ApiKeyAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An API key with the scope `management:all`.",
        }


class AdminSession(OpenApiAuthenticationExtension):  # type: ignore[misc]
    target_class = "gateway.identity.authentication.AdminSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The admin's session; what changes something also needs `X-CSRFToken`.",
        }


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document. It is the same for everybody and holds no data."""
    described: dict[str, Any] = SchemaGenerator().get_schema(public=True)
    return described


def _strict(schema: dict[str, Any], body: StrictSerializer) -> dict[str, Any]:
    members = schema.setdefault("properties", {})
    if body.are_nulls_absent:
        _let_optional_ones_be_null(schema)
    for name in sorted(body.answered - set(members)):
        members[name] = {"description": "Known from answers, and ignored."}
    return {"anyOf": [schema, body.shorthand]} if body.shorthand else schema


def _sent(schema: dict[str, Any], shape: Shape) -> dict[str, Any]:
    _let_optional_ones_be_null(schema)
    if shape.is_tagged:
        schema["properties"]["type"] = {
            "type": ["string", "null"],
            "description": "Names the member that is given; may be left out.",
        }
    return schema


def _let_optional_ones_be_null(schema: dict[str, Any]) -> None:
    members = schema["properties"]
    for name in set(members) - set(schema.get("required", [])):
        members[name] = {"anyOf": [members[name], {"type": "null"}]}


def _parameter(one: Parameter) -> OpenApiParameter:
    is_list = one.schema.get("type") == "array"
    return OpenApiParameter(
        one.name,
        dict(one.schema),
        description=one.description,
        style="form" if is_list else None,
        explode=False if is_list else None,
    )


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase
