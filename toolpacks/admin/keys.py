"""The admin of API keys: made with their limits, shown once, rotated and revoked; never changed otherwise."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import (
    AutocompleteSelect,
    AutocompleteSelectMultiple,
)
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gateway.errors import GatewayError
from gateway.identity.admin_base import (
    WorkspaceAdmin,
    actor_of,
    caller_of,
    display,
    may,
    workspace_of,
)
from gateway.identity.admin_display import TWO_LINES, ago, chip
from gateway.identity.keys import IssuedKey, KeyWithoutLimits, revoke_key, rotate_key
from gateway.identity.models import (
    AgentProfile,
    ApiKey,
    ApiKeyRegisteredUser,
    Membership,
    RegisteredUser,
    Workspace,
)
from gateway.identity.roles import Right, Role
from toolpacks.admin.contents import mcp_url
from toolpacks.key_limits import issue_pack_key
from toolpacks.models import ApiKeyPack, ToolPack

if TYPE_CHECKING:
    from django.forms import (
        CheckboxSelectMultiple,
        ModelMultipleChoiceField,
        Select,
        TextInput,
    )
else:
    from django.forms import ModelMultipleChoiceField
    from unfold.widgets import (
        UnfoldAdminCheckboxSelectMultipleWidget as CheckboxSelectMultiple,
    )
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

AS_ANYONE = "act as anyone"
_LIVES = {
    "7": "7 days",
    "30": "30 days",
    "90": "90 days",
    "365": "one year",
    "": "never",
}
_SHOWN_LIMITS = 3


def _many(model: type[Any], field: str, **options: Any) -> Any:
    """Rows to choose several of, found by search."""
    return ModelMultipleChoiceField(
        queryset=model.objects.none(),
        required=False,
        widget=AutocompleteSelectMultiple(
            options.pop("of")._meta.get_field(field), admin.site
        ),
        **options,
    )


def _one(model: type[Any], field: str, **options: Any) -> Any:
    """A row to choose, found by search."""
    return forms.ModelChoiceField(
        queryset=model.objects.none(),
        required=False,
        widget=AutocompleteSelect(ApiKey._meta.get_field(field), admin.site),
        **options,
    )


class KeyForm(forms.Form):
    """What a key may do, for whom, and for how long."""

    name = forms.CharField(
        max_length=200,
        widget=TextInput(attrs={"placeholder": "Support agent, production"}),
        help_text="Where it will be used, so that you know what stops when you revoke it.",
    )
    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope,
        initial=[ApiKey.Scope.RUNTIME],
        widget=CheckboxSelectMultiple,
        help_text="Runtime calls tools over MCP; management is the REST API. Neither implies the other.",
    )
    role = forms.ChoiceField(
        label="Role over REST",
        widget=Select,
        initial=Role.READ_ONLY,
        help_text="What the key may do with the management scope.",
    )
    expires_in = forms.ChoiceField(
        label="Expires after",
        choices=list(_LIVES.items()),
        initial="90",
        required=False,
        widget=Select,
    )
    packs = _many(
        ToolPack,
        "pack",
        of=ApiKeyPack,
        label="Only these tool packs",
        help_text="Empty: any pack of the workspace.",
    )
    users = _many(
        RegisteredUser,
        "registered_user",
        of=ApiKeyRegisteredUser,
        label="Only for these registered users",
        help_text="Empty: any registered user.",
    )
    registered_user = _one(
        RegisteredUser,
        "registered_user",
        label="Bound to one user",
        help_text="The key always acts for this user, and for nobody else.",
    )
    agent_profile = _one(
        AgentProfile,
        "agent_profile",
        label="Agent",
        help_text="Who uses the key: shown beside each call.",
    )
    phrase = forms.CharField(
        label=f"To make a runtime key without limits, type “{AS_ANYONE}”",
        required=False,
        widget=TextInput(attrs={"autocomplete": "off", "placeholder": AS_ANYONE}),
        help_text="Such a key reaches every tool pack on behalf of every registered user. "
        "Limit the key instead wherever you can.",
    )

    def __init__(self, *args: Any, workspace: Workspace, role: str, **kwargs: Any):
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["role"].choices = _roles_up_to(role)
        for name, model in _CHOICES.items():
            fields[name].queryset = model.objects.in_workspace(workspace)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("registered_user") and said.get("users"):
            self.add_error(
                "registered_user",
                "Bind the key to one user, or limit it to some: not both.",
            )
        return said

    @property
    def wanted(self) -> dict[str, Any]:
        """What the form says, as the domain takes it."""
        said = self.cleaned_data
        return {
            "name": said["name"],
            "scopes": said["scopes"],
            "role": said["role"],
            "packs": list(said["packs"]) or None,
            "limited_to_users": list(said["users"]) or None,
            "registered_user": said["registered_user"],
            "agent_profile": said["agent_profile"],
            "expires_at": _expiry(said["expires_in"]),
            "may_act_as_anyone": said["phrase"].strip().lower() == AS_ANYONE,
        }


_CHOICES: dict[str, Any] = {
    "packs": ToolPack,
    "users": RegisteredUser,
    "registered_user": RegisteredUser,
    "agent_profile": AgentProfile,
}


class KeyState(admin.SimpleListFilter):
    """Usable, expired or revoked."""

    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("active", "Active"), ("expired", "Expired"), ("revoked", "Revoked")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ApiKey]
    ) -> QuerySet[ApiKey]:
        now = timezone.now()
        match self.value():
            case "active":
                return queryset.filter(revoked_at=None).exclude(expires_at__lte=now)
            case "expired":
                return queryset.filter(revoked_at=None, expires_at__lte=now)
            case "revoked":
                return queryset.exclude(revoked_at=None)
        return queryset


@admin.register(ApiKey)
class ApiKeyAdmin(WorkspaceAdmin):
    right_to_add = Right.OWN_KEYS

    list_display = ["title", "limits", "state", "expires", "last_used", "made_by"]
    list_display_links = ["title"]
    list_filter = [KeyState]
    list_select_related = ["use", "created_by", "registered_user", "agent_profile"]
    search_fields = ["name", "id"]
    search_help_text = "Name or id"
    ordering = ["-pk"]
    empty_says = (
        "Create a key for your first agent",
        "A key lets an agent call tools, or a script use the REST API. It is shown once.",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        rows: QuerySet[ApiKey] = super().get_queryset(request)
        return rows.annotate(
            user_total=Count("user_limits", distinct=True)
        ).prefetch_related("pack_limits__pack")

    def get_urls(self) -> list[URLPattern]:
        pages = [("rotate", self.rotate_view), ("revoke", self.revoke_view)]
        return [
            path(
                f"<str:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"identity_apikey_{name}",
            )
            for name, view in pages
        ] + super().get_urls()

    # --- what is shown ----------------------------------------------------------------------------------------------

    @display(description="key", ordering="name")
    def title(self, key: ApiKey) -> SafeString:
        return format_html(
            TWO_LINES,
            key.name,
            " + ".join(ApiKey.Scope(scope).label for scope in key.scopes),
        )

    @display(description="limits")
    def limits(self, key: Any) -> SafeString:
        return format_html(TWO_LINES, _packs(key), _users(key))

    @display(description="state", ordering="revoked_at")
    def state(self, key: ApiKey) -> SafeString:
        return _state(key)

    @display(description="expires", ordering="expires_at")
    def expires(self, key: ApiKey) -> SafeString | str:
        return ago(key.expires_at) if key.expires_at else "never"

    @display(description="last used", ordering="use__last_used_at")
    def last_used(self, key: ApiKey) -> SafeString | str:
        use = getattr(key, "use", None)
        return ago(use.last_used_at) if use else "never"

    @display(description="made by", ordering="created_by__name")
    def made_by(self, key: ApiKey) -> str:
        return str(key.created_by)

    # --- what is done -----------------------------------------------------------------------------------------------

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        workspace, asks_phrase = workspace_of(request), False
        form = KeyForm(
            request.POST or None,
            initial=_asked_for(request),
            workspace=workspace,
            role=caller_of(request).role,
        )
        if request.method == "POST" and form.is_valid():
            try:
                issued = issue_pack_key(
                    workspace,
                    **form.wanted,
                    issuer=caller_of(request),
                    actor=actor_of(request),
                )
                return self._shown_once(request, issued, "The key is made")
            except KeyWithoutLimits as exc:
                asks_phrase = True
                form.add_error("phrase", exc.message)
            except (GatewayError, ValidationError) as exc:
                _add_errors(form, exc)
        return self.page(
            request,
            "toolcrib/key/create.html",
            title="Create an API key",
            form=form,
            media=self.media + form.media,
            asks_phrase=asks_phrase,
        )

    def rotate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = self.row(request, object_id)
        if request.method != "POST" or not _may_rotate(request, key):
            raise PermissionDenied
        try:
            issued = rotate_key(key, actor=actor_of(request))
        except GatewayError as exc:
            messages.error(request, exc.message)
            return HttpResponseRedirect(self.address("change", object_id))
        title = "The key is rotated; its old token no longer works"
        return self._shown_once(request, issued, title)

    def revoke_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = self.row(request, object_id)
        if request.method != "POST" or not _may_revoke(request, key):
            raise PermissionDenied
        revoke_key(key, actor=actor_of(request))
        messages.success(request, f"{key} is revoked. It is refused from now on.")
        return HttpResponseRedirect(self.address("change", object_id))

    def _shown_once(
        self, request: HttpRequest, issued: IssuedKey, said: str
    ) -> HttpResponse:
        """The token, in the answer to the POST itself: it is stored and logged nowhere."""
        key = issued.key
        response = self.page(
            request,
            "toolcrib/key/token.html",
            title=key.name,
            said=said,
            key=key,
            token=issued.token,
            is_runtime=ApiKey.Scope.RUNTIME in key.scopes,
            is_management=ApiKey.Scope.MANAGEMENT in key.scopes,
            url=_example_url(key),
            api_url=f"{settings.PUBLIC_URL}/v1",
            back=self.address("change", key.pk),
        )
        response["Cache-Control"] = "no-store"
        return response

    # --- pages ------------------------------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        key = self.row(request, object_id)
        role = Membership.objects.filter(profile=key.profile).values_list("role")
        users = RegisteredUser.objects.filter(limited_keys=key).order_by("name", "pk")
        return self.page(
            request,
            "toolcrib/key/detail.html",
            title=key.name,
            original=key,
            key=key,
            state=_state(key),
            scopes=[ApiKey.Scope(scope).label for scope in key.scopes],
            role=next((Role(name).label for (name,) in role), "none"),
            is_management=ApiKey.Scope.MANAGEMENT in key.scopes,
            packs=[limit.pack for limit in key.pack_limits.all()],
            users=list(users[:50]),
            last_used=self.last_used(key),
            may_rotate=key.revoked_at is None and _may_rotate(request, key),
            may_revoke=key.revoked_at is None and _may_revoke(request, key),
        )


def _roles_up_to(role: str) -> list[tuple[str, str]]:
    """Nobody gives a key more than they have."""
    mine = [Role.READ_ONLY, *([] if role == Role.ADMIN else [Role(role)])]
    offered: Iterable[Role] = Role if role == Role.ADMIN else dict.fromkeys(mine)
    return [(name.value, name.label) for name in offered]


def _expiry(days: str) -> datetime | None:
    return timezone.now() + timedelta(days=int(days)) if days else None


def _asked_for(request: HttpRequest) -> dict[str, Any]:
    """A key that is made from a pack's or a user's page is limited to it."""
    asked = {"packs": "pack", "users": "user"}
    given = {field: request.GET.getlist(name) for field, name in asked.items()}
    known = {
        field: list(_known(request, _CHOICES[field], ids))
        for field, ids in given.items()
        if ids
    }
    return {"scopes": [ApiKey.Scope.RUNTIME], **known}


def _known(request: HttpRequest, model: Any, ids: list[str]) -> list[Any]:
    try:
        rows = model.objects.in_workspace(workspace_of(request)).filter(pk__in=ids)
        return [row.pk for row in rows]
    except (ValidationError, ValueError):
        return []


def _is_own(request: HttpRequest, key: ApiKey) -> bool:
    return key.created_by_id == caller_of(request).profile_id


def _may_rotate(request: HttpRequest, key: ApiKey) -> bool:
    return may(request, Right.KEYS) or (
        may(request, Right.OWN_KEYS) and _is_own(request, key)
    )


def _may_revoke(request: HttpRequest, key: ApiKey) -> bool:
    return may(request, Right.REVOKE_KEYS) or _may_rotate(request, key)


def _state(key: ApiKey) -> SafeString:
    if key.revoked_at is not None:
        return chip("Revoked", "bad")
    if not key.is_usable(at=timezone.now()):
        return chip("Expired", "warn")
    return chip("Active", "good")


def _packs(key: Any) -> str:
    if not key.is_limited_to_packs:
        return "Any pack"
    names = sorted(limit.pack.name for limit in key.pack_limits.all())
    more = len(names) - _SHOWN_LIMITS
    shown = ", ".join(names[:_SHOWN_LIMITS]) or "No pack"
    return f"{shown} +{more}" if more > 0 else shown


def _users(key: Any) -> str:
    if key.registered_user is not None:
        return f"always {key.registered_user}"
    if not key.is_limited_to_users:
        return "any registered user"
    return f"{key.user_total} registered user{'' if key.user_total == 1 else 's'}"


def _example_url(key: ApiKey) -> str:
    """The MCP URL to show: the key's own where it has one pack and one user, else with places to fill in."""
    packs = list(ToolPack.objects.filter(limited_keys__api_key=key)[:2])
    users = [key.registered_user] if key.registered_user else []
    users = users or list(RegisteredUser.objects.filter(limited_keys=key)[:2])
    if len(packs) == 1:
        return mcp_url(packs[0], users[0].pk if users else "REGISTERED_USER_ID")
    user = users[0].pk if users else "REGISTERED_USER_ID"
    return f"{settings.PUBLIC_URL}/tool-packs/TOOL_PACK_ID/registered-users/{user}/mcp"


def _add_errors(form: KeyForm, exc: GatewayError | ValidationError) -> None:
    if isinstance(exc, GatewayError):
        form.add_error(None, exc.message)
        return
    for field, said in exc.message_dict.items():
        form.add_error(field if field in form.fields else None, said)
