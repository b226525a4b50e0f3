"""*Try it*: the request that a tool would make, as it stands in the editor or as it is kept, and, when it is sent, the answer."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from gateway.errors import GatewayError
from gateway.identity.admin_base import actor_of
from gateway.identity.admin_display import duration, pretty, size
from toolsets import trying
from toolsets.admin.http_forms import HttpToolForm
from toolsets.models import Tool, ToolSet
from toolsets.schemas import SchemaUnusable, validator_of

_LONGEST: Final = 20_000
_MOST_FAULTS: Final = 5


@dataclass(frozen=True, kw_only=True)
class _Call:
    """The call that shall be tried."""

    name: str
    config: Mapping[str, Any]
    arguments: Mapping[str, Any]
    tool: Tool | None
    """The tool as it is kept; None for a new one."""


def trial_of_edited(request: HttpRequest, tool_set: ToolSet) -> HttpResponse:
    """What the tool in the form that is posted would send; with `send`, what comes back. `of` names the one it was."""
    kept = tool_set.tools.filter(pk=request.GET.get("of", "")).first()
    return _page(request, tool_set, lambda: _edited(request, kept))


def trial_of_kept(request: HttpRequest, tool: Tool) -> HttpResponse:
    """What a tool as it is kept would send for the arguments that are posted; with `send`, what comes back."""
    return _page(request, tool.tool_set, lambda: _kept(request, tool))


def _page(
    request: HttpRequest, tool_set: ToolSet, read: Callable[[], _Call]
) -> HttpResponse:
    context: dict[str, Any] = {}
    try:
        call = read()
        asked = trying.preview(tool_set, config=call.config, arguments=call.arguments)
        context |= {"asked": asked, "body": _readable(asked.body)}
        if request.POST.get("send"):
            context |= _answered(request, tool_set, call)
    except ValidationError as exc:
        context["faults"] = list(_faults(exc))
    except GatewayError as exc:
        context["refusal"] = exc
    return TemplateResponse(request, "toolcrib/http/trial.html", context)


def _answered(request: HttpRequest, tool_set: ToolSet, call: _Call) -> dict[str, Any]:
    trial = trying.send(
        tool_set,
        config=call.config,
        arguments=call.arguments,
        tool=call.tool,
        name=call.name,
        actor=actor_of(request),
    )
    return {
        "answer": trial.answer,
        "size": size(trial.answer.size),
        "took": duration(trial.milliseconds),
        "parts": [_part(block) for block in trial.answer.result.get("content") or []],
    }


def _edited(request: HttpRequest, kept: Tool | None) -> _Call:
    """The call of the tool in the form.

    Raises:
        ValidationError: the part of the form that makes the request, or the arguments, are wrong.
    """
    form = HttpToolForm(request.POST)
    form.is_valid()  # what models read may still be missing
    if wrong := {f: form.errors[f] for f in form.trial_fields if f in form.errors}:
        raise ValidationError({name: list(said) for name, said in wrong.items()})
    return _Call(
        name=form.cleaned_data.get("name", ""),
        config=form.config_after(kept),
        arguments=_arguments(request, form.cleaned_data["parameters"]),
        tool=kept,
    )


def _kept(request: HttpRequest, tool: Tool) -> _Call:
    """The call of a tool as it is kept.

    Raises:
        ToolArchived: it is not called any more.
        ValidationError: the arguments are wrong.
    """
    config = trying.config_of(tool)
    arguments = _arguments(request, tool.parameters)
    return _Call(name=tool.name, config=config, arguments=arguments, tool=tool)


def _arguments(request: HttpRequest, parameters: dict[str, Any]) -> dict[str, Any]:
    """The arguments that are posted, if a call of the tool may have them. Raises as `_kept`."""
    text = request.POST.get("arguments", "")
    try:
        arguments = json.loads(text or "{}")
    except (ValueError, RecursionError) as exc:
        where = f" (line {exc.lineno})" if isinstance(exc, json.JSONDecodeError) else ""
        raise ValidationError({"arguments": f"This is not JSON{where}."}) from exc
    if not isinstance(arguments, dict):
        raise ValidationError({"arguments": "Give a JSON object: { … }."})
    _check_fits(arguments, parameters)
    return arguments


def _check_fits(arguments: dict[str, Any], parameters: dict[str, Any]) -> None:
    try:
        found = validator_of(parameters).iter_errors(arguments)
        faults = [error.message for error in islice(found, _MOST_FAULTS)]
    except SchemaUnusable as exc:
        raise ValidationError({"parameters": exc.message}) from exc
    except ValueError as exc:  # half a surrogate pair
        raise ValidationError({"arguments": "This holds what is no text."}) from exc
    if faults:
        said = [f"A call would be refused: {fault}." for fault in faults]
        raise ValidationError({"arguments": said})


def _part(block: dict[str, Any]) -> dict[str, str]:
    """A part of an answer as far as it can be read; what cannot be is named."""
    if "text" in block:
        return {"text": _readable(str(block["text"]))}
    held = block.get("resource") or block
    data = str(held.get("data") or held.get("blob") or "")
    return {"said": f"{held.get('mimeType', 'a file')}, {size(len(data) * 3 // 4)}"}


def _readable(text: str) -> str:
    """JSON with line breaks, other text as it is, and neither without end."""
    with suppress(ValueError, RecursionError):  # no JSON, or no text in it
        laid_out = pretty(json.loads(text)) if text[:1] in {"{", "["} else text
        laid_out.encode()
        text = laid_out
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " […]"


def _faults(refusal: ValidationError) -> Iterator[tuple[str, str]]:
    for field, said in refusal.message_dict.items():
        named = HttpToolForm.refusal_fields.get(field, field)
        known = HttpToolForm.base_fields.get(named)
        label = (known.label if known else "") or named.replace("_", " ").capitalize()
        yield str(label), " ".join(said)
