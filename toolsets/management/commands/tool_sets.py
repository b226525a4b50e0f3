"""`manage.py tool_sets connect|sync|list|tools`: tool sets for scripts and CI."""

import argparse
import contextlib
from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import Q

from gateway.identity.command_base import WorkspaceCommand, shown, table
from toolsets import following
from toolsets.connecting import connect
from toolsets.management.answers import (
    as_end,
    as_row,
    as_tool,
    count_available,
    health,
    last_sync,
    named,
    said,
)
from toolsets.management.progress import ProgressDisplay
from toolsets.management.told import adapter_of, secrets_of
from toolsets.models import Tool, ToolSet, ToolSetEvent
from toolsets.sync import request_sync
from toolsets.tasks import wake_sync

_PATIENCE_SECONDS = 60


class Command(WorkspaceCommand):
    help = "Connect upstreams as tool sets, sync them, and see what they offer."
    label = "manage.py tool_sets"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for name, purpose, add in (
            ("connect", "connect an upstream, and sync it", _add_connect),
            ("sync", "bring the tools of sets from their upstreams", _add_sync),
            ("list", "the tool sets of the workspace", _add_nothing),
            ("tools", "the tools of one set", _add_tools),
        ):
            verb = verbs.add_parser(
                name, help=purpose, description=purpose.capitalize()
            )
            self.add_common_arguments(verb)
            add(verb)

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        getattr(self, f"_{verb}")(**options)

    def _connect(
        self,
        *,
        name: str,
        url: str,
        adapter: str,
        headers: list[str],
        secrets: list[str],
        secret_files: list[str],
        external_id: str,
        does_sync: bool,
        timeout: float,
        **_: Any,
    ) -> None:
        kind, settings_of = adapter_of(url, adapter, headers)
        values = dict(secrets_of(secrets, secret_files))
        tool_set = connect(
            self.workspace,
            name=name,
            adapter_type=kind,
            adapter=settings_of,
            external_id=external_id,
            secrets=values,
            actor=self.actor,
        )
        if does_sync and tool_set.is_syncable:
            self._sync_all([tool_set], timeout)
        else:
            self.answer(as_row(tool_set), text=f"Connected {named(tool_set)}.")

    def _sync(
        self, *, tool_sets: list[str], takes_all: bool, timeout: float, **_: Any
    ) -> None:
        if bool(tool_sets) == takes_all:
            raise CommandError("Name the tool sets to sync, or say --all.")
        chosen = [self._tool_set(reference) for reference in tool_sets]
        if takes_all:
            active = ToolSet.objects.in_workspace(self.workspace).active()
            chosen = list(
                active.filter(adapter_type__in=ToolSet.SYNCABLE).order_by("slug")
            )
        self._sync_all(chosen, timeout)

    def _sync_all(self, tool_sets: list[ToolSet], timeout: float) -> None:
        """Sync one after another; the exit code is 1 when any of them failed."""
        ends = [(one, self._synced(one, timeout)) for one in tool_sets]
        failed = [said(*end) for end in ends if end[1].type == ToolSetEvent.Type.FAILED]
        done = [said(*end) for end in ends if end[1].type != ToolSetEvent.Type.FAILED]
        self.answer([as_end(*end) for end in ends], text="\n".join(done))
        if failed:
            raise CommandError("\n".join(failed))

    def _synced(self, tool_set: ToolSet, timeout: float) -> ToolSetEvent:
        known = following.known_events(tool_set)
        request_sync(tool_set, actor=self.actor)
        display = ProgressDisplay(self.stderr, expected=tool_set.tools.count())
        with contextlib.closing(display), _worker_for(tool_set):
            return following.follow(
                tool_set, known=known, on_progress=display.show, timeout_seconds=timeout
            )

    def _list(self, **_: Any) -> None:
        rows = list(
            ToolSet.objects.in_workspace(self.workspace)
            .select_related("sync")
            .annotate(available=count_available())
            .order_by("slug")
        )
        self.answer(
            [as_row(row) for row in rows],
            text=table(
                ["SLUG", "NAME", "ADAPTER", "HEALTH", "TOOLS", "LAST SYNC"],
                [
                    (
                        r.slug,
                        r.name,
                        r.adapter_type,
                        health(r),
                        r.available,
                        last_sync(r),
                    )
                    for r in rows
                ],
            ),
        )

    def _tools(self, *, tool_set: str, statuses: list[str], **_: Any) -> None:
        tools = Tool.objects.in_workspace(self.workspace).filter(
            tool_set=self._tool_set(tool_set)
        )
        wanted = [Tool.Status[status.upper()] for status in statuses]
        chosen = tools.filter(status__in=wanted or Tool.Status.values).order_by("name")
        self.answer(
            [as_tool(tool) for tool in chosen] if self.is_for_scripts else None,
            text=table(
                ["NAME", "STATUS", "APPROVAL", "DESCRIPTION"],
                [
                    (
                        tool.name,
                        Tool.Status(tool.status).label,
                        "needed" if tool.requires_approval else "",
                        tool.description.strip().partition("\n")[0][:80],
                    )
                    for tool in chosen
                ],
            ),
        )

    def _tool_set(self, reference: str) -> ToolSet:
        """The set with this id, slug or external id."""
        external_id = reference.removeprefix("external_id:")
        rows = ToolSet.objects.in_workspace(self.workspace)
        found: ToolSet | None = rows.filter(
            Q(pk=reference) | Q(slug=reference) | Q(external_id=external_id)
        ).first()
        if found is None or not reference:
            raise CommandError(
                f"There is no tool set {shown(reference)!r} in {shown(self.workspace.name)}."
            )
        return found


