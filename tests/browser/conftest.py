"""A running product, a real Chromium in which the demo's admin is signed in, and an upstream whose tools can change."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.machine import chromium
from tests.running import Product, environment, free_port, running
from tests.upstreams import Upstream, sdk_server, served, streamable_http_app, tool

HOSTILE = (
    '<img src=x onerror="document.title=1337"><script>document.title=1337</script>'
)
DESK = {"width": 1440, "height": 900}
_PATIENCE = 60_000
"""Milliseconds that a page may take on a busy machine."""

expect.set_options(timeout=_PATIENCE)


@dataclass(frozen=True, kw_only=True)
class Crib:
    """An upstream with many tools; `tools` is the live list that it offers."""

    upstream: Upstream
    tools: list[dict[str, Any]] = field(repr=False)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with (
        environment(tmp_path_factory.mktemp("browser"), port=free_port()) as told,
        running(told) as product,
    ):
        yield product


@pytest.fixture(scope="module")
def crib() -> Iterator[Crib]:
    verbs = ("list", "get", "create", "delete")
    tools = [
        tool(f"{verb}_{number:02}", description=f"Can {verb} thing number {number}.")
        for verb in verbs
        for number in range(20)
    ]
    tools.append(tool("hostile", description=HOSTILE, title=HOSTILE))
    with served(streamable_http_app(sdk_server(tools))) as upstream:
        yield Crib(upstream=upstream, tools=tools)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--disable-gpu"],
            timeout=_PATIENCE,
        )
        yield opened
        opened.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the scripts of pages complain about. What a test expected of it, it takes out."""
    return []


@pytest.fixture
def page(browser: Browser, product: Product, complaints: list[str]) -> Iterator[Page]:
    """The front page, signed in. What a page's scripts complain about fails the test."""
    context = browser.new_context(viewport=DESK)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(_PATIENCE)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type == "error" else None,
    )
    page.goto(product.demo["admin_url"])
    page.fill("[name=username]", product.demo["admin_username"])
    page.fill("[name=password]", product.demo["admin_password"])
    page.click("#login-form button[type=submit]")
    page.wait_for_url("**/admin/")
    yield page
    context.close()
    assert complaints == []
