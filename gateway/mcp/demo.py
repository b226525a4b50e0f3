"""The demo of the first run: a workspace whose one tool set is the example server, with a pack, a user and a key."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse

from gateway.audit.models import AuditEvent
from gateway.audit.trail import Actor
from gateway.identity.models import (
    Account,
    ApiKey,
    Installation,
    Membership,
    Profile,
    Workspace,
)
from gateway.identity.roles import Role
from toolpacks.enrolling import enroll_user
from toolpacks.granting import grant
from toolpacks.key_limits import issue_pack_key
from toolpacks.packing import attach, create_pack
from toolsets.connecting import change, connect
from toolsets.models import ToolSet

_EXTERNAL_ID = "demo-workbench"
_USERNAME = "admin"


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What a visitor needs to try the demo; its file is the only place that keeps the password and the key."""

    admin_url: str
    admin_username: str
    admin_password: str = field(repr=False)
    api_url: str
    api_key: str = field(repr=False)
    workspace_id: str
    tool_pack_id: str
    registered_user_id: str
    mcp_url: str


def path() -> Path:
    """Where the demo is described."""
    return Path(settings.DATA_DIR) / "demo.json"


def recall() -> Demo | None:
    """The demo as its file has it, at the addresses of today; None when the database holds no such demo."""
    try:
        held = json.loads(path().read_text())
    except FileNotFoundError:
        return None
    if not Workspace.objects.filter(pk=held["workspace_id"]).exists():
        return None
    demo = Demo(
        **{**held, **_addresses(held["tool_pack_id"], held["registered_user_id"])}
    )
    if asdict(demo) != held:
        _write(demo)
    return demo


@transaction.atomic
def create_on_first_run(*, example_url: str) -> Demo | None:
    """Make the demo in a database that holds no account yet, and write its file; None when there is one."""
    Installation.objects.select_for_update().get(pk=1)
    if Account.objects.exists():
        return None
    demo = _create(example_url)
    _write(demo)
    return demo


def follow_example(demo: Demo, *, example_url: str) -> None:
    """Point the demo's tool set at the address where the example server listens now."""
    tool_set = (
        ToolSet.objects.in_workspace(demo.workspace_id)
        .filter(external_id=_EXTERNAL_ID)
        .first()
    )
    if tool_set is not None and tool_set.adapter.get("url") != example_url:
        workspace = Workspace.objects.get(pk=demo.workspace_id)
        change(
            tool_set,
            adapter={**tool_set.adapter, "url": example_url},
            actor=_actor(workspace),
        )


def example_url_of(demo: Demo) -> str:
    """Where the demo's tool set expects the example server; empty when the tool set is gone."""
    sets = ToolSet.objects.in_workspace(demo.workspace_id)
    tool_set = sets.filter(external_id=_EXTERNAL_ID).first()
    return str(tool_set.adapter.get("url", "")) if tool_set else ""


def _create(example_url: str) -> Demo:
    account = Account.objects.create(name="Demo")
    workspace = Workspace.objects.create(account=account, name="Demo", slug="demo")
    actor = _actor(workspace)
    password = _create_admin(workspace)
    tool_set = connect(
        workspace,
        name="Workbench",
        adapter_type=ToolSet.AdapterType.MCP,
        adapter={"url": example_url},
        description="The example server that runs beside Toolcrib: arithmetic, units, dates, texts, JSON, digests.",
        external_id=_EXTERNAL_ID,
        actor=actor,
    )
    pack = create_pack(
        workspace,
        name="Demo pack",
        description="Every tool of the workbench.",
        actor=actor,
    )
    attach(pack, tool_set, tools=None, actor=actor)
    user, _ = enroll_user(
        workspace, origin_user_id="demo-user", name="Demo user", actor=actor
    )
    grant(pack, user, actor=actor)
    issued = issue_pack_key(
        workspace,
        name="Demo key",
        packs=[pack],
        scopes=[ApiKey.Scope.MANAGEMENT, ApiKey.Scope.RUNTIME],
        role=Role.ADMIN,
        expires_at=None,
        registered_user=user,
        actor=actor,
    )
    return Demo(
        **_addresses(str(pack.pk), user.pk),
        admin_username=_USERNAME,
        admin_password=password,
        api_key=issued.token,
        workspace_id=workspace.pk,
        tool_pack_id=str(pack.pk),
        registered_user_id=user.pk,
    )


def _create_admin(workspace: Workspace) -> str:
    password = secrets.token_urlsafe(15)
    user = get_user_model().objects.create_superuser(_USERNAME, password=password)
    profile = Profile.objects.create(
        account=workspace.account,
        type=Profile.Type.USER,
        user=user,
        name="Demo admin",
    )
    Membership.objects.create(workspace=workspace, profile=profile, role=Role.ADMIN)
    return password


def _actor(workspace: Workspace) -> Actor:
    return Actor(
        account_id=workspace.account_id,
        workspace_id=workspace.pk,
        profile_id=workspace.account.system_profile.pk,
        label="manage.py run",
        is_person=False,
        source=AuditEvent.Source.COMMAND,
    )


def _addresses(pack_id: str, user_id: str) -> dict[str, Any]:
    base = settings.PUBLIC_URL
    return {
        "admin_url": base + reverse("admin:index"),
        "api_url": base,
        "mcp_url": f"{base}/tool-packs/{pack_id}/registered-users/{user_id}/mcp",
    }


def _write(demo: Demo) -> None:
    """Replace the file in one step, so that nobody reads half of it, and nobody else reads it at all."""
    draft = path().with_suffix(".json.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(demo), file, indent=2)
    draft.replace(path())