def _worker_for(tool_set: ToolSet) -> AbstractContextManager[None]:
    """With Redis a worker is woken; without, no other process hears of it, so this one does the work itself."""
    if not settings.REDIS_URL:
        return following.working_on(tool_set)
    wake_sync(tool_set.pk)
    return contextlib.nullcontext()


# --- what they are told ---------------------------------------------------------------------------------------------


def _add_connect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="what people call this upstream")
    parser.add_argument("url", nargs="?", default="", help="address of an MCP server")
    parser.add_argument(
        "--adapter",
        metavar="FILE",
        default="",
        help='instead of a URL: JSON with the adapter as REST takes it, {"mcp": {"url": …}}',
    )
    parser.add_argument(
        "--header",
        dest="headers",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="sent with every request; ${TOKEN} stands for the secret TOKEN",
    )
    parser.add_argument(
        "--secret",
        dest="secrets",
        action="append",
        default=[],
        metavar="NAME",
        help="a secret of the set; its value is the next line of standard input, or asked for",
    )
    parser.add_argument(
        "--secret-file",
        dest="secret_files",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a secret of the set whose value is in a file",
    )
    parser.add_argument("--external-id", default="", help="your own id of the set")
    parser.add_argument(
        "--no-sync",
        dest="does_sync",
        action="store_false",
        help="do not wait for the first sync",
    )
    _add_timeout(parser)


def _add_sync(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "tool_sets", nargs="*", metavar="SET", help="id, slug or external id"
    )
    parser.add_argument(
        "--all", action="store_true", dest="takes_all", help="every active set"
    )
    _add_timeout(parser)


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=float,
        default=float(settings.SYNC_TIMEOUT_SECONDS + _PATIENCE_SECONDS),
        metavar="SECONDS",
        help="how long to wait for a sync (default: %(default)g)",
    )


def _add_nothing(_: argparse.ArgumentParser) -> None:
    pass


def _add_tools(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tool_set", metavar="SET", help="id, slug or external id")
    parser.add_argument(
        "--status",
        dest="statuses",
        action="append",
        default=[],
        choices=[status.name.lower() for status in Tool.Status],
        help="only tools of this status",
    )
