"""Looks at how the syncs of tool sets ended."""

from collections.abc import Iterator

from gateway.mcp.diagnosis.findings import Finding, ok, warning
from toolsets.models import ToolSet, ToolSetEvent

_MOST_NAMED = 20


def upstreams() -> Iterator[Finding]:
    sets = ToolSet.objects.active().select_related("sync", "workspace")
    troubled = sets.filter(sync__failures_in_a_row__gt=0).order_by("workspace", "slug")
    for tool_set in troubled[:_MOST_NAMED]:
        yield _upstream(tool_set)
    count, total = troubled.count(), sets.count()
    if count > _MOST_NAMED:
        yield warning(
            "upstreams",
            f"{count - _MOST_NAMED} more tool sets fail.",
            cause="As above.",
            fix="manage.py tool_sets list names them.",
        )
    if not count:
        yield ok("upstreams", f"None of {total} tool sets failed at its last sync.")


def _upstream(tool_set: ToolSet) -> Finding:
    failures = ToolSetEvent.objects.in_workspace(tool_set.workspace_id).filter(
        tool_set=tool_set, type=ToolSetEvent.Type.FAILED
    )
    last = failures.order_by("-pk").first()
    return warning(
        "upstreams",
        f"{tool_set.name} ({tool_set.slug}, workspace {tool_set.workspace_id}) is {tool_set.sync.health}.",
        cause=f"{last.message if last else ''} ({tool_set.sync.last_error_type})",
        fix=_FIXES.get(tool_set.sync.last_error_type, _MEND)
        + f" Then: manage.py tool_sets sync {tool_set.pk} --workspace {tool_set.workspace_id}",
    )


_MEND = "Mend the upstream, or its address."
_FIXES = {
    "missing_secret": "Add the secret to the tool set.",
    "unauthorized": "Give the tool set a secret that the upstream accepts.",
    "address_refused": "Allow its network for this tool set, or in UPSTREAM_NETWORKS.",
    "unreachable": "Start the upstream, or correct its address.",
    "redirected": "Give the tool set the address that the upstream redirects to.",
}
