"""How packs hold tool sets, and let them go: what `toolsets.holders` asks of this app."""

from gateway.audit.trail import Actor
from gateway.identity.editing import hold
from toolpacks.counting import tools_by_pack
from toolpacks.models import Connector
from toolpacks.packing import detach
from toolsets.holders import Hold
from toolsets.models import ToolSet


def holds_on(tool_set: ToolSet) -> list[Hold]:
    """The packs that hold the set, by name."""
    served = tools_by_pack(tool_set)
    packs = [connector.pack for connector in _connectors(tool_set)]
    return [
        Hold(id=str(pack.pk), name=pack.name, tools=served.get(pack.pk, 0))
        for pack in packs
    ]


def let_go(tool_set: ToolSet, *, actor: Actor) -> None:
    """Detach the set from every pack, within the caller's transaction.

    Raises:
        ChangedMeanwhile: somebody else deleted one of the packs.
    """
    packs = [connector.pack for connector in _connectors(tool_set)]
    for pack in sorted(packs, key=lambda pack: pack.pk):
        hold(pack)
    for pack in packs:
        detach(pack, tool_set, actor=actor)


def _connectors(tool_set: ToolSet) -> list[Connector]:
    held = Connector.objects.in_workspace(tool_set.workspace_id).filter(
        tool_set=tool_set
    )
    return list(held.select_related("pack").order_by("pack__name", "pk"))
