"""Runs of bundles: one at a time, left to workers when they are large, and gone on with when their worker is lost."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.identity.models import Workspace
from tests.rest import Script, installer
from tests.toolpacks.bundles.conftest import (
    KEY,
    Apply,
    a_set,
    actions,
    apply,
    one,
    outcomes,
    plan,
    set_of,
)
from tests.upstreams import sdk_server, streamable_http_app, tool
from toolpacks import tasks
from toolpacks.bundles import applying, runs
from toolpacks.bundles.reading import read_bundle
from toolpacks.bundles.syntax import node_of
from toolpacks.models import BundleOutcome, BundleRun
from toolsets.models import Tool, ToolSet

pytestmark = pytest.mark.django_db

MANY = {"toolSets": {f"s{i}": a_set(f"S{i}") for i in range(101)}}


def begun(workspace: Workspace, document: dict[str, Any]) -> BundleRun:
    bundle = read_bundle([node_of(document)])
    return runs.begin(workspace, KEY, bundle, actor=installer(workspace))


def test_second_apply_of_a_bundle_is_told_that_one_is_under_way(
    rest: Script, workspace: Workspace
) -> None:
    run = begun(workspace, one())

    answer = apply(rest, one())

    assert (answer.status, answer.code) == (409, "bundle_busy")
    assert run.pk in answer.body["message"]
    assert apply(rest, one(key="other"), "other").status == 200


def test_large_bundle_is_left_to_a_worker_and_its_run_tells_how_far_it_is(
    rest: Script,
) -> None:
    answer = apply(rest, MANY)
    address = f"/v1/bundles/{KEY}/runs/{answer.body['id']}"
    waiting = rest.get(address).body
    tasks.apply_bundle(run_id=answer.body["id"])
    done = rest.get(address).body

    assert (answer.status, waiting["state"]) == (202, "PENDING")
    assert waiting["counts"]["total"] is None
    assert (done["state"], done["counts"]["applied"]) == ("SUCCEEDED", 101)
    assert len(done["outcomes"]) == 101
    assert done["finishedAt"]


def test_small_bundle_may_be_left_to_a_worker_too(rest: Script) -> None:
    assert apply(rest, one(), query="?async=true").status == 202


def test_sweep_finds_what_nobody_works_on(
    rest: Script, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, held = begun(workspace, one()), apply(rest, one(), "other", "?async=true")
    assert runs.take(held.body["id"], at=timezone.now())
    woken: list[str] = []
    monkeypatch.setattr(
        tasks.apply_bundle,
        "apply_async",
        lambda kwargs, expires: woken.append(kwargs["run_id"]),
    )

    tasks.sweep_bundle_runs()

    assert woken == [lost.pk]


class Killed(BaseException):
    """The end of a worker in the middle of its work."""


def test_run_of_a_killed_worker_is_gone_on_with_and_nothing_is_doubled(
    workspace: Workspace,
) -> None:
    document = {"toolSets": {name: a_set(name) for name in "abcd"}}
    run = begun(workspace, document)

    def die(done: int, total: int) -> None:
        if done == 2:
            raise Killed

    with pytest.raises(Killed):
        applying.run_bundle(run.pk, on_progress=die)
    applying.run_bundle(run.pk)  # the claim of the dead worker still holds
    run.refresh_from_db()
    stuck = run.state, run.done
    _age(run)
    applying.run_bundle(run.pk)

    run.refresh_from_db()
    assert stuck == (BundleRun.State.RUNNING, 2)
    assert (run.state, run.applied, run.total) == (BundleRun.State.SUCCEEDED, 4, 4)
    assert ToolSet.objects.count() == 4
    assert list(run.outcomes.values_list("action", flat=True)) == ["create"] * 4


def _age(run: BundleRun) -> None:
    BundleRun.objects.filter(pk=run.pk).update(
        claimed_until=timezone.now() - timedelta(seconds=1)
    )


def test_worker_that_lost_its_claim_writes_nothing_more(workspace: Workspace) -> None:
    run = begun(workspace, {"toolSets": {name: a_set(name) for name in "ab"}})

    def lose(done: int, total: int) -> None:
        if done == 1:
            _age(run)
            assert runs.take(run.pk, at=timezone.now())

    applying.run_bundle(run.pk, on_progress=lose)

    assert list(ToolSet.objects.values_list("name", flat=True)) == ["a"]
    assert BundleOutcome.objects.count() == 1


def test_one_of_two_workers_takes_a_run(workspace: Workspace) -> None:
    run = begun(workspace, one())
    now = timezone.now()

    claims = [runs.take(run.pk, at=now), runs.take(run.pk, at=now)]

    assert [claim is not None for claim in claims] == [True, False]


def test_stopping_worker_leaves_the_rest_to_the_next(workspace: Workspace) -> None:
    run = begun(workspace, {"toolSets": {name: a_set(name) for name in "ab"}})
    try:
        applying.run_bundle(run.pk, on_progress=lambda *_: applying.stopping.set())
        applying.run_bundle(run.pk)
    finally:
        applying.stopping.clear()
    assert ToolSet.objects.count() == 1

    applying.run_bundle(run.pk)

    run.refresh_from_db()
    assert (run.state, run.applied) == (BundleRun.State.SUCCEEDED, 2)


def test_resource_taken_off_the_bundle_meanwhile_is_left_alone(
    applied: Apply, workspace: Workspace
) -> None:
    applied({"toolSets": {name: a_set(name) for name in "ab"}})
    run = begun(workspace, {"toolSets": {name: a_set(f"new {name}") for name in "ab"}})

    def hand_over(done: int, total: int) -> None:
        ToolSet.objects.filter(external_id="b").update(bundle_key="other")

    applying.run_bundle(run.pk, on_progress=hand_over)

    assert ToolSet.objects.get(external_id="b").name == "b"
    assert run.outcomes.get(key="b").code == "not_owned"


def test_tools_of_a_new_set_are_decided_when_its_first_sync_is_done(
    rest: Script, serve: Any
) -> None:
    upstream = serve(streamable_http_app(sdk_server([tool("now"), tool("later")])))
    document = {
        "toolSets": {
            "weather": a_set(
                spec={"adapter": {"mcp": {"url": upstream.url()}}},
                tools={"now": {"spec": {"status": "TOOL_STATUS_OMITTED"}}},
            )
        },
        "toolPacks": {
            "p": {"name": "P", "connectors": {"weather": {"tools": ["later"]}}}
        },
    }

    planned = plan(rest, document)
    answer = apply(rest, document)
    tasks.apply_bundle(run_id=answer.body["id"])

    assert actions(planned)["weather/now"] == "update"
    assert planned.body["changes"][1]["note"].startswith("It waits for the sync")
    assert answer.status == 202
    run = BundleRun.objects.get()
    assert run.state == BundleRun.State.SUCCEEDED, list(run.outcomes.values())
    assert Tool.objects.get(name="now").status == Tool.Status.OMITTED
    assert set(actions(plan(rest, document)).values()) == {"unchanged"}


def test_tools_of_an_upstream_that_does_not_answer_fail_alone(
    rest: Script, applied: Apply
) -> None:
    dead = a_set(
        spec={"adapter": {"mcp": {"url": "http://127.0.0.1:9/mcp"}}},
        tools={"now": {"labels": {"a": "b"}}},
    )

    run = applied({"toolSets": {"weather": dead, "other": a_set("Other")}})

    found = outcomes(rest.get(f"/v1/bundles/{KEY}/runs/{run.pk}"))
    assert found == {
        "other": ("APPLIED", ""),
        "weather": ("APPLIED", ""),
        "weather/now": ("REFUSED", "not_synced"),
    }
    assert run.state == BundleRun.State.PARTIALLY_APPLIED
    assert set_of().bundle_key == KEY


def test_runs_are_listed_newest_first_and_old_ones_forgotten(
    rest: Script, applied: Apply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_KEPT", 2)
    made = [applied(one(a_set(f"name {i}"))).pk for i in range(3)]

    listed = rest.get(f"/v1/bundles/{KEY}/runs").body["items"]

    assert [run["id"] for run in listed] == [made[2], made[1]]


def test_run_keeps_no_document_when_it_has_ended(applied: Apply) -> None:
    assert applied(one()).document is None
