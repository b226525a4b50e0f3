"""What one process changed, the other's very next answer knows."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.processes.house import Agent, House, Process, agent, said_of

EDITS = 200
_CSRF = "x" * 32


@dataclass(frozen=True, kw_only=True)
class Editor:
    """Somebody who changes things at one process: with a key over REST, or signed in to the admin."""

    rest: httpx.Client
    admin: httpx.Client

    def send(self, method: str, path: str, body: Any = None) -> Any:
        response = self.rest.request(method, f"/v1/{path}", json=body)
        assert response.status_code < 300, response.text
        return response.json() if response.content else None

    def press(self, path: str, **form: str) -> None:
        """Post a form of the admin."""
        form["csrfmiddlewaretoken"] = _CSRF
        response = self.admin.post(f"/admin/{path}/", data=form)
        assert response.status_code == 302, response.text[-2000:]
        assert "login" not in response.headers["location"]


@pytest.fixture
def editor(pair: tuple[Process, Process], house: House) -> Iterator[Editor]:
    cast, url = house.cast, pair[0].url
    key = {"authorization": f"Bearer {cast.token}"}
    cookies = {"sessionid": cast.session, "csrftoken": _CSRF}
    with (
        httpx.Client(base_url=url, trust_env=False, timeout=30, headers=key) as rest,
        httpx.Client(
            base_url=url, trust_env=False, timeout=30, cookies=cookies
        ) as admin,
    ):
        editor = Editor(rest=rest, admin=admin)
        yield editor
        everything = [{"slug": "bench", "mode": "ALL", "prefix": ""}]
        editor.send("PUT", f"tool-packs/{cast.pack}/connectors/", everything)


Edit = tuple[str, Callable[[], Any], Callable[[], bool]]


def test_two_hundred_edits_at_one_process_are_seen_by_the_next_request_at_the_other(
    pair: tuple[Process, Process], editor: Editor, house: House
) -> None:
    with agent(pair[1], house.cast) as here:
        edits = itertools.cycle(_edits(editor, here, house))
        seen, missed = 0, []
        for name, edit, is_seen in itertools.islice(edits, EDITS):
            edit()
            if is_seen():
                seen += 1
            else:
                missed.append(name)

    assert (seen, missed) == (EDITS, [])


def _edits(editor: Editor, here: Agent, house: House) -> list[Edit]:
    """A round of edits that ends where it began."""
    cast = house.cast
    rest, admin = editor.send, editor.press
    there = Agent(web=here.web, cast=cast, http=here.http, pack=cast.granted_pack)
    connectors = f"tool-packs/{cast.pack}/connectors/"
    picker = f"toolpacks/toolpack/{cast.pack}/connectors/{cast.bench}"
    tool = f"tool_sets/{cast.bench}/tools/{cast.tools['spare']}"
    decide = f"toolsets/tool/{cast.tools['echo']}/decide"
    keys: list[Agent] = []

    def chosen(*names: str) -> list[dict[str, Any]]:
        return [{"slug": "bench", "tool_names": list(names), "prefix": ""}]

    def picked(*names: str) -> str:
        return "[" + ",".join(f'"{cast.tools[name]}"' for name in names) + "]"

    def make_key() -> None:
        spec = {"scopes": ["runtime:all"], "toolPacks": [cast.pack]}
        made = rest("POST", "api_keys", {"metadata": {"name": "K"}, "spec": spec})
        keys.append(Agent(web=here.web, cast=cast, http=here.http, token=made["token"]))
        keys_ids.append(made["metadata"]["id"])

    keys_ids: list[str] = []

    def works(name: str) -> bool:
        return name in here.list() and said_of(here.call(name)) == "ok"

    def is_gone(name: str) -> bool:
        return said_of(here.call(name)) == "unauthorized_tool" and (
            name not in here.list()
        )

    def is_granted() -> bool:
        return said_of(there.call("echo")) == "ok"

    def is_withdrawn() -> bool:
        return said_of(there.call("echo")) == "404 not_found"

    grant = f"registered-users/{cast.user}/tool-packs/{cast.granted_pack}/"
    users = f"toolpacks/toolpack/{cast.granted_pack}/users"
    set_path = f"tool_sets/{cast.bench}"
    return [
        (
            "remove by REST",
            lambda: rest("PUT", connectors, chosen("echo")),
            lambda: is_gone("add"),
        ),
        (
            "add by REST",
            lambda: rest("PUT", connectors, chosen("echo", "add", "spare")),
            lambda: works("add"),
        ),
        (
            "remove in the admin",
            lambda: admin(picker, mode="CHOSEN", tools=picked("add"), naming="none"),
            lambda: is_gone("echo"),
        ),
        (
            "add in the admin",
            lambda: admin(
                picker,
                mode="CHOSEN",
                tools=picked("add", "echo", "spare"),
                naming="none",
            ),
            lambda: works("echo"),
        ),
        (
            "omit by REST",
            lambda: rest("POST", f"{tool}:omit"),
            lambda: is_gone("spare"),
        ),
        (
            "restore by REST",
            lambda: rest("POST", f"{tool}:restore"),
            lambda: works("spare"),
        ),
        (
            "omit in the admin",
            lambda: admin(decide, decision="omit"),
            lambda: is_gone("echo"),
        ),
        (
            "restore in the admin",
            lambda: admin(decide, decision="restore"),
            lambda: works("echo"),
        ),
        (
            "archive in the admin",
            lambda: admin(f"toolsets/toolset/{cast.bench}/archive"),
            lambda: is_gone("echo"),
        ),
        (
            "unarchive by REST",
            lambda: rest("POST", f"{set_path}:unarchive"),
            lambda: works("echo"),
        ),
        ("grant by REST", lambda: rest("PUT", grant), is_granted),
        (
            "withdraw in the admin",
            lambda: admin(users, user=cast.user, decision="withdraw"),
            is_withdrawn,
        ),
        (
            "grant in the admin",
            lambda: admin(users, user=cast.user, decision="grant"),
            is_granted,
        ),
        ("withdraw by REST", lambda: rest("DELETE", grant), is_withdrawn),
        (
            "change the prefix",
            lambda: rest("PATCH", connectors, [{"slug": "bench", "prefix": "b"}]),
            lambda: is_gone("echo") and works("b__echo"),
        ),
        (
            "take the prefix away",
            lambda: rest("PATCH", connectors, [{"slug": "bench", "prefix": ""}]),
            lambda: is_gone("b__echo") and works("echo"),
        ),
        ("make a key", make_key, lambda: said_of(keys[-1].call("echo")) == "ok"),
        (
            "revoke it in the admin",
            lambda: admin(f"identity/apikey/{keys_ids[-1]}/revoke"),
            lambda: said_of(keys[-1].call("echo")) == "401 invalid_token",
        ),
        (
            "deactivate the user",
            lambda: rest("DELETE", f"registered-users/{cast.user}/"),
            lambda: said_of(here.call("echo")) == "404 not_found",
        ),
        (
            "reactivate the user",
            lambda: rest(
                "PATCH", f"registered-users/{cast.user}/", {"is_active": True}
            ),
            lambda: works("echo"),
        ),
    ]
