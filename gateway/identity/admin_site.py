"""The admin site: the workspace switcher on every page, and the label of the environment."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse

from gateway.identity.middleware import WORKSPACE_KEY
from gateway.identity.models import Membership
from gateway.identity.roles import Right, Role, allows

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
else:
    from unfold.sites import UnfoldAdminSite as AdminSite


class Site(AdminSite):
    """The dashboard: for people with a place in a workspace, and for superusers."""

    index_title = "Overview"
    enable_nav_sidebar = True

    def extra_urls(self) -> list[URLPattern]:
        switch = self.admin_view(self.switch_workspace)
        return [path("workspace/", switch, name="switch_workspace")]

    def switch_workspace(self, request: HttpRequest) -> HttpResponse:
        """Go to another workspace of the person's memberships."""
        if request.method != "POST":
            raise PermissionDenied
        wanted = request.POST.get("workspace", "")
        if wanted not in {place.workspace_id for place in memberships(request)}:
            raise Http404
        request.session[WORKSPACE_KEY] = wanted
        return HttpResponseRedirect(reverse("admin:index"))

    def each_context(self, request: HttpRequest) -> Any:
        workspace = getattr(request, "workspace", None)
        places = memberships(request) if request.user.is_authenticated else []
        here = next((p for p in places if workspace == p.workspace), None)
        return {
            **super().each_context(request),
            "current_workspace": workspace,
            "current_role": Role(here.role).label if here else "",
            "memberships": places,
        }


def memberships(request: HttpRequest) -> list[Membership]:
    """The person's places, in the order of the switcher; read once a request."""
    known: list[Membership] | None = getattr(request, "_memberships", None)
    if known is None:
        places = Membership.objects.filter(profile__user=request.user.pk)
        known = list(
            places.select_related("workspace__account").order_by(
                "workspace__name", "pk"
            )
        )
        request._memberships = known  # type: ignore[attr-defined]
    return known


def environment(request: HttpRequest) -> list[str] | None:
    """The label beside the title: what kind of installation this is."""
    if settings.DEBUG:
        return ["Debug", "danger"]
    return ["Embedded", "info"] if settings.EMBEDDED else None


def is_in_workspace(request: HttpRequest) -> bool:
    return getattr(request, "workspace", None) is not None


def sees_members(request: HttpRequest) -> bool:
    caller = getattr(request, "caller", None)
    return caller is not None and allows(caller.role, Right.MEMBERS)


def is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)


def stylesheet(request: HttpRequest) -> str:
    return static("toolcrib/toolcrib.css")


def script(request: HttpRequest) -> str:
    return static("toolcrib/toolcrib.js")


def icon(request: HttpRequest) -> str:
    return static("toolcrib/icon.svg")
