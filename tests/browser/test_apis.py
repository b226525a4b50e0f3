"""APIs in a real browser: a tool is written and tried, a document is imported, and what comes of it is called over MCP."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from playwright.sync_api import Page, expect

from tests.browser.test_journeys import create_key
from tests.toolsets.adapters.http.recording import (
    Received,
    Recorder,
    recorder,
    response,
)
from tests.toolsets.openapi.documents import document, operation, parameter

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture
def api() -> Iterator[Recorder]:
    """An API that says back what it was asked."""

    def said_back(asked: Received) -> bytes:
        said = {"asked": asked.line.decode(), "body": asked.body.decode()}
        said["key"] = asked.header("X-Api-Key")
        return response(json.dumps(said), media_type="application/json")

    with recorder() as recording:
        recording.reply = said_back
        yield recording


def go_to(page: Page, link: str) -> None:
    """Click what leads to another page, and wait until that page's scripts hear what is clicked there."""
    page.click(link)
    page.wait_for_load_state("domcontentloaded")


def connect_form(page: Page, kind: str, name: str) -> None:
    page.click("#nav-sidebar >> text=Tool sets")
    page.click("a[href$='/toolset/add/']")
    go_to(page, f".tc-kinds >> text={kind}")
    page.fill("[name=name]", name)


def pack_of_all(page: Page, name: str, tool_set: str) -> str:
    """A pack that follows the whole set; its MCP URL."""
    page.click("#nav-sidebar >> text=Tool packs")
    page.click("a[href$='/toolpack/add/']")
    page.fill("[name=name]", name)
    page.click("[name=_save]")
    page.select_option("[name=tool_set]", label=tool_set)
    page.click("text=Attach")
    page.check("[name=mode][value=ALL]")
    page.click("button:text-is('Attach')")
    return page.locator("#mcp-url").inner_text()


