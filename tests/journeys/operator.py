"""An operator who works in the dashboard with a browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from tests import machine
from tests.running import Product

_SYNC_MILLISECONDS = 120_000
_PATIENCE = 60_000


class Operator:
    """Somebody who is signed in as the demo's admin."""

    def __init__(self, page: Page, product: Product) -> None:
        self._page = page
        self._admin = str(product.demo["admin_url"])
        page.set_default_timeout(_PATIENCE)
        page.goto(self._admin)
        page.fill("[name=username]", product.demo["admin_username"])
        page.fill("[name=password]", product.demo["admin_password"])
        page.keyboard.press("Enter")
        page.wait_for_url(self._admin)

    def connect(self, name: str, url: str) -> str:
        """Connect an MCP server and watch its first sync complete; what that event says."""
        page = self._page
        page.goto(f"{self._admin}toolsets/toolset/add/")
        page.fill("[name=name]", name)
        page.fill("[name=url]", url)
        page.click("[name=_save]")
        page.wait_for_url("**/overview/")
        page.get_by_text("Sync completed").first.wait_for(timeout=_SYNC_MILLISECONDS)
        return page.get_by_text(re.compile(r"^\d+ tools?: ")).first.inner_text()

    def make_pack(self, name: str, tool_sets: list[str]) -> None:
        """Make a pack that follows these tool sets."""
        page = self._page
        page.goto(f"{self._admin}toolpacks/toolpack/add/")
        page.fill("[name=name]", name)
        page.click("[name=_save]")
        page.wait_for_url("**/tools/")
        tools_page = page.url
        for tool_set in tool_sets:
            page.goto(tools_page)
            page.select_option("[name=tool_set]", label=tool_set)
            page.get_by_role("button", name="Attach").click()
            page.check("[name=mode][value=ALL]")
            page.get_by_role("button", name="Attach").click()
            attached = page.get_by_role("link", name=tool_set).first
            expect(attached).to_be_visible(timeout=_PATIENCE)
        page.goto(tools_page)

    def mcp_url(self) -> str:
        """The address that the pack's page shows."""
        return self._page.inner_text("#mcp-url")

    def create_key(self, name: str) -> str:
        """Create a key for the pack on the page, and read its token the one time it is shown."""
        page = self._page
        page.get_by_role("link", name="Create a key for it").click()
        page.fill("[name=name]", name)
        page.get_by_role("button", name="Create the key").click()
        return page.inner_text("#token")

    def page_says(self, path: str) -> str:
        self._page.goto(f"{self._admin}{path}")
        return self._page.inner_text("body")


@contextmanager
def signed_in(product: Product) -> Iterator[Operator]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=machine.chromium(),
            args=["--no-sandbox"],
            timeout=_PATIENCE,
        )
        try:
            yield Operator(browser.new_page(), product)
        finally:
            browser.close()
