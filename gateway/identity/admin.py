"""The admin of who exists: accounts and workspaces for superusers; members and agent profiles of a workspace."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString

from gateway.audit import trail
from gateway.audit.models import AuditEvent
from gateway.audit.trail import Actor
from gateway.identity.admin_base import (
    ModelForm,
    SuperuserAdmin,
    WorkspaceAdmin,
    actor_of,
    display,
    workspace_of,
)
from gateway.identity.admin_display import chip
from gateway.identity.admin_fields import WordsField
from gateway.identity.closing import delete_workspace, owned_models
from gateway.identity.editing import hold
from gateway.identity.joining import Joined, add_member, change_role, remove_member
from gateway.identity.models import (
    Account,
    AgentProfile,
    Membership,
    Profile,
    Workspace,
)
from gateway.identity.ownership import WorkspaceQuerySet
from gateway.identity.profiling import (
    change_agent_profile,
    create_agent_profile,
    delete_agent_profile,
)
from gateway.identity.roles import Right, Role
from gateway.identity.validation import slug_from

if TYPE_CHECKING:
    from django.contrib.auth.admin import UserAdmin

    _UserAdmin = UserAdmin[User]
    from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
    from django.forms import Select, TextInput

    _UserForm = UserChangeForm[Any]
else:
    from django.contrib.auth.admin import UserAdmin as _UserAdmin
    from unfold.forms import AdminPasswordChangeForm
    from unfold.forms import UserChangeForm as _UserForm
    from unfold.widgets import UnfoldAdminSelectWidget as Select
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(Account)
class AccountAdmin(SuperuserAdmin):
    list_display = ["name", "workspace_count", "created_at"]
    search_fields = ["name"]
    fields = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        rows: QuerySet[Account] = super().get_queryset(request)
        return rows.annotate(workspace_total=Count("workspaces"))

    @display(description="workspaces")
    def workspace_count(self, account: Any) -> int:
        return int(account.workspace_total)


class WorkspaceForm(ModelForm):
    """A workspace, and on creation the person who will manage it."""

    admin_email = forms.EmailField(
        label="First admin's e-mail",
        widget=TextInput,
        help_text="This person manages the workspace. A sign-in is made if they have none.",
    )

    class Meta:
        model = Workspace
        fields = ["account", "name"]


@admin.register(Workspace)
class WorkspacesAdmin(SuperuserAdmin):
    form = WorkspaceForm
    list_display = ["name", "account", "slug", "created_at"]
    list_select_related = ["account"]
    search_fields = ["name", "slug"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (
            ["account", "name", "slug"] if obj else ["account", "name", "admin_email"]
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["account", "slug"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request)

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Ask for the workspace's name; not in Django's one transaction, because there may be much to delete."""
        workspace: Workspace | None = self.get_object(request, object_id)
        if not self.has_delete_permission(request):
            raise PermissionDenied
        if workspace is None:
            raise Http404
        typed = request.POST.get("name", "").strip()
        if request.method == "POST" and typed == workspace.name:
            delete_workspace(workspace, actor=_installer(request, workspace))
            messages.success(request, f"{workspace} is deleted.")
            return HttpResponseRedirect(self.address("changelist"))
        return self.page(
            request,
            "toolcrib/workspace_delete.html",
            title=f"Delete {workspace}",
            original=workspace,
            workspace=workspace,
            typed=typed,
            fault="This is not its name." if request.method == "POST" else "",
            owned=_owned(workspace),
        )

    def save_model(
        self, request: HttpRequest, obj: Workspace, form: Any, change: bool
    ) -> None:
        with transaction.atomic():
            if change:
                hold(form.found, ["name"])
                obj.save(update_fields=["name"])
            else:
                taken = obj.account.workspaces.values_list("slug", flat=True)
                obj.slug = slug_from(obj.name, taken=set(taken), fallback="workspace")
                obj.save(force_insert=True)
                form.joined = add_member(
                    obj,
                    email=form.cleaned_data["admin_email"],
                    name="",
                    role=Role.ADMIN,
                    actor=_installer(request, obj),
                )
            action = "workspace.updated" if change else "workspace.created"
            trail.record(_installer(request, obj), action, subject=obj)
        request.joined = getattr(form, "joined", None)  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, *args: Any) -> HttpResponse:
        return _password_shown_once(self, request) or super().response_add(
            request, obj, *args
        )


class MembershipForm(ModelForm):
    """A person and their role."""

    email = forms.EmailField(
        label="E-mail",
        widget=TextInput,
        help_text="They sign in with it. A sign-in is made if they have none.",
    )
    name = forms.CharField(max_length=200, widget=TextInput, required=False)

    class Meta:
        model = Membership
        fields = ["role"]
        widgets = {"role": Select}


