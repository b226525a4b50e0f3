"""Who gets in: tokens, keys and their limits, packs, registered users, hosts and origins."""

from datetime import timedelta

import pytest
from django.utils import timezone

from gateway.identity.keys import issue_key, revoke_key, rotate_key
from gateway.identity.models import ApiKey, Workspace
from tests.conftest import Person
from tests.mcp.agents import Agent
from tests.mcp.conftest import Bench, rows
from tests.mcp.upstreams import Seen
from toolpacks.enrolling import deactivate_user, enroll_user, reactivate_user
from toolpacks.granting import grant, withdraw
from toolpacks.models import ToolPack
from toolpacks.packing import change_pack, create_pack

CHALLENGE = 'Bearer realm="toolcrib", error="invalid_token"'


def status_of(agent: Agent) -> int:
    return agent.modern("tools/list").status_code


def code_of(agent: Agent) -> tuple[int, str]:
    answer = agent.modern("tools/list")
    return answer.status_code, answer.json().get("code", "")


def test_without_a_good_token_nobody_gets_in(
    bench: Bench, subtests: pytest.Subtests
) -> None:
    for authorization in [None, "", "Bearer", "Basic eDp5", "Bearer forged"]:
        for method in ["POST", "GET", "DELETE"]:
            with subtests.test(authorization=authorization, method=method):
                answer = bench.agent.send(
                    {}, method=method, headers={"Authorization": authorization}
                )

                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == CHALLENGE
                assert answer.json()["code"] == "invalid_token"


def test_token_may_come_in_any_case_of_its_scheme(bench: Bench) -> None:
    headers = {"Authorization": f"bEARER  {bench.agent.token}"}

    assert bench.agent.modern("tools/list", headers=headers).status_code == 200


def test_revoked_key_is_out_on_the_next_request_of_any_kind(bench: Bench) -> None:
    session = bench.agent.initialized()
    assert status_of(bench.agent) == 200

    revoke_key(ApiKey.objects.get(), actor=bench.operator.actor)

    assert status_of(bench.agent) == 401
    assert bench.agent.call("echo", text="a").status == 401
    assert session.legacy("ping").status_code == 401
    assert session.legacy("notifications/initialized", id=None).status_code == 401
    assert (
        session.send([{"jsonrpc": "2.0", "id": 1, "method": "ping"}]).status_code == 401
    )
    assert session.send(method="GET").status_code == 401
    assert session.send(method="DELETE").status_code == 401


def test_call_with_a_revoked_key_reaches_nothing_and_its_row_says_so(
    bench: Bench, seen: Seen
) -> None:
    bench.agent.modern("tools/list")
    revoke_key(ApiKey.objects.get(), actor=bench.operator.actor)

    bench.agent.call("echo", text="a")

    assert seen.calls == []
    assert [(row.state, row.reached_upstream) for row in rows()] == [("refused", False)]


def test_rotated_key_goes_on_under_its_new_token_only(bench: Bench) -> None:
    rotated = rotate_key(ApiKey.objects.get(), actor=bench.operator.actor)

    assert status_of(bench.agent) == 401
    assert status_of(Agent(url=bench.agent.url, token=rotated.token)) == 200


def test_key_that_expires_is_out_at_once(bench: Bench) -> None:
    agent = bench.agent_with()
    assert status_of(agent) == 200

    newest = ApiKey.objects.order_by("-pk")[:1]
    ApiKey.objects.filter(pk__in=[key.pk for key in newest]).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )

    assert status_of(agent) == 401


def test_key_for_rest_only_may_not_call(bench: Bench) -> None:
    agent = bench.agent_with(scopes=[ApiKey.Scope.MANAGEMENT])

    assert code_of(agent) == (403, "key_not_allowed")


def test_key_is_held_to_its_packs(bench: Bench) -> None:
    other = create_pack(bench.workspace, name="Other", actor=bench.operator.actor)
    agent = bench.agent_with(packs=[other])

    assert code_of(agent) == (403, "key_not_allowed")
    assert status_of(Agent(url=bench.url(pack=other.slug), token=agent.token)) == 200


def test_key_is_held_to_its_users(bench: Bench) -> None:
    finn, _ = enroll_user(
        bench.workspace, origin_user_id="finn", actor=bench.operator.actor
    )
    agent = bench.agent_with(limited_to_users=[finn])

    assert code_of(agent) == (403, "key_not_allowed")
    assert status_of(Agent(url=bench.url(user=finn.pk), token=agent.token)) == 200


def test_bound_key_acts_for_its_user_only(bench: Bench) -> None:
    finn, _ = enroll_user(
        bench.workspace, origin_user_id="finn", actor=bench.operator.actor
    )
    agent = bench.agent_with(registered_user=finn)

    assert code_of(agent) == (403, "key_not_allowed")
    assert status_of(Agent(url=bench.url(user=finn.pk), token=agent.token)) == 200


def test_key_without_limits_acts_for_anyone_in_its_workspace(bench: Bench) -> None:
    agent = bench.agent_with(packs=None, may_act_as_anyone=True)

    assert status_of(agent) == 200


