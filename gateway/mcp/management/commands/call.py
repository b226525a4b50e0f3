"""`manage.py call PACK TOOL`: calls a tool as an agent at that pack would, through the same pipeline."""

import argparse
import asyncio
import sys
from typing import Any

import orjson
from django.core.management.base import CommandError

from gateway.audit import trail
from gateway.identity.command_base import WorkspaceCommand, shown, table
from gateway.identity.models import RegisteredUser
from gateway.mcp.access import Door
from gateway.mcp.operating import OperatorAtHand, call_as, visit_as
from gateway.mcp.protocol import RpcError
from toolpacks.models import ToolPack


class Command(WorkspaceCommand):
    help = (
        "Call a tool of a pack for a registered user: admitted, forwarded, released and recorded like any agent's call. "
        "Without TOOL: the tools that the user has at the pack."
    )
    label = "manage.py call"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        self.add_common_arguments(parser)
        parser.add_argument("pack", metavar="PACK", help="id or slug of the pack")
        parser.add_argument(
            "tool", metavar="TOOL", nargs="?", help="the tool's name at the pack"
        )
        parser.add_argument(
            "--arguments",
            metavar="JSON",
            default="{}",
            help="an object; - reads it from standard input (default: {})",
        )
        parser.add_argument(
            "--user",
            metavar="USER",
            default="",
            help="id or external_id:<your id> of the registered user; may be left out where there is only one",
        )

    def handle(
        self,
        *args: Any,
        pack: str,
        tool: str | None,
        arguments: str,
        user: str,
        **_: Any,
    ) -> None:
        door = Door(token="", pack=pack, registered_user=user or self._only_user())
        operator = OperatorAtHand(self.workspace, self.label)
        if tool is None:
            self._show_tools(operator, door)
        else:
            self._call(operator, door, tool, _object(arguments))

    def _call(
        self, operator: OperatorAtHand, door: Door, tool: str, arguments: dict[str, Any]
    ) -> None:
        self._audit(door, tool)
        try:
            result = asyncio.run(
                call_as(
                    operator, door, tool=tool, arguments=arguments, client=self.label
                )
            )
        except RpcError as exc:
            code = exc.data.get("code") if isinstance(exc.data, dict) else exc.code
            raise CommandError(f"{shown(exc.message)} ({code})") from exc
        self.answer(result, text=_spoken(result))
        if result.get("isError"):
            raise CommandError("The tool answered that it failed.")

    def _audit(self, door: Door, tool: str) -> None:
        packs = ToolPack.objects.in_workspace(self.workspace)
        if (pack := packs.referred_to_as(door.pack).first()) is not None:
            called = {"tool": [None, tool], "user": [None, door.registered_user]}
            trail.record(
                self.actor, "tool_pack.tool_called", subject=pack, changes=called
            )

    def _show_tools(self, operator: OperatorAtHand, door: Door) -> None:
        tools = asyncio.run(visit_as(operator, door)).pack.tools.values()
        self.answer(
            [{"name": t.wire_name, "description": t.description} for t in tools],
            text=table(
                ["TOOL", "DESCRIPTION"],
                [(t.wire_name, t.description.partition("\n")[0][:100]) for t in tools],
            ),
        )

    def _only_user(self) -> str:
        users = RegisteredUser.objects.in_workspace(self.workspace)
        found = list(users.values_list("pk", flat=True)[:2])
        if len(found) != 1:
            raise CommandError("Say for which registered user, with --user.")
        return str(found[0])


def _object(text: str) -> dict[str, Any]:
    try:
        given = orjson.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as exc:
        raise CommandError(f"--arguments is not JSON: {exc}") from exc
    if not isinstance(given, dict):
        raise CommandError('--arguments must be an object, such as {"city": "Bern"}.')
    return given


def _spoken(result: dict[str, Any]) -> str:
    """The text of a result, line by line; what is not text is only named."""
    return "\n".join(
        shown(line)
        for block in result["content"]
        for line in block.get("text", f"[{block['type']}]").splitlines()
    )
