"""The forms with which a person connects an upstream and changes how it is connected: one for each adapter."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from gateway.identity.admin_base import ModelForm
from gateway.identity.admin_fields import LabelsField, WordsField
from toolsets.admin.editors import (
    HeadersWidget,
    PairsField,
    SecretPairsWidget,
    SecretsField,
)
from toolsets.admin.filtering import FiltersForm, filters_of
from toolsets.confidential import hidden
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
CONNECTION = ["headers", "secrets"]
MORE = ["description", "slug", "tags", "allowed_networks", "external_id", "labels"]
WHICH_TOOLS = (
    "Which tools",
    {
        "fields": ["include", "exclude", "approvals", "approvals_only", "preview"],
        "description": "Tools left out here can be neither listed nor called. Leaving out wins over bringing in. "
        "Single tools are left out on the Tools page.",
    },
)

Fieldsets = list[tuple[str | None, dict[str, Any]]]


class ToolSetForm(ModelForm):
    """What tool sets of every adapter have in common."""

    adapter_type: ClassVar[str]
    fieldsets: ClassVar[Fieldsets]
    may_read_secrets: ClassVar[bool] = False
    """Whether the person may read the secrets that stand in headers."""
    stored: ClassVar[Iterable[str]] = ()
    """The names of the secrets that its headers can use already."""
    members: ClassVar[dict[str, str]]
    """The adapter's members that are one line of text, each with the field it is typed into."""
    refusal_fields: ClassVar[dict[str, str]] = {
        "adapter.headers": "headers",
        "value": "secrets",
    }
    headers = PairsField(
        required=False,
        widget=HeadersWidget(
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
        for name, value in self.shown(self.instance).items():
            self.initial.setdefault(name, value)
        if "slug" in self.fields:
            self.fields["slug"].required = False
        if "secrets" in self.fields:
            self.fields["secrets"].widget.taken = self.stored
        if self.instance.is_managed:
            for name in self.deciding:
                self.fields[name].disabled = True
                self.fields[name].help_text = "Managed: only API keys may change this."

    @property
    def unshown(self) -> dict[str, Any]:
        """The fields that show nothing of what they replace, each with what stands for that."""
        return {"secrets": None}

    @property
    def recorded(self) -> dict[str, str]:
        """What the audit trail names the fields by: most are members of the adapter."""
        members = {name: "adapter" for name in self.fields if name not in _FIELDS}
        return {**members, "upstream_may": "interactions"}

    @property
    def deciding(self) -> list[str]:
        """The fields that decide which tools there are and where their calls go."""
        return list(self.members.values())

    def shown(self, tool_set: ToolSet) -> dict[str, Any]:
        """What the form shows of an adapter."""
        adapter = tool_set.adapter
        if not self.may_read_secrets:
            adapter = hidden(adapter)
        texts = {
            field: adapter.get(member, "") for member, field in self.members.items()
        }
        return {**texts, "headers": adapter.get("headers") or {}}

    @property
    def adapter(self) -> dict[str, Any]:
        """What the form says of the adapter, as the domain takes it."""
        said = {**self.instance.adapter, **self.said}
        return {name: value for name, value in said.items() if value}

    @property
    def said(self) -> dict[str, Any]:
        """The adapter's members that the form shows; what is empty is not given."""
        given = self.cleaned_data
        texts = {member: given[field].strip() for member, field in self.members.items()}
        return {**texts, "headers": given["headers"]}

    @property
    def facts(self) -> dict[str, Any]:
        """The other fields, as the domain takes them."""
        facts = {
            name: self.cleaned_data[name]
            for name in _FIELDS
            if name in self.cleaned_data
        }
        if not facts.get("slug"):
            facts.pop("slug", None)
        return facts


class SyncedForm(FiltersForm, ToolSetForm):
    """A tool set whose tools come from its upstream, and are filtered."""

    refusal_fields = {
        **ToolSetForm.refusal_fields,
        "adapter.includeTools": "include",
        "adapter.excludeTools": "exclude",
        "adapter.toolApprovals": "approvals_only",
    }
    together: ClassVar[tuple[frozenset[str], ...]] = (
        frozenset({"approvals", "approvals_only"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "preview" in self.fields:
            self.fields["preview"].widget.tool_set = self.instance

    @property
    def deciding(self) -> list[str]:
        return [*super().deciding, "include", "exclude", "approvals", "approvals_only"]

    def shown(self, tool_set: ToolSet) -> dict[str, Any]:
        return {**super().shown(tool_set), **filters_of(tool_set.adapter)}

    @property
    def said(self) -> dict[str, Any]:
        return {**super().said, **self.filters}


class McpForm(SyncedForm):
    """An MCP server."""

    adapter_type = ToolSet.AdapterType.MCP
    fieldsets = [
        (None, {"fields": ["name", "url", *CONNECTION]}),
        WHICH_TOOLS,
        ("More", {"fields": [*MORE, "sync_interval_seconds", "upstream_may"]}),
    ]
    members = {"url": "url"}
    refusal_fields = {**SyncedForm.refusal_fields, "adapter.url": "url"}

    url = forms.CharField(
        label="URL",
        max_length=2048,
        widget=TextInput(attrs={"placeholder": "https://mcp.example.com/mcp"}),
        help_text="The address of the MCP server: streamable HTTP of any protocol version, or HTTP+SSE.",
    )
    upstream_may = forms.MultipleChoiceField(
        required=False,
        label="The upstream may",
        choices=_INTERACTIONS,
        widget=CheckboxSelectMultiple,
        help_text="What the upstream asks reaches an agent only if the agent's client can answer.",
    )

    def shown(self, tool_set: ToolSet) -> dict[str, Any]:
        relayed = [name for name, _ in _INTERACTIONS if tool_set.relays(name)]
        return {**super().shown(tool_set), "upstream_may": relayed}

    @property
    def facts(self) -> dict[str, Any]:
        facts, wanted = super().facts, self.cleaned_data["upstream_may"]
        asked = {name: name in wanted for name in sorted(INTERACTIONS)}
        if any(self.instance.relays(name) != is_on for name, is_on in asked.items()):
            facts["interactions"] = asked
        return facts


class HttpForm(ToolSetForm):
    """An HTTP API, whose tools people write."""

    adapter_type = ToolSet.AdapterType.HTTP
    fieldsets = [
        (None, {"fields": ["name", "base_url", *CONNECTION]}),
        ("More", {"fields": MORE}),
    ]
    members = {"baseUrl": "base_url"}
    refusal_fields = {**ToolSetForm.refusal_fields, "adapter.baseUrl": "base_url"}

    base_url = forms.CharField(
        label="Base URL",
        max_length=2048,
        widget=TextInput(attrs={"placeholder": "https://api.example.com/v1"}),
        help_text="Where every path of its tools begins. You write the tools after saving.",
    )
