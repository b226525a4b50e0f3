"""The front page of the dashboard: what is connected, what fails, what is called, and what to do next."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.utils import timezone

from gateway.identity.admin_base import may
from gateway.identity.admin_display import chip
from gateway.identity.models import ApiKey, Workspace
from gateway.identity.roles import Right
from gateway.mcp.call_labels import first_id_since, labelled
from gateway.mcp.models import ToolCall
from toolpacks.models import ToolPack
from toolsets.admin.health import TONES, is_troubled, spoken_state, state_of
from toolsets.models import Tool, ToolSet, ToolSetEvent

_HOURS = 24
_ENDS = {
    ToolCall.State.SUCCEEDED: "oklch(62% 0.15 150)",
    ToolCall.State.REFUSED: "oklch(75% 0.15 70)",
    ToolCall.State.FAILED: "oklch(60% 0.2 25)",
    ToolCall.State.INTERRUPTED: "oklch(60% 0.05 260)",
}
_BAD_ENDS = (
    ToolCall.State.REFUSED,
    ToolCall.State.FAILED,
    ToolCall.State.INTERRUPTED,
)


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the front page shows, besides the frame."""
    workspace: Workspace | None = getattr(request, "workspace", None)
    if workspace is None:
        return context
    now = timezone.now()
    calls = ToolCall.objects.in_workspace(workspace).filter(
        pk__gte=first_id_since(now - timedelta(hours=_HOURS))
    )
    hourly = _hourly(calls)
    bad = calls.filter(state__in=_BAD_ENDS).order_by("-pk")[:8]
    sets = _tool_sets(workspace)
    return {
        **context,
        "may_build": may(request, Right.BUILD),
        "totals": _totals(hourly),
        "call_total": sum(sum(counts.values()) for counts in hourly.values()),
        "chart": json.dumps(_chart(hourly, now)),
        "chart_options": json.dumps(_CHART_OPTIONS),
        "tool_set_states": _states(sets),
        "troubled": _troubled(sets),
        "tool_set_total": len(sets),
        "tool_total": Tool.objects.in_workspace(workspace).available().count(),
        "pack_total": ToolPack.objects.in_workspace(workspace).count(),
        "bad_calls": labelled(bad, workspace.pk),
        "steps": _steps(workspace, sets),
    }


def _hourly(calls: QuerySet[ToolCall]) -> dict[datetime, dict[str, int]]:
    rows = (
        calls.annotate(hour=TruncHour("started_at"))
        .values_list("hour", "state")
        .annotate(count=Count("pk"))
    )
    hourly: dict[datetime, dict[str, int]] = defaultdict(dict)
    for hour, state, count in rows:
        hourly[hour][state] = count
    return hourly


def _totals(hourly: dict[datetime, dict[str, int]]) -> list[tuple[str, str, int]]:
    return [
        (
            state,
            ToolCall.State(state).label,
            sum(counts.get(state, 0) for counts in hourly.values()),
        )
        for state in (*_ENDS, ToolCall.State.RUNNING)
    ]


def _chart(hourly: dict[datetime, dict[str, int]], now: datetime) -> dict[str, Any]:
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    hours = [this_hour - timedelta(hours=back) for back in reversed(range(_HOURS))]
    return {
        "labels": [f"{hour:%H}:00" for hour in hours],
        "datasets": [
            {
                "label": ToolCall.State(state).label,
                "data": [hourly.get(hour, {}).get(state, 0) for hour in hours],
                "backgroundColor": colour,
                "stack": "calls",
                "maxBarThickness": 14,
                "borderRadius": 2,
            }
            for state, colour in _ENDS.items()
        ],
    }


_CHART_OPTIONS = {
    "responsive": True,
    "maintainAspectRatio": False,
    "animation": False,
    "plugins": {
        "legend": {
            "position": "bottom",
            "labels": {"boxWidth": 8, "boxHeight": 8, "color": "#9ca3af"},
        }
    },
    "scales": {
        "x": {
            "stacked": True,
            "grid": {"display": False},
            "ticks": {"maxTicksLimit": 8, "maxRotation": 0, "color": "#9ca3af"},
        },
        "y": {
            "stacked": True,
            "beginAtZero": True,
            "border": {"display": False},
            "ticks": {"precision": 0, "maxTicksLimit": 5, "color": "#9ca3af"},
        },
    },
}


def _tool_sets(workspace: Workspace) -> list[Any]:
    last_failure = ToolSetEvent.objects.filter(
        tool_set=OuterRef("pk"), type=ToolSetEvent.Type.FAILED
    ).order_by("-pk")
    sets: list[Any] = list(
        ToolSet.objects.in_workspace(workspace)
        .active()
        .select_related("sync")
        .annotate(last_error=Subquery(last_failure.values("message")[:1]))
        .order_by("name", "pk")
    )
    return sets


def _troubled(sets: list[Any]) -> list[Any]:
    """Those whose last sync failed, by their health, whatever the next one is doing."""
    troubled = [tool_set for tool_set in sets if is_troubled(tool_set)][:6]
    for tool_set in troubled:
        health = tool_set.sync.health
        tool_set.tone = TONES[health]
        tool_set.chip = chip(spoken_state(health), tool_set.tone)
    return troubled


def _states(sets: list[Any]) -> list[tuple[str, str, int]]:
    """Each state that a tool set is in, with its tone and how many are in it."""
    counts: dict[str, int] = defaultdict(int)
    for tool_set in sets:
        counts[state_of(tool_set)] += 1
    return [(state, TONES[state], counts[state]) for state in TONES if counts[state]]


def _steps(workspace: Workspace, sets: list[Any]) -> list[dict[str, Any]]:
    """The way to the first call; empty once it is behind."""
    steps = [
        (
            "Connect an upstream",
            "Its tools are synced at once.",
            "admin:toolsets_toolset_add",
            bool(sets),
        ),
        (
            "Make a tool pack",
            "Choose which of its tools an agent may use.",
            "admin:toolpacks_toolpack_add",
            ToolPack.objects.in_workspace(workspace)
            .filter(connectors__isnull=False)
            .exists(),
        ),
        (
            "Create an API key",
            "Limited to the pack; it is shown once, with a snippet for your client.",
            "admin:identity_apikey_add",
            ApiKey.objects.in_workspace(workspace).filter(revoked_at=None).exists(),
        ),
        (
            "Call a tool",
            "Point your agent at the pack's MCP URL. The call appears here.",
            "admin:mcp_toolcall_changelist",
            ToolCall.objects.in_workspace(workspace).exists(),
        ),
    ]
    if all(done for *_, done in steps):
        return []
    return [
        {"title": title, "text": text, "page": page, "done": done}
        for title, text, page, done in steps
    ]