def over_mcp(url: str, token: str, tool: str, **arguments: Any) -> tuple[Any, Any]:
    """The names of the tools that the SDK's client lists, and what it gets from one of them."""

    async def called() -> tuple[Any, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            listed = await client.list_tools()
            result = await client.call_tool(tool, arguments)
        return [one.name for one in listed.tools], result

    with ThreadPoolExecutor(1) as aside:  # this thread belongs to Playwright's loop
        return aside.submit(asyncio.run, called()).result(120)


def test_a_tool_is_written_tried_and_called(page: Page, api: Recorder) -> None:
    connect_form(page, "HTTP API", "Tracker")
    page.fill("[name=base_url]", api.url("/v1"))
    page.click("text=Add a header")
    page.fill("[name=headers-name]", "X-Api-Key")
    page.fill("[name=headers-value]", "${TRACKER_KEY}")
    page.click("text=Add a secret")
    page.fill("[name=secrets-name]", "TRACKER_KEY")
    page.fill("[name=secrets-value]", "hunter2-key")
    page.click("[name=_save]")

    go_to(page, "text=Write a tool")
    page.fill("[name=name]", "create_issue")
    page.fill("[name=description]", "Creates an issue.")
    schema = {
        "type": "object",
        "required": ["project", "title"],
        "properties": {
            "project": {"type": "string", "default": "a/b"},
            "title": {"type": "string", "default": 'Say "hi"'},
        },
    }
    page.fill("[name=parameters]", json.dumps(schema))
    page.select_option("[name=method]", "POST")
    page.fill("[name=path]", "/projects/{{ project }}/issues")
    page.fill("[name=body]", '{"title": {{ title }}')
    page.click("text=Show the request")
    expect(page.locator("[data-try-result]")).to_contain_text("is not JSON")

    page.fill("[name=body]", '{"title": {{ title }}}')
    page.click("text=Show the request")
    shown = page.locator("[data-trial-request]")
    expect(shown).to_contain_text("/v1/projects/a%2Fb/issues")
    expect(shown).to_contain_text("X-Api-Key: ***")
    assert api.requests == []

    page.click("[data-try-send]")
    answer = page.locator("[data-trial-answer]")
    expect(answer).to_contain_text("POST /v1/projects/a%2Fb/issues")
    expect(answer).to_contain_text('"key": "***"')
    assert api.request.header("X-Api-Key") == "hunter2-key"
    assert json.loads(api.request.body) == {"title": 'Say "hi"'}

    page.click("button:text-is('Save')")
    expect(page.locator(".tc-head")).to_contain_text("create_issue")
    url = pack_of_all(page, "Tracker agent", "Tracker")
    names, result = over_mcp(
        url, create_key(page), "tracker__create_issue", project="p", title="t"
    )
    assert names == ["tracker__create_issue"]
    assert result.structured_content["asked"] == "POST /v1/projects/p/issues HTTP/1.1"
    page.click("#nav-sidebar >> text=Tool calls")
    expect(page.locator("#result_list")).to_contain_text("create_issue")


def test_a_credential_that_is_typed_into_a_header_is_moved_into_a_secret(
    page: Page, api: Recorder
) -> None:
    connect_form(page, "HTTP API", "Typed")
    page.fill("[name=base_url]", api.url())
    page.click("text=Add a header")
    page.fill("[name=headers-name]", "Authorization")
    page.fill("[name=headers-value]", "Bearer hunter2-key")
    hint = page.locator("[data-header-secret]")
    expect(hint).to_contain_text("looks like a credential")

    page.click("text=Move it into a secret")

    expect(hint).to_be_hidden()
    value = page.locator("[name=headers-value]")
    expect(value).to_have_value("Bearer ${AUTHORIZATION}")
    expect(page.locator("[name=secrets-name]")).to_have_value("AUTHORIZATION")
    page.click("[name=_save]")
    go_to(page, "text=Write a tool")
    page.click("text=Show the request")
    expect(page.locator("[data-trial-request]")).to_contain_text("Bearer ***")
    page.click("[data-try-send]")
    expect(page.locator("[data-trial-answer]")).to_be_visible()
    assert api.request.header("Authorization") == "Bearer hunter2-key"


def test_a_secret_that_is_stored_is_not_overwritten_by_another_that_is_moved(
    page: Page, api: Recorder
) -> None:
    connect_form(page, "HTTP API", "Taken")
    page.fill("[name=base_url]", api.url())
    page.click("text=Add a header")
    page.fill("[name=headers-name]", "Authorization")
    page.fill("[name=headers-value]", "Bearer hunter2-key")
    page.click("text=Move it into a secret")
    page.click("[name=_save]")
    page.click("text=Settings")

    page.fill("[name=headers-value]", "sid=${SID}; other-key")
    expect(page.locator("[data-header-secret]")).to_be_visible()
    page.fill("[name=headers-value]", "Bearer other-key")
    page.click("text=Move it into a secret")

    expect(page.locator("[name=secrets-name]")).to_have_value("AUTHORIZATION_2")


def fish_api(api: Recorder) -> dict[str, Any]:
    number = parameter("id", "path", {"type": "integer"}, required=True)
    return document(
        {
            "/fish": {"get": operation("list_fish", summary="List fish")},
            "/fish/{id}": {
                "get": operation("get_fish", parameters=[number]),
                "delete": operation("delete_fish", parameters=[number]),
            },
            "/odd": {"get": operation("odd", parameters=[{"$ref": "#/nowhere"}])},
        },
        servers=[{"url": api.url("/v2")}],
        components={
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
            }
        },
        security=[{"key": []}],
    )


