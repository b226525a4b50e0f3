"""The installation's proxy: every client goes through it, and it is told nothing but judged addresses."""

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from gateway import environment
from gateway.network import FetchFailed, fetch, use_proxy
from gateway.network.proxies import chosen_proxy
from tests.network.clients import CLIENTS, Reach
from tests.network.names import Names
from tests.network.tunnels import TunnelProxy, tls_server
from tests.toolsets.adapters.forwarding import Scripted, as_json
from tests.upstreams import (
    json_rpc_app,
    served,
    tool,
)
from toolsets.adapters.lister import list_tools
from toolsets.adapters.listing import Source

OUTSIDE = "93.184.215.14"
Proxied = Callable[..., TunnelProxy]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


every_client = pytest.mark.parametrize("reach", CLIENTS, ids=lambda r: r.__name__)


@pytest.fixture
def proxied() -> Iterator[Proxied]:
    """Makes a proxy, and sends everything through it until the test ends."""
    made: list[TunnelProxy] = []

    def go(port: int = 0, *, answer: bytes = b"", user: str = "") -> TunnelProxy:
        made.append(TunnelProxy(port, answer=answer))
        use_proxy(made[-1].url.replace("//", f"//{user}@" if user else "//"))
        return made[-1]

    yield go
    use_proxy("")
    for proxy in made:
        proxy.stop()


@pytest.fixture(autouse=True)
def outside(names: Names) -> None:
    names.lead("api.example", [OUTSIDE])
    names.lead("inside.example", ["10.0.0.1"])
    names.lead("mixed.example", [OUTSIDE, "10.0.0.1"])


@every_client
def test_every_client_asks_the_proxy_for_the_judged_address(
    reach: Reach, proxied: Proxied, names: Names, connected: list[str]
) -> None:
    upstream = Scripted(lambda _: as_json({}, status=503))

    with served(upstream) as at:
        proxy = proxied(at.port)
        reach("http://api.example:8080/mcp")

    assert set(proxy.asked) == {f"CONNECT {OUTSIDE}:8080 HTTP/1.1"}
    assert {post.headers["host"] for post in upstream.posts} == {"api.example:8080"}
    assert set(connected) == {"127.0.0.1"}


@every_client
def test_a_name_that_changes_its_mind_is_not_resolved_by_anybody_else(
    reach: Reach, proxied: Proxied, names: Names
) -> None:
    names.lead("rebinding.example", [OUTSIDE], ["127.0.0.1"])

    with served(Scripted(lambda _: as_json({}, status=503))) as at:
        proxy = proxied(at.port)
        said = reach("http://rebinding.example:8080/mcp")

    assert set(proxy.asked) == {f"CONNECT {OUTSIDE}:8080 HTTP/1.1"}
    assert names.asked["rebinding.example"] == 1 + (said == "address_refused")


@every_client
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "inside.example", "mixed.example"])  # fmt: skip
def test_the_proxy_is_not_asked_for_an_address_that_is_refused(
    host: str, reach: Reach, proxied: Proxied, connected: list[str]
) -> None:
    proxy = proxied()

    assert reach(f"http://{host}:9/mcp") == "address_refused"
    assert proxy.heads == []
    assert connected == []


@every_client
def test_an_allowed_network_is_inside_and_reached_directly(
    reach: Reach, proxied: Proxied
) -> None:
    upstream = Scripted(lambda _: as_json({}, status=503))
    proxy = proxied()

    with served(upstream) as at:
        reach(at.url(), ("127.0.0.0/8",))

    assert upstream.posts
    assert proxy.heads == []


@every_client
def test_tls_goes_through_the_tunnel_to_the_name_and_is_verified(
    reach: Reach, proxied: Proxied, tmp_path: Path
) -> None:
    with tls_server(tmp_path) as (port, asked):
        proxy = proxied(port)
        said = reach("https://api.example/mcp")

    assert said in {"upstream_unreachable", "unreachable", "fetch_failed"}
    assert set(asked) == {"api.example"}
    assert set(proxy.asked) == {f"CONNECT {OUTSIDE}:443 HTTP/1.1"}


@every_client
def test_the_proxys_password_goes_to_the_proxy_alone(
    reach: Reach, proxied: Proxied
) -> None:
    upstream = Scripted(lambda _: as_json({}, status=503))

    with served(upstream) as at:
        proxy = proxied(at.port, user="crib:hunter%402")
        reach("http://api.example:8080/mcp")

    assert "Proxy-Authorization: Basic Y3JpYjpodW50ZXJAMg==" in proxy.heads[0]
    assert "Y3JpYjpodW50ZXJAMg" not in str([post.headers for post in upstream.posts])
    assert "Y3Jp" not in repr(chosen_proxy())


@every_client
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: x\r\n" * 10_000,
        b"HTTP/1.1 2",
    ],
)
def test_a_proxy_that_opens_no_tunnel_gets_no_request(
    answer: bytes, reach: Reach, proxied: Proxied
) -> None:
    upstream = Scripted(lambda _: as_json({}, status=503))

    with served(upstream) as at:
        proxied(at.port, answer=answer)
        said = reach("http://api.example:8080/mcp")

    assert said in {"upstream_unreachable", "unreachable", "fetch_failed"}
    assert upstream.posts == []


@every_client
@pytest.mark.usefixtures("proxied")
def test_a_proxy_that_is_not_there_is_told(reach: Reach) -> None:
    use_proxy(f"http://127.0.0.1:{closed_port()}")

    said = reach("http://api.example:8080/mcp")

    assert said in {"upstream_unreachable", "unreachable", "fetch_failed"}


def test_a_failure_of_the_proxy_says_its_status_and_not_its_password(
    proxied: Proxied,
) -> None:
    proxied(answer=b"HTTP/1.1 407 hunter2\r\n\r\n", user="crib:hunter2")

    with pytest.raises(FetchFailed, match="HTTP status 407") as caught:
        fetch(
            "http://api.example/",
            headers={},
            networks=(),
            timeout_seconds=5,
            max_bytes=9,
        )

    assert "hunter2" not in caught.value.message


def test_the_process_that_lists_tools_goes_through_the_proxy() -> None:
    with served(json_rpc_app(lambda _: {"tools": [tool("echo")]})) as at:
        proxy = TunnelProxy(at.port)
        listing = list_tools(
            Source(
                adapter_type="mcp",
                adapter={"url": f"http://{OUTSIDE}:{at.port}/mcp"},
                headers={"X-Key": "1"},
                networks=(),
                timeout_seconds=20,
                max_tools=10,
                proxy=proxy.url,
            ),
            on_progress=lambda _: None,
        )
        proxy.stop()

    assert list(listing.tools) == ["echo"]
    assert set(proxy.asked) == {f"CONNECT {OUTSIDE}:{at.port} HTTP/1.1"}


@pytest.mark.parametrize(
    "url",
    [
        "proxy.example",
        "http://proxy.example",
        "https://proxy.example:443",
        "socks5://proxy.example:1080",
        "http://proxy.example:99999",
        "http://:3128",
        "http://proxy.example:3128/path",
        "http://proxy.example:3128?a=b",
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_at_the_start(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_PROXY", url)

    with pytest.raises(ImproperlyConfigured, match="UPSTREAM_PROXY"):
        environment.proxy("UPSTREAM_PROXY")


def test_the_setting_does_not_show_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UPSTREAM_PROXY", "http://crib:hunter2@proxy.example:3128")

    url = environment.proxy("UPSTREAM_PROXY")

    assert url == "http://crib:hunter2@proxy.example:3128"
    assert not re.search("hunter2", repr(url) + repr([url]))
