"""What the OpenAPI document of a form would bring in, before it is saved."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from gateway.errors import GatewayError
from gateway.identity.admin_base import actor_of
from toolsets.admin.health import TOOL_TONES
from toolsets.admin.openapi_form import OpenApiForm
from toolsets.inspecting import inspect
from toolsets.models import Tool, ToolSet

_MOST_ROWS = 3000
_READ = (
    "url",
    "upload",
    "document",
    "base_url",
    "server_name",
    "headers",
    "include",
    "exclude",
    "approvals_only",
)


def reading_page(request: HttpRequest, tool_set: ToolSet) -> HttpResponse:
    """What the document of the form that is posted would bring in; `tool_set` is new, or the one that is changed."""
    allowed = tool_set.allowed_networks
    form = OpenApiForm(request.POST, request.FILES, instance=tool_set)
    form.is_valid()
    tool_set.allowed_networks = (
        allowed  # what is typed counts once somebody who may has saved it
    )
    wrong = {name: said for name, said in form.errors.items() if name in _READ}
    context: dict[str, Any] = {}
    try:
        if wrong:
            raise ValidationError({name: list(said) for name, said in wrong.items()})
        context = _read(form, tool_set, request)
    except ValidationError as exc:
        context["faults"] = [
            (form.fields[name].label if name in form.fields else "", " ".join(said))
            for name, said in _by_field(exc)
        ]
    except GatewayError as exc:
        context["refusal"] = exc
    return TemplateResponse(request, "toolcrib/openapi/reading.html", context)


def _read(form: OpenApiForm, tool_set: ToolSet, request: HttpRequest) -> dict[str, Any]:
    found = inspect(
        tool_set,
        adapter=form.adapter,
        secrets=form.cleaned_data.get("secrets") or {},
        actor=actor_of(request),
    )
    seen = found.preview
    return {
        "found": found,
        "total": len(seen.outcomes),
        "available": len(seen.having(Tool.Status.AVAILABLE)),
        "filtered": len(seen.having(Tool.Status.FILTERED)),
        "approval": len(seen.needing_approval),
        "rows": [(row, TOOL_TONES[row.status]) for row in seen.outcomes[:_MOST_ROWS]],
        "unnamed": found.skipped_count - len(found.skipped),
    }


def _by_field(refusal: ValidationError) -> list[tuple[str, list[str]]]:
    return [
        (OpenApiForm.refusal_fields.get(name, name), said)
        for name, said in refusal.message_dict.items()
    ]