def test_a_document_is_read_filtered_synced_and_called(
    page: Page, api: Recorder
) -> None:
    connect_form(page, "OpenAPI document", "Aquarium")
    page.fill("[name=document]", json.dumps(fish_api(api)))
    page.click("text=Read the document")
    expect(page.locator("[data-reading-says]")).to_have_text(
        "3 operations become tools: 3 available, 0 filtered, 0 need approval. 1 is skipped."
    )
    page.click("text=Add X-Api-Key")
    expect(page.locator("[name=headers-value]")).to_have_value("${X_API_KEY}")
    page.fill("[name=secrets-value]", "hush-hush")

    exclude = page.locator("[data-rows-of=exclude]")
    exclude.locator("[data-add-row]").click()
    exclude.locator("[name=exclude-matcher]").select_option("startsWith")
    exclude.locator("[name=exclude-text]").fill("delete_")
    page.click("text=Read the document")
    expect(page.locator("[data-reading-says]")).to_contain_text(
        "2 available, 1 filtered"
    )
    page.click("[name=_save]")
    expect(page.locator(".tc-head .tc-chip").first).to_have_text("Healthy")
    expect(page.locator(".tc-timeline")).to_contain_text("Skipped 1: odd")

    page.click(".tc-tabs >> text=Settings")
    says = page.locator("[data-preview-says]")
    expect(says).to_have_text("Of 3 tools: 2 available, 1 filtered, 0 need approval.")
    page.locator("[data-rows-of=exclude] [name=exclude-text]").fill("get_")
    page.select_option("[name=approvals]", "always")
    expect(says).to_have_text("Of 3 tools: 2 available, 1 filtered, 2 need approval.")
    page.click("[data-preview-show=changing]")
    expect(page.locator(".tc-outcomes li")).to_have_count(3)
    page.fill("[data-preview-search]", "get_fish")
    expect(page.locator(".tc-outcomes li")).to_have_count(1)

    page.click(".tc-tabs >> text=Tools")
    go_to(page, "#result_list >> text=list_fish")
    expect(page.locator("[name=arguments]")).to_have_value("{}")
    page.click("text=Show the request")
    shown = page.locator("[data-trial-request]")
    expect(shown).to_contain_text(f"GET {api.url('/v2/fish')}")
    expect(shown).to_contain_text("X-Api-Key: ***")
    page.fill("[name=arguments]", "{ }")
    expect(page.locator("[data-try-send]")).to_have_count(0)
    assert api.requests == []
    page.click("text=Show the request")
    page.click("[data-try-send]")
    expect(page.locator("[data-trial-answer]")).to_contain_text('"key": "***"')
    assert api.request.header("X-Api-Key") == "hush-hush"

    url = pack_of_all(page, "Aquarium agent", "Aquarium")
    token = create_key(page)
    names, result = over_mcp(url, token, "aquarium__get_fish", id=7)
    assert names == ["aquarium__get_fish", "aquarium__list_fish"]
    assert result.structured_content["asked"] == "GET /v2/fish/7 HTTP/1.1"
    assert result.structured_content["key"] == "hush-hush"


def test_a_large_document_that_is_pasted_travels_as_a_file(
    page: Page, api: Recorder
) -> None:
    connect_form(page, "OpenAPI document", "Large")
    info = {"title": "Fish", "version": "1", "description": "x" * 3_000_000}
    text = json.dumps({**fish_api(api), "info": info})
    page.evaluate("t => { document.querySelector('#id_document').value = t }", text)

    page.click("text=Read the document")

    expect(page.locator("[data-reading-says]")).to_contain_text("3 operations")
    expect(page.locator("[name=document]")).to_have_value("")


def test_a_tool_set_that_packs_hold_is_deleted_after_a_question(
    page: Page, api: Recorder
) -> None:
    connect_form(page, "HTTP API", "Passing")
    page.fill("[name=base_url]", api.url())
    page.click("[name=_save]")
    pack_of_all(page, "Passing agent", "Passing")
    page.click("#nav-sidebar >> text=Tool sets")
    page.click("#result_list >> text=Passing")
    page.click("text=Delete this tool set…")

    expect(page.locator(".tc-note")).to_contain_text("Passing agent")
    page.click("text=Detach and delete")
    expect(page.locator("#content-main h2")).to_have_text("Delete Passing?")
    page.check("[name=detach]")
    page.click("text=Detach and delete")

    expect(page.locator("#result_list")).not_to_contain_text("Passing")


@pytest.mark.parametrize("kind", ["mcp", "http", "openapi"])
def test_no_form_is_wider_than_a_phone(page: Page, kind: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(page.url + f"toolsets/toolset/add/?adapter={kind}")
    expect(page.locator("[name=name]")).to_be_visible()

    excess = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert excess == 0
