"""The admin of secrets: their names are shown, their values only stored."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString

from gateway.identity.admin_base import (
    ModelForm,
    WorkspaceAdmin,
    actor_of,
    display,
    workspace_of,
)
from gateway.identity.admin_display import ago
from gateway.identity.roles import Right
from toolsets.models import Secret
from toolsets.secrets import delete_secret, store_secret

if TYPE_CHECKING:
    from django.forms import PasswordInput
else:
    from unfold.widgets import UnfoldAdminPasswordWidget as PasswordInput


class SecretForm(ModelForm):
    """A secret's name, and its new value."""

    value = forms.CharField(
        widget=PasswordInput(attrs={"autocomplete": "new-password"}),
        strip=False,
        help_text="Stored encrypted and never shown again.",
    )

    class Meta:
        model = Secret
        fields = ["name", "tool_set"]
        labels = {"tool_set": "Only for the tool set"}
        help_texts = {"tool_set": "Empty: every tool set of the workspace may use it."}

    recorded: ClassVar[dict[str, str]] = {"value": "version"}

    @property
    def unshown(self) -> dict[str, Any]:
        return {"value": self.instance.version}


@admin.register(Secret)
class SecretAdmin(WorkspaceAdmin):
    right_to_add = right_to_change = right_to_delete = Right.KEYS

    form = SecretForm
    list_display = ["name", "of_set", "last_used", "version", "created_at"]
    list_select_related = ["tool_set", "use"]
    search_fields = ["name", "tool_set__name"]
    ordering = ["name", "pk"]
    delete_says = "Tool sets whose headers name it fail until it is stored again."
    empty_says = (
        "Keep tokens out of headers",
        "Store a token here, and write ${ITS_NAME} into the headers of a tool set. Its value is never shown again.",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if not self.has_change_permission(request):
            return ["name", "tool_set", "version"]
        return ["name", "tool_set", "value"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["name", "tool_set"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: Secret, form: Any, change: bool
    ) -> None:
        kept = store_secret(
            workspace_of(request),
            name=obj.name,
            value=form.cleaned_data["value"],
            tool_set=obj.tool_set,
            seen=form.found if change else None,
            actor=actor_of(request),
        )
        self.saved(obj, kept)

    def delete_model(self, request: HttpRequest, obj: Secret) -> None:
        delete_secret(obj, actor=actor_of(request))

    @display(description="used by", ordering="tool_set__name")
    def of_set(self, secret: Secret) -> str:
        return secret.tool_set.name if secret.tool_set else "the whole workspace"

    @display(description="last used", ordering="use__last_used_at")
    def last_used(self, secret: Secret) -> SafeString | str:
        return ago(secret.last_used_at) if secret.last_used_at else "never"
