"""Prepares the database of these tests, with the project's own settings: `python -m tests.processes.cast <upstream>`.

It prints what was made as one line of JSON: see `Cast`.
"""

import json
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import django


@dataclass(frozen=True, kw_only=True)
class Cast:
    """One workspace: a pack with a bench of tools, one that is granted, one that hangs, a user, an admin, a key."""

    workspace: str
    user: str
    token: str
    session: str
    pack: str
    granted_pack: str
    hanging_pack: str
    bench: str
    many: str
    tools: dict[str, str]


def prepare(upstream: str) -> Cast:
    """Make it all, synced."""
    call_command("migrate", verbosity=0, interactive=False)
    check_fit()
    account = Account.objects.create(name="Acme")
    workspace = Workspace.objects.create(account=account, name="Shop", slug="shop")
    actor = installer(workspace)
    user, _ = enroll_user(workspace, origin_user_id="erin", actor=actor)
    bench = _synced(workspace, "Bench", f"{upstream}/bench")
    hanging = _synced(workspace, "Hang", f"{upstream}/hang")
    many = connect(workspace, **_connection("Many", f"{upstream}/many"), actor=actor)
    rows = bench.tools.values_list("name", "pk")
    return Cast(
        workspace=workspace.pk,
        user=user.pk,
        token=script(
            workspace, scopes=(ApiKey.Scope.MANAGEMENT, ApiKey.Scope.RUNTIME)
        ).token,
        session=_signed_in(workspace),
        pack=_pack(workspace, "Open", bench),
        granted_pack=_pack(workspace, "Granted", bench, access=ToolPack.Access.GRANTED),
        hanging_pack=_pack(workspace, "Hanging", hanging),
        bench=bench.pk,
        many=many.pk,
        tools={name: pk for name, pk in rows if not name.startswith("work")},
    )


def _connection(name: str, url: str) -> dict[str, Any]:
    spec = {"name": name, "adapter_type": "mcp", "adapter": {"url": url}}
    return {**spec, "sync_interval_seconds": int(timedelta(days=1).total_seconds())}


def _synced(workspace: Any, name: str, url: str) -> Any:
    tool_set = connect(workspace, **_connection(name, url), actor=installer(workspace))
    run_sync(tool_set.pk)
    return tool_set


def _pack(workspace: Any, name: str, tool_set: Any, **members: Any) -> str:
    actor = installer(workspace)
    pack = create_pack(workspace, name=name, **members, actor=actor)
    attach(pack, tool_set, tools=None, prefix="", actor=actor)
    return str(pack.pk)


def _signed_in(workspace: Any) -> str:
    """The session cookie of an admin of the workspace."""
    user = person("Alice", workspace, Role.ADMIN).profile.user
    assert user is not None
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return str(client.cookies["sessionid"].value)


if __name__ == "__main__":
    django.setup()

    from django.core.management import call_command
    from django.test import Client

    from gateway.identity.installation import check_fit
    from gateway.identity.models import Account, ApiKey, Workspace
    from gateway.identity.roles import Role
    from tests.conftest import person
    from tests.rest import installer, script
    from toolpacks.enrolling import enroll_user
    from toolpacks.models import ToolPack
    from toolpacks.packing import attach, create_pack
    from toolsets.connecting import connect
    from toolsets.sync import run_sync

    print(json.dumps(asdict(prepare(sys.argv[1]))))  # noqa: T201 - whoever started this reads it
