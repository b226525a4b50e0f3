"""What chooses the rows of lists of tool sets and tools."""

from typing import Any, ClassVar

from django.db.models import Q, QuerySet

from gateway.identity.api.lists import Labelled
from gateway.rest.filters import Choices, Flag, Words
from gateway.rest.operations import Parameter
from toolsets.models import Tool, ToolSet

INCLUDE_INFO = Parameter(
    name="includeInfo",
    schema={"type": "boolean", "default": False},
    description="Whether `info` is filled in, which costs more.",
)

CONFIRM = Parameter(
    name="confirm",
    schema={"type": "boolean", "default": False},
    description="Whether packs that hold the set lose it; without this they are named in a 409.",
)


class ToolSetList(Labelled):
    searched: ClassVar = ("name", "description", "slug", "external_id")

    state = Choices(
        "Their states; without it, active ones.",
        ToolSet.State.values,
        also=["states"],
        field_name="state",
    )

    def filter_queryset(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        chosen: QuerySet[Any] = super().filter_queryset(rows)
        if self.form.cleaned_data["state"]:
            return chosen
        return chosen.filter(state=ToolSet.State.ACTIVE)


class ToolList(Labelled):
    searched: ClassVar = ("name", "title", "description", "external_id")

    statuses = Choices(
        "Their statuses.", Tool.Status.values, also=["status"], method="of_status"
    )
    requiresApproval = Flag(
        "Whether each call needs an approval.", field_name="requires_approval"
    )
    names = Words("Their names.", field_name="name")

    def of_status(
        self, rows: QuerySet[Any], _: str, statuses: list[str]
    ) -> QuerySet[Any]:
        """Every tool of an archived set is archived, whatever its own status will be again."""
        of_active = Q(status__in=statuses, tool_set__state=ToolSet.State.ACTIVE)
        if Tool.Status.ARCHIVED in statuses:
            return rows.filter(of_active | Q(tool_set__state=ToolSet.State.ARCHIVED))
        return rows.filter(of_active)
