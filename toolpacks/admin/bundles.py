"""The admin of bundle runs: facts, read only, with what became of each resource."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from gateway.identity.admin_base import WorkspaceAdmin, display
from gateway.identity.admin_display import ago, chip
from toolpacks.models import BundleOutcome, BundleRun

_PER_PAGE = 100
_TONES: dict[str, str] = {
    BundleRun.State.PENDING: "info",
    BundleRun.State.RUNNING: "busy",
    BundleRun.State.SUCCEEDED: "good",
    BundleRun.State.PARTIALLY_APPLIED: "warn",
    BundleRun.State.FAILED: "bad",
    BundleRun.State.CANCELLED: "none",
    BundleOutcome.State.APPLIED: "good",
    BundleOutcome.State.REFUSED: "warn",
}


@admin.register(BundleRun)
class BundleRunAdmin(WorkspaceAdmin):
    list_display = ["bundle", "state_shown", "progress", "by", "begun"]
    list_display_links = ["bundle"]
    list_filter = ["state"]
    search_fields = ["bundle_key"]
    search_help_text = "Key of the bundle"
    ordering = ["-pk"]
    sortable_by = ()
    actions = None
    empty_says = (
        "No bundle was applied yet",
        "A bundle keeps tool sets, tools and packs in files. Apply one with manage.py bundle apply, or over REST; "
        "what became of each resource is shown here.",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BundleRun]:
        rows: QuerySet[BundleRun] = super().get_queryset(request)
        return rows.defer("document")

    @display(description="bundle")
    def bundle(self, run: BundleRun) -> str:
        return run.bundle_key

    @display(description="state")
    def state_shown(self, run: BundleRun) -> SafeString:
        return _chip(run)

    @display(description="done")
    def progress(self, run: BundleRun) -> str:
        return "—" if run.total is None else f"{run.done:,} of {run.total:,}"

    @display(description="by")
    def by(self, run: BundleRun) -> str:
        return run.created_by_label

    @display(description="begun")
    def begun(self, run: BundleRun) -> SafeString:
        return ago(run.created_at)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        run: BundleRun = self.row(request, object_id)
        outcomes = BundleOutcome.objects.in_workspace(run.workspace_id).filter(run=run)
        page = Paginator(outcomes.order_by("pk"), _PER_PAGE).get_page(
            request.GET.get("page")
        )
        for outcome in page.object_list:
            outcome.chip = _chip(outcome)
        return self.page(
            request,
            "toolcrib/bundle_run.html",
            title=run.bundle_key,
            original=run,
            run=run,
            state=_chip(run),
            shown=page,
            query="",
        )


def _chip(row: BundleRun | BundleOutcome) -> SafeString:
    return chip(row.get_state_display(), _TONES.get(str(row.state), "bad"))
