"""`manage.py bundle`, as people and CI use it."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from gateway.audit.models import AuditEvent
from gateway.identity.models import Workspace
from tests.toolpacks.bundles.conftest import as_yaml, one, set_of
from toolpacks.bundles import runs
from toolpacks.models import BundleRun, ToolPack
from toolsets.models import Tool, ToolSet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workspace")]


def bundle(verb: str, root: Path, *options: str, key: str = "platform") -> str:
    out = StringIO()
    call_command(
        "bundle", verb, str(root), "--key", key, *options, stdout=out, stderr=StringIO()
    )
    return out.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory with a bundle of one tool set, and a pack in another file and folder."""
    (tmp_path / "packs").mkdir()
    (tmp_path / "weather.yaml").write_bytes(as_yaml(one()))
    (tmp_path / "packs" / "support.json").write_text(
        json.dumps({"toolPacks": {"support": {"name": "Support"}}})
    )
    return tmp_path


def test_plan_apply_and_plan_again(root: Path) -> None:
    planned = bundle("plan", root)
    applied = bundle("apply", root)
    again = bundle("plan", root)

    assert planned.splitlines() == [
        "+ create toolSet weather",
        '    name: "Weather"',
        '    spec.adapter.mcp.url: "https://mcp.example.com"',
        "+ create toolPack support",
        '    name: "Support"',
        "2 create.",
    ]
    assert applied == "2 applied.\n"
    assert again == "2 unchanged.\n"
    assert (set_of().bundle_key, ToolPack.objects.get().bundle_key) == ("platform",) * 2
    event = AuditEvent.objects.get(action="tool_set.created")
    assert (event.source, event.actor_label) == ("command", "manage.py bundle")


def test_plan_tells_scripts_by_its_exit_code(root: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        bundle("plan", root, "--exit-code")
    bundle("apply", root)

    assert caught.value.code == 2
    bundle("plan", root, "--exit-code")


def test_answers_for_scripts_are_those_of_rest(root: Path) -> None:
    planned = json.loads(bundle("plan", root, "--json"))
    applied = json.loads(bundle("apply", root, "--json"))

    assert planned["counts"]["create"] == 2
    assert applied["state"] == "SUCCEEDED"
    assert [one["key"] for one in applied["outcomes"]] == ["weather", "support"]


def test_every_problem_is_named_with_file_and_line(root: Path) -> None:
    (root / "weather.yaml").write_text("toolSets:\n  a:\n    nam: A\n    spec: {}\n")
    (root / "packs" / "support.json").write_text('{"toolPacks": {"p": 5,\n"p": 6}}')

    with pytest.raises(CommandError) as caught:
        bundle("apply", root)

    assert str(caught.value).splitlines() == [
        "packs/support.json:2: 'p' is given twice.",
        "weather.yaml:3: toolSets.a.nam: There is no such member.",
        "weather.yaml:2: toolSets.a: Give name.",
        "weather.yaml:2: toolSets.a: Give spec.adapter.",
    ]
    assert not BundleRun.objects.exists()


def test_one_resource_in_two_files_is_refused_with_both_places(root: Path) -> None:
    (root / "again.yaml").write_bytes(as_yaml(one()))

    with pytest.raises(
        CommandError,
        match=re.escape(
            "weather.yaml:2: toolSets.weather: It is named at again.yaml:2"
        ),
    ):
        bundle("plan", root)


@pytest.mark.parametrize("name", ["nowhere", "weather.yaml"])
def test_directory_that_is_none_is_refused(name: str, root: Path) -> None:
    with pytest.raises(CommandError, match="There is no such directory"):
        bundle("apply", root / name, "--allow-empty")


def test_files_in_hidden_folders_and_other_files_do_not_count(root: Path) -> None:
    (root / ".github").mkdir()
    (root / ".github" / "ci.yaml").write_text("on: push")
    (root / "README.md").write_text("# Ours")

    assert bundle("plan", root).endswith("2 create.\n")


def test_link_that_leads_out_of_the_directory_is_refused(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text("password: hush")
    (root / "link.yaml").symlink_to(outside)

    with pytest.raises(CommandError) as caught:
        bundle("plan", root)

    assert str(caught.value).startswith("link.yaml: It is a link that leads out")
    assert "hush" not in str(caught.value)


def test_empty_directory_must_be_meant(root: Path, tmp_path: Path) -> None:
    bundle("apply", root)
    empty = tmp_path / "empty"
    empty.mkdir()

    with pytest.raises(CommandError, match="names nothing"):
        bundle("apply", empty)
    assert set_of().is_active
    bundle("apply", empty, "--allow-empty")
    assert not set_of().is_active


def test_refusal_is_said_and_exits_with_one(root: Path) -> None:
    bundle("apply", root)

    for verb in ("plan", "apply"):
        with pytest.raises(CommandError) as caught:
            bundle(verb, root, key="other")
        assert caught.value.returncode == 1


def test_apply_while_another_goes_on_is_refused(
    root: Path, workspace: Workspace
) -> None:
    bundle("apply", root)
    run = BundleRun.objects.get()
    BundleRun.objects.filter(pk=run.pk).update(state=BundleRun.State.RUNNING)

    with pytest.raises(CommandError, match="bundle_busy"):
        bundle("apply", root)


def test_stopping_it_by_hand_ends_the_run(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "count_ahead", stop)
    with pytest.raises(CommandError) as caught:
        bundle("apply", root)
    monkeypatch.undo()

    assert caught.value.returncode == 130
    assert BundleRun.objects.get().state == BundleRun.State.CANCELLED
    assert bundle("apply", root) == "2 applied.\n"


def test_export_is_applied_and_exported_again_to_the_byte(
    root: Path, tmp_path: Path
) -> None:
    bundle("apply", root)
    first, second = tmp_path / "first", tmp_path / "second"

    bundle("export", first)
    assert bundle("apply", first) == "2 unchanged.\n"
    bundle("export", second)

    assert _files(first) == _files(second)
    assert sorted(_files(first)) == [
        "tool_packs/support.yaml",
        "tool_sets/weather.yaml",
    ]


def _files(root: Path) -> dict[str, bytes]:
    paths = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def test_export_leaves_no_file_that_would_be_applied_by_mistake(
    root: Path, tmp_path: Path
) -> None:
    bundle("apply", root)
    first = tmp_path / "first"
    bundle("export", first)
    ToolPack.objects.update(is_enabled=False)

    with pytest.raises(
        CommandError, match=re.escape("tool_packs/support.yaml: It is no")
    ):
        bundle("export", first)
    bundle("export", first, "--replace")
    assert sorted(_files(first)) == ["tool_sets/weather.yaml"]
    with pytest.raises(CommandError, match=re.escape("weather.yaml: It is no part")):
        bundle("export", root, "--replace")
    assert (root / "weather.yaml").exists()


def test_example_of_the_documentation_is_applied(tmp_path: Path) -> None:
    text = (settings.BASE_DIR / "docs" / "bundles.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "example.yaml").write_text(example)

    assert bundle("apply", tmp_path) == "4 applied.\n"

    assert Tool.objects.get().external_id == "forecast"
    assert ToolSet.objects.count() == 2
