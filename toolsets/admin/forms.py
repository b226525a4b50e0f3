"""The form with which a person connects an MCP server and changes how it is connected."""

from typing import TYPE_CHECKING, Any

from django import forms

from gateway.identity.admin_base import ModelForm
from gateway.identity.admin_fields import LabelsField, WordsField
from toolsets.admin.editors import (
    PairsField,
    PairsWidget,
    SecretPairsWidget,
    SecretsField,
)
from toolsets.admin.filtering import FiltersForm, filters_of
from toolsets.connecting import INTERACTIONS
from toolsets.models import ToolSet

if TYPE_CHECKING:
    from django.forms import CheckboxSelectMultiple, TextInput
else:
    from unfold.widgets import (
        UnfoldAdminCheckboxSelectMultipleWidget as CheckboxSelectMultiple,
    )
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

_INTERACTIONS = [
    ("elicitation", "Ask the user for input (elicitation)"),
    ("sampling", "Ask the agent's model for text (sampling)"),
    ("roots", "Ask for the agent's folders (roots)"),
]
_FIELDS = [
    "name",
    "slug",
    "description",
    "external_id",
    "labels",
    "tags",
    "allowed_networks",
    "sync_interval_seconds",
]
_DECIDES_TOOLS = ("url", "include", "exclude", "approvals", "approvals_only")

FIELDSETS: list[tuple[str | None, Any]] = [
    (None, {"fields": ["name", "url", "headers", "secrets"]}),
    (
        "Which tools",
        {
            "fields": ["include", "exclude", "approvals", "approvals_only", "preview"],
            "description": "Tools left out here can be neither listed nor called. Leaving out wins over bringing in. "
            "Single tools are left out on the Tools page.",
        },
    ),
    (
        "More",
        {
            "fields": [
                "description",
                "slug",
                "tags",
                "sync_interval_seconds",
                "upstream_may",
                "allowed_networks",
                "external_id",
                "labels",
            ],
        },
    ),
]


class ToolSetForm(FiltersForm, ModelForm):
    """A tool set with the mcp adapter."""

    refusal_fields = {
        "adapter.url": "url",
        "adapter.headers": "headers",
        "adapter.includeTools": "include",
        "adapter.excludeTools": "exclude",
        "adapter.toolApprovals": "approvals_only",
        "value": "secrets",
    }

    url = forms.CharField(
        label="URL",
        max_length=2048,
        widget=TextInput(attrs={"placeholder": "https://mcp.example.com/mcp"}),
        help_text="The address of the MCP server: streamable HTTP of any protocol version, or HTTP+SSE.",
    )
    headers = PairsField(
        required=False,
        widget=PairsWidget(
            add_label="Add a header",
            name_hint="Authorization",
            value_hint="Bearer ${TOKEN}",
        ),
        help_text="Sent with every request. ${NAME} stands for a secret of this tool set or of the workspace: "
        "keep tokens there, not here.",
    )
    secrets = SecretsField(
        required=False,
        widget=SecretPairsWidget(
            add_label="Add a secret",
            name_hint="TOKEN",
            value_hint="Value",
            value_type="password",
        ),
        help_text="Stored encrypted and never shown again. A name that exists already gets the new value.",
    )
    upstream_may = forms.MultipleChoiceField(
        required=False,
        label="The upstream may",
        choices=_INTERACTIONS,
        widget=CheckboxSelectMultiple,
        help_text="What the upstream asks reaches an agent only if the agent's client can answer.",
    )
    tags = WordsField(
        required=False,
        help_text="Words with commas between them. Agents whose scope tags meet these list this set's tools by "
        "themselves.",
    )
    allowed_networks = WordsField(
        required=False,
        label="Private networks",
        help_text="Networks inside that this upstream may be reached in, such as 10.20.0.0/16, with commas between them. "
        "Public addresses need no entry. Only the role admin may change this.",
    )
    labels = LabelsField(
        required=False, help_text="For scripts: key=value, with commas between them."
    )

    class Meta:
        model = ToolSet
        fields = _FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in _initial(self.instance).items():
            self.initial.setdefault(name, value)
        if "slug" in self.fields:
            self.fields["slug"].required = False
        if "preview" in self.fields:
            self.fields["preview"].widget.tool_set = self.instance
        if self.instance.is_managed:
            for name in _DECIDES_TOOLS:
                self.fields[name].disabled = True
                self.fields[name].help_text = "Managed: only API keys may change this."

    @property
    def adapter(self) -> dict[str, Any]:
        """What the form says of the adapter, as the domain takes it."""
        said = self.cleaned_data
        adapter = {**self.instance.adapter, "url": said["url"].strip()}
        adapter |= {"headers": said["headers"], **self.filters}
        return {name: value for name, value in adapter.items() if value}

    @property
    def facts(self) -> dict[str, Any]:
        """The other fields, as the domain takes them."""
        said = self.cleaned_data
        asked = {name: name in said["upstream_may"] for name in sorted(INTERACTIONS)}
        facts = {name: said[name] for name in _FIELDS if name in said}
        if any(self.instance.relays(name) != wanted for name, wanted in asked.items()):
            facts["interactions"] = asked
        if not facts.get("slug"):
            facts.pop("slug", None)
        return facts


def _initial(tool_set: ToolSet) -> dict[str, Any]:
    adapter = tool_set.adapter
    return {
        **filters_of(adapter),
        "url": adapter.get("url", ""),
        "headers": adapter.get("headers") or {},
        "upstream_may": [i for i, _ in _INTERACTIONS if tool_set.relays(i)],
    }
