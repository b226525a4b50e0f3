"""The main job in a real browser: connect, sync, pack, create a key, call, and see the call."""

import re

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import DESK, HOSTILE, Crib
from tests.running import Product
from tests.upstreams import tool

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def connect(page: Page, crib: Crib, name: str) -> None:
    """Connect the upstream, and wait on its page, without reloading it, until its tools are there."""
    page.click("text=Tool sets")
    page.click("a[href$='/toolset/add/']")
    page.fill("[name=name]", name)
    page.fill("[name=url]", crib.upstream.url())
    page.click("text=Add a header")
    page.fill("[name=headers-name]", "X-Team")
    page.fill("[name=headers-value]", "core")
    page.click("[name=_save]")
    expect(page.locator(".tc-head .tc-chip").first).to_have_text("Healthy")


def available(page: Page) -> str:
    return page.locator(".tc-stat", has_text="Available").locator("b").inner_text()


def make_pack(page: Page, name: str, tool_set: str) -> None:
    """A pack with the tools of `tool_set` whose name has `list_` in it, under a prefix of its own."""
    page.click("text=Tool packs")
    page.click("a[href$='/toolpack/add/']")
    page.fill("[name=name]", name)
    page.click("[name=_save]")
    page.select_option("[name=tool_set]", label=tool_set)
    page.click("text=Attach")
    page.check("[name=mode][value=CHOSEN]")
    page.check("[name=naming][value=own]")
    page.fill("[name=prefix]", "mine")
    page.fill("[data-picker-search]", "list_")
    expect(page.locator("[data-picker-found]")).to_have_text("20 tools")
    expect(page.locator("[data-wire-name]").first).to_have_text("mine__list_00")
    page.click("text=Choose all that match")
    expect(page.locator("[data-picker-count]")).to_have_text("20 chosen")
    page.click("button:text-is('Attach')")
    expect(page.locator("text=What agents see")).to_be_visible()


def create_key(page: Page) -> str:
    """A key for the pack whose page is open; its token, as the page shows it."""
    page.click("text=Create a key for it")
    page.fill("[name=name]", "Agent in a test")
    page.click("text=Create the key")
    return page.locator("#token").inner_text()


def rpc(url: str, token: str, method: str, **params: object) -> httpx.Response:
    return httpx.post(
        url,
        json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params},
        headers={
            "Authorization": f"Bearer {token}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-11-25",
        },
        timeout=60,
    )


def test_from_an_upstream_to_a_recorded_call(
    page: Page, product: Product, crib: Crib
) -> None:
    connect(page, crib, "Crib")
    assert available(page) == str(len(crib.tools))

    crib.tools.append(tool("added_late"))
    page.click("text=Sync now")
    expect(page.locator(".tc-stat", has_text="Available").locator("b")).to_have_text(
        str(len(crib.tools))
    )
    crib.tools.pop()
    page.click(".tc-tabs >> text=Events")
    expect(page.locator(".tc-timeline li", has_text="Sync completed")).to_have_count(2)

    make_pack(page, "Crib agent", "Crib")
    url = page.locator("#mcp-url").inner_text()
    pack_page = page.url
    token = create_key(page)
    assert token in page.locator("#snippet").inner_text()

    listed = rpc(url, token, "tools/list").json()["result"]["tools"]
    assert {t["name"] for t in listed} == {f"mine__list_{n:02}" for n in range(20)}
    called = rpc(url, token, "tools/call", name="mine__list_07", arguments={})
    assert "list_07" in called.json()["result"]["content"][0]["text"]
    refused = rpc(url, token, "tools/call", name="mine__delete_07", arguments={})
    assert refused.json()["error"]["data"]["code"] == "unauthorized_tool"

    page.click("text=Tool calls")
    expect(page.locator("#result_list", has_text="list_07")).to_be_visible()
    expect(page.locator("#result_list", has_text="unauthorized_tool")).to_be_visible()
    page.goto(pack_page)
    assert token not in page.content()


