"""The form for an OpenAPI document: by address, as a file, or as text."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from toolsets.adapters.openapi.documents import MOST_BYTES
from toolsets.admin.forms import CONNECTION, MORE, WHICH_TOOLS, SyncedForm
from toolsets.models import ToolSet

if TYPE_CHECKING:
    from django.forms import FileInput, Textarea, TextInput
else:
    from unfold.widgets import UnfoldAdminFileFieldWidget as FileInput
    from unfold.widgets import UnfoldAdminTextareaWidget as Textarea
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput


class ReadingWidget(forms.Widget):
    """Not an input: a button that reads the document of the form, and what came of it."""

    tool_set: ToolSet | None = None

    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        of_set = self.tool_set is not None and not self.tool_set._state.adding
        about = f"?of={self.tool_set.pk}" if self.tool_set and of_set else ""
        address = reverse("admin:toolsets_toolset_read") + about
        return render_to_string("toolcrib/openapi/panel.html", {"address": address})


class OpenApiForm(SyncedForm):
    """An OpenAPI document, from an address, pasted or uploaded."""

    adapter_type = ToolSet.AdapterType.OPENAPI
    fieldsets = [
        (None, {"fields": ["name", "url", "upload", "document"]}),
        ("Calls", {"fields": ["base_url", "server_name", *CONNECTION]}),
        (
            WHICH_TOOLS[0],
            {**WHICH_TOOLS[1], "fields": [*WHICH_TOOLS[1]["fields"], "reading"]},
        ),
        ("More", {"fields": [*MORE, "sync_interval_seconds"]}),
    ]
    members = {"url": "url", "baseUrl": "base_url", "serverName": "server_name"}
    refusal_fields = {
        **SyncedForm.refusal_fields,
        "adapter.url": "url",
        "adapter.document": "document",
        "adapter.baseUrl": "base_url",
        "adapter.serverName": "server_name",
    }
    called: ClassVar[dict[str, str]] = {"upload": "Document", "document": "Document"}
    together = (*SyncedForm.together, frozenset({"url", "upload", "document"}))

    url = forms.CharField(
        label="Document URL",
        required=False,
        max_length=2048,
        widget=TextInput(attrs={"placeholder": "https://api.example.com/openapi.json"}),
        help_text="An OpenAPI 3.0 or 3.1 document, JSON or YAML. It is fetched again with every sync.",
    )
    upload = forms.FileField(
        label="or upload it",
        required=False,
        widget=FileInput(attrs={"accept": ".json,.yaml,.yml,.txt"}),
    )
    document = forms.CharField(
        label="or paste it",
        required=False,
        strip=False,
        widget=Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )
    base_url = forms.CharField(
        label="Base URL",
        required=False,
        max_length=2048,
        widget=TextInput(attrs={"placeholder": "https://api.example.com/v1"}),
        help_text="Where calls go. Empty: the server that the document names.",
    )
    server_name = forms.CharField(
        label="Server name",
        required=False,
        max_length=200,
        widget=TextInput,
        help_text="Which of the document's servers to call, where it names several. Empty: the first.",
    )
    reading = forms.Field(required=False, widget=ReadingWidget, label="What is in it")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reading"].widget.tool_set = self.instance
        if (kept := self._kept) and not self.instance.is_managed:
            self.fields[
                "document"
            ].help_text = f"A document is kept ({kept[:19]}…). Another one, or a URL, takes its place."

    @property
    def unshown(self) -> dict[str, Any]:
        return {**super().unshown, "upload": self._kept, "document": self._kept}

    @property
    def deciding(self) -> list[str]:
        return [*super().deciding, "upload", "document"]

    @property
    def said(self) -> dict[str, Any]:
        url, given = self.cleaned_data["url"].strip(), self._given
        return {**super().said, "document": given or ("" if url else self._kept)}

    def clean(self) -> None:
        super().clean()
        said = self.cleaned_data
        ways = [name for name in ("url", "upload", "document") if said.get(name)]
        if len(ways) > 1:
            self.add_error(ways[-1], "Give one of the three: a URL, a file or a text.")
        if not ways and not self._kept and "url" not in self.errors:
            self.add_error(
                "url", "Give the document: its address, a file, or its text."
            )

    def clean_upload(self) -> str:
        """The text of the file."""
        file = self.cleaned_data.get("upload")
        if file and file.size > MOST_BYTES:
            raise ValidationError(
                f"This file is larger than {MOST_BYTES // 1024**2} MiB."
            )
        try:
            if file:
                file.seek(0)  # a form is read again where its edit begins anew
            return file.read().decode("utf-8-sig") if file else ""
        except UnicodeDecodeError as exc:
            raise ValidationError("This file is not text in UTF-8.") from exc

    @property
    def _given(self) -> str:
        said = self.cleaned_data
        return str(said.get("upload") or said.get("document") or "")

    @property
    def _kept(self) -> str:
        return str(self.instance.adapter.get("document") or "")
