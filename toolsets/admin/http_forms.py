"""The form in which a person writes a tool of an HTTP API."""

import json
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from gateway.identity.admin_display import pretty
from gateway.identity.admin_edits import Edited
from toolsets.adapters.http.configs import METHODS
from toolsets.admin.editors import HeadersWidget, PairsField
from toolsets.confidential import hidden, restored
from toolsets.models import Tool

_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}, "required": []}


class SchemaField(forms.CharField):
    """A JSON Schema, typed as text; what is not JSON in it names the line."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        super().__init__(widget=code(rows=rows), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return pretty(value) if isinstance(value, dict) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return _NO_PARAMETERS
        try:
            read = json.loads(text)
        except json.JSONDecodeError as exc:
            raise ValidationError(
                f"Line {exc.lineno}, column {exc.colno}: this is not JSON ({exc.msg})."
            ) from exc
        except (ValueError, RecursionError) as exc:
            raise ValidationError("This is not JSON that can be kept.") from exc
        if not isinstance(read, dict):
            raise ValidationError("Give a JSON object: { … }.")
        return read


def code(*, rows: int, hint: str = "") -> forms.Textarea:
    attrs = {
        "class": "tc-input tc-code",
        "rows": rows,
        "spellcheck": "false",
        "placeholder": hint,
    }
    return forms.Textarea(attrs=attrs)


def line(hint: str = "", *, is_code: bool = False) -> forms.TextInput:
    look = "tc-input tc-code" if is_code else "tc-input"
    attrs = {"class": look, "placeholder": hint, "autocomplete": "off"}
    return forms.TextInput(attrs={**attrs, "spellcheck": "false"} if is_code else attrs)


class HttpToolForm(forms.Form):
    """A tool of an HTTP API: what models read about it, and the request that it makes."""

    refusal_fields: ClassVar[dict[str, str]] = {
        "config.requestMethod": "method",
        "config.path": "path",
        "config.query": "query",
        "config.headers": "headers",
        "config.requestBodyContentType": "content_type",
        "config.requestBodyTemplate": "body",
        "config.toolName": "tool_name",
    }

    trial_fields = (
        "parameters",
        "method",
        "path",
        "query",
        "headers",
        "content_type",
        "body",
    )

    name = forms.CharField(
        max_length=255,
        widget=line("create_issue", is_code=True),
        help_text="What models call it by: letters, digits, _ and -.",
    )
    title = forms.CharField(
        required=False,
        max_length=2000,
        widget=line("Create an issue"),
        help_text="What people call it.",
    )
    description = forms.CharField(
        widget=forms.Textarea(attrs={"class": "tc-input", "rows": 3}),
        help_text="What it does and when to use it. Models choose tools by this text.",
    )
    parameters = SchemaField(
        required=False,
        rows=10,
        help_text="A JSON Schema of type object. Calls whose arguments do not fit are refused before anything is sent.",
    )
    method = forms.ChoiceField(
        choices=[(method, method) for method in METHODS],
        widget=forms.Select(attrs={"class": "tc-input"}),
    )
    path = forms.CharField(
        required=False,
        widget=line("/repos/{{ owner }}/issues/{{ number }}", is_code=True),
        help_text="Follows the base URL. {{ name }} is one segment, whatever its value holds.",
    )
    query = forms.CharField(
        required=False,
        widget=line("q={{ text }}&limit={{ limit | default: 20 }}", is_code=True),
        help_text="Without the ?. {{ name }} is one value.",
    )
    headers = PairsField(
        required=False,
        widget=HeadersWidget(
            is_template=True,
            name_hint="X-Request-Source",
            value_hint="{{ name }} or ${SECRET}",
        ),
        help_text="Beside those of the tool set. {{ name }} stays on one line; ${SECRET} stands for a secret.",
    )
    content_type = forms.CharField(
        required=False,
        label="Content type",
        widget=line("application/json", is_code=True),
        help_text="JSON where it is empty. Also application/x-www-form-urlencoded, multipart/form-data, text and XML.",
    )
    body = forms.CharField(
        required=False,
        strip=False,
        widget=code(rows=8, hint='{"title": {{ title }}, "labels": {{ labels }}}'),
        help_text="In JSON, {{ name }} is a whole JSON value (write no quotes around it), and within quotes it is escaped "
        "text. {% if name %} … {% endif %} and {% for item in list %} … {% endfor %} work as in Liquid.",
    )

    tool_name = forms.CharField(
        required=False,
        label="Tool name for clients",
        widget=line(is_code=True),
        help_text="Written over REST as toolName, and kept for clients. It has no effect: method and path say what is called, "
        "and models know the tool by its name above.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.initial.get("tool_name"):
            del self.fields["tool_name"]

    def clean(self) -> None:
        super().clean()
        said = self.cleaned_data
        has_body = said.get("method") in {"POST", "PUT", "PATCH"}
        if said.get("body", "").strip() and not has_body:
            self.add_error(
                "body", f"A {said.get('method')} request has no body. Empty this."
            )

    @property
    def config(self) -> dict[str, Any]:
        """The tool's configuration, as the domain takes it; what is empty is not given."""
        said = self.cleaned_data
        config = {
            "requestMethod": said.get("method"),
            "path": said.get("path"),
            "query": said.get("query"),
            "headers": said.get("headers"),
            "requestBodyContentType": said.get("content_type"),
            "requestBodyTemplate": said.get("body"),
            "toolName": said.get("tool_name"),
        }
        return {member: value for member, value in config.items() if value}

    def config_after(self, tool: Tool | None) -> dict[str, Any]:
        """The configuration, with what was hidden as `tool` has it.

        Raises:
            ValidationError: it has no such header.
        """
        kept = tool.config if tool else {}
        whole: dict[str, Any] = restored(self.config, kept, at="config.headers")
        return whole

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that the form says of the tool, as the domain takes it."""
        said = self.cleaned_data
        return {
            "name": said["name"],
            "title": said["title"],
            "description": said["description"],
            "parameters": said["parameters"],
            "config": self.config,
        }

    def refuse(self, reason: ValidationError) -> None:
        """Show what the domain refused at the fields that are meant."""
        for field, said in _by_field(reason).items():
            named = self.refusal_fields.get(field, field)
            self.add_error(named if named in self.fields else None, said)


class HttpToolEdit(Edited, HttpToolForm):
    """A tool that is there already."""

    recorded: ClassVar[dict[str, str]] = dict.fromkeys(
        ("method", "path", "query", "headers", "content_type", "body", "tool_name"),
        "config",
    )


def initial_of(tool: Tool | None, *, may_read_secrets: bool) -> dict[str, Any]:
    """What the form shows of a tool, or of a new one; secrets in its headers only to who may read them."""
    if tool is None:
        return {"method": "GET", "parameters": _NO_PARAMETERS}
    config = tool.config if may_read_secrets else hidden(tool.config)
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "parameters": tool.parameters,
        "method": config.get("requestMethod", "GET"),
        "path": config.get("path", ""),
        "query": config.get("query", ""),
        "headers": config.get("headers") or {},
        "content_type": config.get("requestBodyContentType", ""),
        "body": config.get("requestBodyTemplate", ""),
        "tool_name": config.get("toolName", ""),
    }


def _by_field(reason: ValidationError) -> dict[str, list[str]]:
    if hasattr(reason, "error_dict"):
        return reason.message_dict
    return {"": reason.messages}