def test_a_sync_ends_on_the_page_without_a_reload(
    page: Page, crib: Crib, complaints: list[str]
) -> None:
    connect(page, crib, "Followed")
    troubles = iter([503, 502])

    def troubled(route: Route) -> None:
        status = next(troubles, None)
        route.fulfill(status=status) if status else route.continue_()

    page.route("**/progress/", troubled)
    page.click("text=Sync now")
    page.evaluate("window.isTheSamePage = true")

    expect(page.locator("[data-sync]")).to_be_hidden()

    expect(page.locator(".tc-head .tc-chip").first).to_have_text("Healthy")
    assert page.evaluate("window.isTheSamePage") is True
    expect(page.locator(".tc-timeline li", has_text="Sync completed")).to_have_count(2)
    assert [said.rpartition("status of ")[2][:3] for said in complaints] == [
        "503",
        "502",
    ]
    complaints.clear()


def test_an_upstream_that_refuses_is_shown_with_its_reason(page: Page) -> None:
    page.click("text=Tool sets")
    page.click("a[href$='/toolset/add/']")
    page.fill("[name=name]", "Away")
    page.fill("[name=url]", "http://127.0.0.1:9/mcp")
    page.click("[name=_save]")

    expect(page.locator(".tc-head .tc-chip").first).to_have_text("Failing")

    expect(page.locator(".tc-note").first).to_contain_text("No sync has succeeded yet")
    page.click("#nav-sidebar >> text=Overview")
    expect(page.locator(".tc-timeline")).to_contain_text("Away")


def test_the_picker_keeps_what_was_chosen_across_searches_and_pages(
    page: Page, crib: Crib
) -> None:
    connect(page, crib, "Picked")
    make_pack(page, "Picked agent", "Picked")
    page.click("a:text-is('Choose tools')")
    page.check("[name=naming][value=none]")

    page.fill("[data-picker-search]", "get_0")
    expect(page.locator("[data-picker-found]")).to_have_text("10 tools")
    page.locator("[data-tool]").nth(3).check()
    page.fill("[data-picker-search]", "")
    expect(page.locator("[data-picker-page]")).to_have_text("Page 1 of 4")
    page.click("[data-picker-next]")
    expect(page.locator("[data-picker-page]")).to_have_text("Page 2 of 4")
    expect(page.locator("[data-picker-count]")).to_have_text("21 chosen")
    page.click("button:text-is('Save')")

    expect(page.locator(".tc-count")).to_have_text("21")
    expect(page.locator("td:text-is('get_03')")).to_be_visible()


def test_what_a_stranger_wrote_never_runs(page: Page, crib: Crib) -> None:
    connect(page, crib, "Hostile <b>bold</b>")
    page.click(".tc-tabs >> text=Tools")
    page.fill("#searchbar", "hostile")
    page.press("#searchbar", "Enter")
    expect(page.locator("#result_list")).to_contain_text(HOSTILE[:20])
    page.click("#result_list a:has-text('hostile')")

    expect(page.locator("#content-main")).to_contain_text(HOSTILE)

    assert page.title().find("1337") == -1
    assert page.locator("#content-main img").count() == 0


def test_conditions_are_edited_without_writing_json(page: Page, crib: Crib) -> None:
    connect(page, crib, "Filtered")
    page.click(".tc-tabs >> text=Settings")
    exclude = page.locator("[data-rows]:has([name=exclude-operator])")
    exclude.locator("[data-add-row]").click()
    exclude.locator("[name=exclude-matcher]").select_option("startsWith")
    exclude.locator("[name=exclude-text]").fill("delete_")
    page.click("[name=_save]")

    expect(page.locator(".tc-stat", has_text="Filtered").locator("b")).to_have_text(
        "20"
    )
    expect(page.locator("#content-main")).to_contain_text("Name starts with “delete_”")


@pytest.mark.parametrize("width", [DESK["width"], 390])
def test_no_page_is_wider_than_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    links = page.locator("#nav-sidebar a[href*='/admin/']")
    addresses = {
        str(link.get_attribute("href")) for link in links.all() if link is not None
    }
    assert len(addresses) > 8

    wide = [address for address in sorted(addresses) if _excess(page, address) > 0]

    assert wide == []


def _excess(page: Page, address: str) -> int:
    page.goto(re.sub(r"/admin/.*", "", page.url) + address)
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width
