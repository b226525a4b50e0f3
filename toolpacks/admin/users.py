"""The admin of registered users: who agents act for, and which packs they have."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gateway.identity.admin_base import (
    ModelForm,
    WorkspaceAdmin,
    actor_of,
    display,
    may,
    workspace_of,
)
from gateway.identity.admin_display import TWO_LINES, chip
from gateway.identity.models import Company, Profile, RegisteredUser
from gateway.identity.roles import Right
from toolpacks import enrolling
from toolpacks.admin.contents import mcp_url
from toolpacks.granting import grant, withdraw
from toolpacks.models import Grant, ToolPack

if TYPE_CHECKING:
    from django.forms import TextInput
else:
    from unfold.widgets import UnfoldAdminTextInputWidget as TextInput


class IsActive(admin.SimpleListFilter):
    """Active or deactivated."""

    title, parameter_name = "state", "active"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Active"), ("no", "Deactivated")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[RegisteredUser]
    ) -> QuerySet[RegisteredUser]:
        if self.value() not in {"yes", "no"}:
            return queryset
        return queryset.filter(deactivated_at__isnull=self.value() == "yes")


class RegisteredUserForm(ModelForm):
    """A registered user; the company is named as the caller's own systems name it."""

    together = (frozenset({"company_id", "company_name"}),)
    recorded: ClassVar[dict[str, str]] = dict.fromkeys(
        ("company_id", "company_name"), "company"
    )

    company_id = forms.CharField(
        label="Company id",
        max_length=128,
        required=False,
        widget=TextInput,
        help_text="Your own id of this user's company. Users of one company can share credentials.",
    )
    company_name = forms.CharField(
        label="Company name", max_length=200, required=False, widget=TextInput
    )

    class Meta:
        model = RegisteredUser
        fields = ["origin_user_id", "name", "email", "user_type", "is_test", "profile"]
        labels = {"email": "E-mail", "is_test": "Test user", "profile": "Signs in as"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        company: Company | None = self.instance.company
        if company is not None:
            self.initial.setdefault("company_id", company.origin_company_id)
            self.initial.setdefault("company_name", company.origin_company_name)


@admin.register(RegisteredUser)
class RegisteredUserAdmin(WorkspaceAdmin):
    right_to_add = right_to_change = Right.BUILD

    form = RegisteredUserForm
    list_display = ["title", "email", "company", "pack_total", "kind", "state"]
    list_display_links = ["title"]
    list_filter = [IsActive, "user_type", "is_test"]
    list_select_related = ["company"]
    search_fields = ["name", "origin_user_id", "email"]
    search_help_text = "Name, origin user id or e-mail"
    ordering = ["name", "origin_user_id", "pk"]
    change_form_outer_after_template = "toolcrib/user_packs.html"
    empty_says = (
        "Register those whom agents act for",
        "A registered user is the person or system on whose behalf an agent calls tools. Your own systems can register "
        "them through the REST API.",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[RegisteredUser]:
        rows: QuerySet[RegisteredUser] = super().get_queryset(request)
        return rows.annotate(grant_total=Count("grants"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        is_read = obj is not None and not self.has_change_permission(request)
        company = ["company"] if is_read else ["company_id", "company_name"]
        fields = ["origin_user_id", "name", "email", *company]
        return [*fields, "user_type", "is_test", "profile"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["origin_user_id"] if obj else []

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "profile":
            kwargs["queryset"] = Profile.objects.filter(
                type=Profile.Type.USER, memberships__workspace=workspace_of(request)
            ).order_by("name", "pk")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        pages = [("packs", self.packs_view), ("state", self.state_view)]
        return [
            path(
                f"<str:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"identity_registereduser_{name}",
            )
            for name, view in pages
        ] + super().get_urls()

    # --- what is shown ----------------------------------------------------------------------------------------------

    @display(description="registered user", ordering="name")
    def title(self, user: RegisteredUser) -> SafeString:
        return format_html(
            TWO_LINES,
            user.name or user.origin_user_id,
            user.origin_user_id,
        )

    @display(description="packs given", ordering="grant_total")
    def pack_total(self, user: Any) -> int:
        return int(user.grant_total)

    @display(description="type", ordering="user_type")
    def kind(self, user: RegisteredUser) -> str:
        label = str(RegisteredUser.Type(user.user_type).label)
        return f"{label}, for tests" if user.is_test else label

    @display(description="state", ordering="deactivated_at")
    def state(self, user: RegisteredUser) -> SafeString:
        return chip("Active", "good") if user.is_active else chip("Deactivated", "warn")

    # --- what is done -----------------------------------------------------------------------------------------------

    def save_model(
        self, request: HttpRequest, obj: RegisteredUser, form: Any, change: bool
    ) -> None:
        with transaction.atomic():  # a company is made for a user, or not at all
            made = self._made(request, form, change)
        self.saved(obj, made)

    def _made(self, request: HttpRequest, form: Any, change: bool) -> RegisteredUser:
        workspace, actor = workspace_of(request), actor_of(request)
        said = form.cleaned_data
        facts = {name: said[name] for name in _FACTS}
        facts["company"] = _company(workspace, said)
        if change:
            return enrolling.change_user(form.found, actor=actor, **facts)
        user, created = enrolling.enroll_user(
            workspace, origin_user_id=said["origin_user_id"], actor=actor, **facts
        )
        if not created:
            taken = f"{user} has this id already. Open that user instead."
            raise ValidationError({"origin_user_id": taken})
        return user

    def packs_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the user a pack, or take it back."""
        self.require(request, Right.BUILD)
        user = self.row(request, object_id)
        packs = ToolPack.objects.in_workspace(workspace_of(request))
        pack = packs.filter(slug=request.POST.get("pack", "")).first()
        if pack is None:
            raise Http404
        if request.POST.get("decision") == "withdraw":
            withdraw(pack, user, actor=actor_of(request))
            messages.success(request, f"{user} no longer has {pack}.")
        else:
            grant(pack, user, actor=actor_of(request))
            messages.success(request, f"{user} has {pack} now.")
        return HttpResponseRedirect(self.address("change", object_id))

    def state_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Deactivate the user, or let agents act for them again."""
        self.require(request, Right.BUILD)
        user = self.row(request, object_id)
        if request.POST.get("decision") == "reactivate":
            enrolling.reactivate_user(user, actor=actor_of(request))
            messages.success(request, f"Agents may act for {user} again.")
        else:
            enrolling.deactivate_user(user, actor=actor_of(request))
            messages.success(
                request, f"{user} is deactivated: no agent can act for them."
            )
        return HttpResponseRedirect(self.address("change", object_id))

    # --- pages ------------------------------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        user = self.row(request, object_id)
        grants: list[Any] = list(
            Grant.objects.filter(registered_user=user)
            .select_related("pack")
            .order_by("pack__name", "pk")
        )
        for given in grants:
            given.mcp_url = mcp_url(given.pack, user.pk)
        packs = ToolPack.objects.in_workspace(user.workspace_id)
        context = {
            **(extra_context or {}),
            "title": str(user),
            "registered_user": user,
            "state": self.state(user),
            "grants": grants,
            "free_packs": packs.exclude(grants__registered_user=user).order_by("name"),
            "may_build": may(request, Right.BUILD),
            "may_issue": may(request, Right.OWN_KEYS),
        }
        return super().change_view(request, object_id, form_url, context)


_FACTS = ("name", "email", "user_type", "is_test", "profile")


def _company(workspace: Any, said: dict[str, Any]) -> Company | None:
    if not said["company_id"]:
        return None
    try:
        return enrolling.company_of_origin(
            workspace, said["company_id"], name=said["company_name"] or None
        )
    except ValidationError as exc:
        raise ValidationError({"company_id": exc.messages}) from exc