def test_granted_pack_is_not_there_for_others(bench: Bench) -> None:
    change_pack(bench.pack, access=ToolPack.Access.GRANTED, actor=bench.operator.actor)
    assert code_of(bench.agent) == (404, "not_found")

    grant(bench.pack, bench.user, actor=bench.operator.actor)
    assert status_of(bench.agent) == 200

    withdraw(bench.pack, bench.user, actor=bench.operator.actor)
    assert code_of(bench.agent) == (404, "not_found")


def test_disabled_pack_is_not_there_until_it_is_enabled_again(bench: Bench) -> None:
    pack = change_pack(bench.pack, is_enabled=False, actor=bench.operator.actor)
    disabled = code_of(bench.agent)
    change_pack(pack, is_enabled=True, actor=bench.operator.actor)

    assert disabled == (404, "not_found")
    assert status_of(bench.agent) == 200


def test_deactivated_user_is_not_there(bench: Bench) -> None:
    assert status_of(bench.agent) == 200

    deactivate_user(bench.user, actor=bench.operator.actor)
    assert code_of(bench.agent) == (404, "not_found")

    reactivate_user(bench.user, actor=bench.operator.actor)
    assert status_of(bench.agent) == 200


def test_pack_and_user_go_by_every_name_they_have(bench: Bench) -> None:
    for pack in (str(bench.pack.pk), bench.pack.pk.hex, bench.pack.slug):
        for user in (bench.user.pk, "external_id:erin", "external_id%3Aerin"):
            url = bench.url(pack=pack, user=user)
            assert status_of(Agent(url=url, token=bench.agent.token)) == 200


def test_unknown_pack_and_user_are_not_found(
    bench: Bench, subtests: pytest.Subtests
) -> None:
    for name in ["nonsense", "%00", "a%00b", "x" * 5000, "%2e%2e", "é", "external_id:"]:
        with subtests.test(name=name):
            token = bench.agent_with(packs=None, may_act_as_anyone=True).token

            for url in (bench.url(pack=name), bench.url(user=name)):
                assert status_of(Agent(url=url, token=token)) == 404


def test_what_is_of_another_workspace_looks_missing(
    bench: Bench, mallory: Person, other_workspace: Workspace
) -> None:
    pack = create_pack(other_workspace, name="Theirs", actor=mallory.actor)
    user, _ = enroll_user(other_workspace, origin_user_id="m", actor=mallory.actor)
    agent = bench.agent_with(packs=None, may_act_as_anyone=True)
    missing = Agent(url=bench.url(pack="missing"), token=agent.token)

    for url in (bench.url(pack=str(pack.pk)), bench.url(user=user.pk)):
        foreign = Agent(url=url, token=agent.token).modern("tools/list")
        assert foreign.status_code == 404
        assert foreign.content == missing.modern("tools/list").content


def test_key_of_another_workspace_finds_nothing(
    bench: Bench, mallory: Person, other_workspace: Workspace
) -> None:
    issued = issue_key(
        other_workspace,
        name="theirs",
        scopes=[ApiKey.Scope.RUNTIME],
        role="admin",
        expires_at=None,
        may_act_as_anyone=True,
        actor=mallory.actor,
    )

    assert code_of(Agent(url=bench.agent.url, token=issued.token)) == (404, "not_found")


def test_strange_hosts_and_origins_are_refused(
    bench: Bench, subtests: pytest.Subtests
) -> None:
    for headers, code in [
        ({"Host": "evil.example"}, "host_not_allowed"),
        ({"Host": ""}, "host_not_allowed"),
        ({"Origin": "https://evil.example"}, "origin_not_allowed"),
        ({"Origin": "null"}, "origin_not_allowed"),
        ({"Origin": "http://["}, "origin_not_allowed"),
        ({"Origin": "http://127.0.0.1@evil.example"}, "origin_not_allowed"),
        ({"Origin": ""}, "origin_not_allowed"),
    ]:
        with subtests.test(headers=headers, code=code):
            answer = bench.agent.modern("tools/list", headers=headers)

            assert (answer.status_code, answer.json()["code"]) == (403, code)


def test_pages_of_our_own_hosts_may_call(
    bench: Bench, subtests: pytest.Subtests
) -> None:
    for origin in ["http://127.0.0.1:3000", "http://localhost"]:
        with subtests.test(origin=origin):
            answer = bench.agent.modern("tools/list", headers={"Origin": origin})

            assert answer.status_code == 200


def test_two_workspaces_do_not_share_what_is_remembered(
    bench: Bench, mallory: Person, other_workspace: Workspace
) -> None:
    """The same slugs and origin ids in both, asked for in turn."""
    enroll_user(other_workspace, origin_user_id="erin", actor=mallory.actor)
    create_pack(other_workspace, name="Bench", actor=mallory.actor)
    url = bench.url(pack=bench.pack.slug, user="external_id:erin")
    issued = issue_key(
        other_workspace,
        name="theirs",
        scopes=[ApiKey.Scope.RUNTIME],
        role="admin",
        expires_at=None,
        may_act_as_anyone=True,
        actor=mallory.actor,
    )
    ours, theirs = (Agent(url=url, token=t) for t in (bench.agent.token, issued.token))

    for _ in range(2):
        assert len(ours.tools()) == 6
        assert theirs.tools() == []
        assert theirs.call("echo", text="a").status == 403
