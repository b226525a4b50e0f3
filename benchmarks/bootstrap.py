"""Prepares a fresh Toolcrib database for the benchmark, and reads its log of calls. Runs with the project's settings.

`python -m benchmarks.bootstrap prepare <upstream url> <tools>…`: a workspace, per number of tools a synced tool set and
a pack with all of them, a registered user, and a key for REST and MCP. `enroll <workspace> <number>`: more users.
`log <workspace>`: how many rows in which state. Each prints one line of JSON.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django must be set up first
from django.db import transaction  # noqa: E402
from django.db.models import Count  # noqa: E402

from gateway.audit.models import AuditEvent  # noqa: E402
from gateway.audit.trail import Actor  # noqa: E402
from gateway.identity.installation import check_fit  # noqa: E402
from gateway.identity.models import (  # noqa: E402
    Account,
    ApiKey,
    RegisteredUser,
    Workspace,
)
from gateway.identity.roles import Role  # noqa: E402
from gateway.mcp.models import ToolCall  # noqa: E402
from toolpacks.enrolling import enroll_user  # noqa: E402
from toolpacks.key_limits import issue_pack_key  # noqa: E402
from toolpacks.packing import attach, create_pack  # noqa: E402
from toolsets.connecting import connect  # noqa: E402
from toolsets.models import ToolSet  # noqa: E402
from toolsets.sync import run_sync  # noqa: E402


def prepare(upstream: str, *sizes: str) -> dict[str, Any]:
    """Everything that one contestant needs, and its token."""
    call_command("migrate", verbosity=0, interactive=False)
    check_fit()
    account = Account.objects.create(name="Benchmark")
    workspace = Workspace.objects.create(
        account=account, name="Benchmark", slug="benchmark"
    )
    actor = _actor(workspace)
    user, _ = enroll_user(workspace, origin_user_id="benchmark", actor=actor)
    issued = issue_pack_key(
        workspace,
        name="Benchmark",
        packs=None,
        scopes=[ApiKey.Scope.MANAGEMENT, ApiKey.Scope.RUNTIME],
        role=Role.ADMIN,
        expires_at=None,
        may_act_as_anyone=True,
        actor=actor,
    )
    return {
        "workspace": workspace.pk,
        "user": user.pk,
        "token": issued.token,
        "packs": {
            size: _pack(workspace, f"{upstream}/mcp/{size}", int(size), actor)
            for size in sizes
        },
    }


def enroll(workspace_id: str, number: str) -> list[str]:
    """The ids of this many new registered users."""
    workspace = Workspace.objects.get(pk=workspace_id)
    profile = workspace.account.system_profile
    users = [
        RegisteredUser(
            workspace=workspace,
            origin_user_id=f"crowd-{index}",
            created_by=profile,
        )
        for index in range(int(number))
    ]
    for start in range(0, len(users), 500):
        RegisteredUser.objects.bulk_create(users[start : start + 500])
    return [user.pk for user in users]


def log(workspace_id: str) -> dict[str, dict[str, int]]:
    """How many rows are in which state: all of them, and those that say that the upstream was reached."""
    rows = ToolCall.objects.in_workspace(workspace_id)
    pairs = rows.values_list("state", "reached_upstream")
    counts = pairs.annotate(Count("pk")).order_by("state")
    found: dict[str, dict[str, int]] = {"rows": {}, "reached": {}}
    for state, is_reached, number in counts:
        found["rows"][state] = found["rows"].get(state, 0) + number
        if is_reached:
            found["reached"][state] = number
    return found


def _pack(workspace: Workspace, url: str, size: int, actor: Actor) -> dict[str, str]:
    tool_set = connect(
        workspace,
        name=f"Upstream {size}",
        adapter_type=ToolSet.AdapterType.MCP,
        adapter={"url": url},
        sync_interval_seconds=86_400,
        actor=actor,
    )
    run_sync(tool_set.pk)
    if (found := tool_set.tools.available().count()) != size:
        raise SystemExit(f"{url} was synced to {found} tools instead of {size}.")
    pack = create_pack(workspace, name=f"Pack {size}", actor=actor)
    with transaction.atomic():
        attach(pack, tool_set, tools=None, prefix="", actor=actor)
    last = tool_set.tools.order_by("-name").values_list("pk", flat=True)[0]
    return {"pack": str(pack.pk), "tool_set": tool_set.pk, "last_tool": last}


def _actor(workspace: Workspace) -> Actor:
    return Actor(
        account_id=workspace.account_id,
        workspace_id=workspace.pk,
        profile_id=workspace.account.system_profile.pk,
        label="benchmark",
        is_person=False,
        source=AuditEvent.Source.COMMAND,
    )


COMMANDS: dict[str, Callable[..., Any]] = {
    "prepare": prepare,
    "enroll": enroll,
    "log": log,
}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
