"""What every command about one workspace has in common: which workspace, who acts, and answers for people or scripts."""

import argparse
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from gateway.audit.models import AuditEvent
from gateway.audit.trail import Actor
from gateway.errors import GatewayError
from gateway.identity.installation import check_fit
from gateway.identity.models import Workspace
from gateway.identity.roles import Role

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class WorkspaceCommand(BaseCommand):
    """A command about one workspace. It acts as the account's system profile; the audit trail names the command."""

    label = ""
    """How the audit trail names it, such as `manage.py tool_sets`."""

    workspace: Workspace
    is_for_scripts: bool

    @staticmethod
    def add_common_arguments(parser: argparse.ArgumentParser) -> None:
        """The options of every such command; one with subcommands adds them to each of these."""
        parser.add_argument(
            "--workspace",
            metavar="ID",
            default="",
            help="id of the workspace; may be left out where there is only one",
        )
        parser.add_argument(
            "--json",
            action="store_true",
            dest="is_for_scripts",
            help="answer in JSON, for scripts",
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; what it anticipates becomes words on standard error, and exit code 1."""
        try:
            check_fit()
            self.workspace = _chosen_workspace(options["workspace"])
            self.is_for_scripts = options["is_for_scripts"]
            return super().execute(*args, **options)
        except GatewayError as exc:
            raise CommandError(f"{shown(exc.message)} ({exc.code})") from exc
        except ValidationError as exc:
            raise CommandError("\n".join(_spoken(exc))) from exc
        except (OperationalError, ProgrammingError) as exc:
            raise CommandError(
                f"The database does not answer as it should: {exc}. "
                "manage.py doctor says what is wrong."
            ) from exc

    @property
    def actor(self) -> Actor:
        return Actor(
            account_id=self.workspace.account_id,
            workspace_id=self.workspace.pk,
            profile_id=self.workspace.account.system_profile.pk,
            label=self.label,
            is_person=False,
            role=Role.ADMIN,
            source=AuditEvent.Source.COMMAND,
        )

    def answer(self, value: Any, *, text: str) -> None:
        """Write `value` as JSON for scripts, else `text` for people."""
        self.stdout.write(as_json(value) if self.is_for_scripts else text)


def shown(text: str) -> str:
    """A stranger's text without what would move the cursor, colour the terminal or end the line."""
    return _CONTROL.sub("\ufffd", text)


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, default=str)


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under titles, in columns as wide as they must be."""
    cells = [tuple(titles), *(tuple(shown(str(cell)) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in cells
    )


def _chosen_workspace(wanted: str) -> Workspace:
    rows = Workspace.objects.select_related("account").order_by("pk")
    found = list(rows.filter(pk=wanted) if wanted else rows[:20])
    if len(found) == 1:
        return found[0]
    if wanted or not found:
        raise CommandError(
            f"There is no workspace {shown(wanted)!r}."
            if wanted
            else "There is no workspace yet. manage.py run makes one with its demo, and the admin makes others."
        )
    known = "\n".join(f"  {one.pk}  {shown(one.name)}" for one in found)
    raise CommandError(f"Say which workspace, with --workspace ID:\n{known}")


def _spoken(error: ValidationError) -> list[str]:
    if not hasattr(error, "error_dict"):
        return [shown(text) for text in error.messages]
    return [
        f"{field}: {shown(text)}"
        for field, texts in error.message_dict.items()
        for text in texts
    ]