@admin.register(Membership)
class MembershipAdmin(WorkspaceAdmin):
    right_to_add = right_to_change = right_to_delete = Right.MEMBERS
    delete_says = "They lose sight of this workspace at once. Their sign-in, and the keys they made, stay."

    form = MembershipForm
    list_display = ["person", "email", "role_label", "created_at"]
    list_select_related = ["profile"]
    list_filter = ["role"]
    search_fields = ["profile__name", "profile__email"]
    ordering = ["profile__name", "pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.filter(profile__type=Profile.Type.USER)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["person", "role"] if obj else ["email", "name", "role"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["person"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: Membership, form: Any, change: bool
    ) -> None:
        if change:
            change_role(form.found, obj.role, actor=actor_of(request))
            return
        joined = add_member(
            workspace_of(request),
            email=form.cleaned_data["email"],
            name=form.cleaned_data["name"],
            role=obj.role,
            actor=actor_of(request),
        )
        self.saved(obj, joined.membership)
        request.joined = joined  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        remove_member(obj, actor=actor_of(request))

    def response_add(self, request: HttpRequest, obj: Any, *args: Any) -> HttpResponse:
        return _password_shown_once(self, request) or super().response_add(
            request, obj, *args
        )

    @display(description="person", ordering="profile__name")
    def person(self, membership: Membership) -> str:
        return str(membership.profile)

    @display(description="e-mail")
    def email(self, membership: Membership) -> str:
        return membership.profile.email

    @display(description="role", ordering="role")
    def role_label(self, membership: Membership) -> SafeString:
        tone = "info" if membership.role == Role.ADMIN else ""
        return chip(Role(membership.role).label, tone)


class AgentProfileForm(ModelForm):
    """An agent and its tags, as words."""

    scope_tags = WordsField(
        required=False,
        help_text="Tags of tool sets whose tools this agent lists by itself, separated by commas. "
        "Empty means none, * means all.",
    )

    class Meta:
        model = AgentProfile
        fields = ["name", "external_id", "scope_tags"]


@admin.register(AgentProfile)
class AgentProfileAdmin(WorkspaceAdmin):
    right_to_add = right_to_change = right_to_delete = Right.BUILD

    form = AgentProfileForm
    list_display = ["name", "tags", "external_id", "created_at"]
    search_fields = ["name", "external_id"]
    ordering = ["name", "pk"]
    empty_says = (
        "Name the agents that call your tools",
        "An agent profile says which agent uses a key, and shows beside each of its calls.",
    )

    def save_model(
        self, request: HttpRequest, obj: AgentProfile, form: Any, change: bool
    ) -> None:
        workspace, actor = workspace_of(request), actor_of(request)
        if change:
            made = change_agent_profile(form.found, actor=actor, **form.cleaned_data)
        else:
            made = create_agent_profile(workspace, actor=actor, **form.cleaned_data)
        self.saved(obj, made)

    def delete_model(self, request: HttpRequest, obj: AgentProfile) -> None:
        delete_agent_profile(obj, actor=actor_of(request))

    @display(description="scope tags")
    def tags(self, agent: AgentProfile) -> str:
        return ", ".join(agent.scope_tags) or "—"


@admin.register(User)
class SignInAdmin(_UserAdmin, SuperuserAdmin):  # type: ignore[misc] # two signatures of get_form, one meaning
    form = _UserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser"]
    fieldsets = [
        (None, {"fields": ["username", "email", "password"]}),
        ("Rights", {"fields": ["is_active", "is_superuser"]}),
    ]
    filter_horizontal = []

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # people come in as members of a workspace


def _owned(workspace: Workspace) -> list[tuple[str, int]]:
    """How much of each kind that has a page goes with the workspace."""
    counts = [
        (model._meta, WorkspaceQuerySet(model).in_workspace(workspace).count())
        for model in owned_models()
        if admin.site.is_registered(model)
    ]
    return [
        (str(said.verbose_name if count == 1 else said.verbose_name_plural), count)
        for said, count in reversed(counts)
        if count
    ]


def _installer(request: HttpRequest, workspace: Workspace) -> Actor:
    """A superuser, who needs no place in the workspace that they set up."""
    return Actor(
        account_id=workspace.account_id,
        workspace_id=workspace.pk,
        profile_id=workspace.account.system_profile.pk,
        label=request.user.get_username(),
        is_person=True,
        source=AuditEvent.Source.ADMIN,
        address=request.META.get("REMOTE_ADDR", ""),
    )


def _password_shown_once(page: Any, request: HttpRequest) -> HttpResponse | None:
    joined: Joined | None = getattr(request, "joined", None)
    if joined is None or not joined.password:
        return None
    response: HttpResponse = page.page(
        request,
        "toolcrib/password.html",
        title="New member",
        joined=joined,
        back=page.address("changelist"),
    )
    response["Cache-Control"] = "no-store"
    return response
