"""OpenAPI documents in the dashboard: by address, uploaded or pasted, and what is in them before they are saved."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from gateway.audit.models import AuditEvent
from tests.admin.conftest import Dashboard
from tests.conftest import Person
from tests.toolsets.adapters.http.recording import Recorder, response
from tests.toolsets.openapi.documents import document, operation
from toolsets.adapters.openapi.documents import MOST_BYTES
from toolsets.connecting import connect
from toolsets.models import Secret, Tool, ToolSet
from toolsets.sync import run_sync

_ADD = "admin:toolsets_toolset_add"
_GUARDED: dict[str, Any] = {
    "components": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}
        }
    },
    "security": [{"key": []}],
}
_DOCUMENT = document(
    {
        "/fish": {"get": operation("listFish"), "post": operation("createFish")},
        "/fish/old": {"delete": operation("deleteFish")},
        "/odd": {"get": operation("odd", parameters=[{"$ref": "#/nowhere"}])},
    },
    **_GUARDED,
)


@pytest.fixture
def client(alice: Person, dashboard: Dashboard) -> Client:
    return dashboard(alice)


def _form(**changed: Any) -> dict[str, Any]:
    return {"name": "Fish", "approvals": "", **changed}


def _pasted(**changed: Any) -> dict[str, Any]:
    return _form(document=json.dumps(_DOCUMENT), **changed)


def _connected(client: Client, form: dict[str, Any]) -> str:
    answer = client.post(reverse(_ADD) + "?adapter=openapi", form, follow=True)
    return answer.content.decode()


def _read(client: Client, form: dict[str, Any], of: str = "") -> str:
    address = reverse("admin:toolsets_toolset_read")
    return client.post(f"{address}?of={of}" if of else address, form).content.decode()


def _kept(alice: Person) -> ToolSet:
    return connect(
        alice.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.OPENAPI,
        adapter={"document": json.dumps(_DOCUMENT)},
        actor=alice.actor,
    )


@pytest.mark.parametrize("way", ["document", "upload"])
def test_a_document_is_pasted_or_uploaded_and_becomes_tools(
    way: str, alice: Person, client: Client
) -> None:
    text = json.dumps(_DOCUMENT)
    given = SimpleUploadedFile("api.json", text.encode()) if way == "upload" else text

    page = _connected(client, _form(**{way: given, "base_url": "https://a.example"}))

    tool_set = ToolSet.objects.in_workspace(alice.workspace).get()
    assert "Its first sync has begun" in page
    assert tool_set.adapter["document"].startswith("sha256:")
    assert tool_set.adapter["baseUrl"] == "https://a.example"
    run_sync(tool_set.pk)
    assert set(Tool.objects.values_list("name", flat=True)) == {
        "listFish",
        "createFish",
        "deleteFish",
    }


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (_form(), "Give the document: its address, a file, or its text"),
        (_pasted(url="https://a.example/openapi.json"), "Give one of the three"),
        (_form(url="ftp://a.example"), "must start with http"),
        (_pasted(base_url="nowhere"), "must start with http"),
        (
            _form(upload=SimpleUploadedFile("a.json", b"\xff\xfe\x00")),
            "not text in UTF-8",
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_form(
    form: dict[str, Any], said: str, alice: Person, client: Client
) -> None:
    assert said in _connected(client, form)
    assert not ToolSet.objects.exists()


def test_reading_says_what_comes_in_what_is_skipped_and_what_it_wants(
    client: Client, alice: Person
) -> None:
    filters = {
        "exclude-attribute": ["ATTRIBUTE_NAME"],
        "exclude-matcher": ["startsWith"],
        "exclude-text": ["delete"],
        "exclude-case": [""],
        "approvals": "always",
    }

    page = _read(client, _pasted(**filters))

    assert (
        "3 operations become tools: 2 available, 1 filtered, 2 need approval. 1 is skipped."
        in page
    )
    assert "odd (GET /odd)" in page
    assert 'data-insert-header="X-Api-Key"' in page
    assert 'data-insert-value="${X_API_KEY}"' in page
    assert "Left out by excludeTools." in page
    assert not ToolSet.objects.exists()
    assert AuditEvent.objects.filter(action="tool_set.inspected").count() == 1


@pytest.mark.parametrize("typed", [True, False])
def test_credential_that_a_document_repeats_is_not_shown(
    typed: bool, client: Client
) -> None:
    odd = operation("odd", parameters=[{"$ref": "#/nowhere"}])
    paths = {"/odd/t0p-s3cret": {"get": odd}, "/fish": {"get": operation("listFish")}}
    value = {"headers-value": ["t0p-s3cret"]}
    kept = {
        "headers-value": ["${KEY}"],
        "secrets-name": ["KEY"],
        "secrets-value": ["t0p-s3cret"],
    }
    given = {"headers-name": ["X-Key"], **(value if typed else kept)}

    page = _read(client, _form(document=json.dumps(document(paths)), **given))

    assert "odd (GET /odd/***)" in page
    assert "t0p-s3cret" not in page


def test_a_header_that_is_given_is_wanted_no_more(
    client: Client, alice: Person
) -> None:
    given = {
        "headers-name": ["X-Api-Key"],
        "headers-value": ["${X_API_KEY}"],
        "secrets-name": ["X_API_KEY"],
        "secrets-value": ["hush-hush"],
    }

    page = _read(client, _pasted(**given))

    assert "3 operations become tools" in page
    assert "It wants credentials" not in page
    assert "hush-hush" not in page
    assert not Secret.objects.exists()


def test_a_document_at_an_address_is_fetched_with_the_secrets_of_the_form(
    client: Client, upstream: Recorder
) -> None:
    upstream.reply = lambda _: response(
        json.dumps(_DOCUMENT), media_type="application/json"
    )
    form = _form(
        url=upstream.url("/openapi.json"),
        base_url=upstream.url("/v1"),
        **{
            "headers-name": ["X-Api-Key"],
            "headers-value": ["${KEY}"],
            "secrets-name": ["KEY"],
            "secrets-value": ["hush-hush"],
        },
    )

    page = _read(client, form)

    assert "3 operations become tools" in page
    assert upstream.request.header("X-Api-Key") == "hush-hush"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (_form(), "Document URL:"),
        (_form(document="{"), "It cannot be read"),
        (_form(document="hello: world"), "It cannot be read"),
        (_form(url="http://127.0.0.1:9/openapi.json"), "It cannot be read"),
        (_form(url="http://10.0.0.1/openapi.json"), "It cannot be read"),
        (
            _pasted(**{"headers-name": ["X-Key"], "headers-value": ["${MISSING}"]}),
            "needs the secret MISSING",
        ),
    ],
)
def test_what_keeps_a_document_from_being_read_is_said_in_words(
    form: dict[str, Any], said: str, client: Client
) -> None:
    assert said in _read(client, form)


def test_what_a_document_says_is_shown_as_text(client: Client) -> None:
    hostile = "<script>alert(1)</script>"
    given = document(
        {"/a": {"get": operation("a", summary=hostile)}, f"/{hostile}": {"get": 1}}
    )

    page = _read(client, _form(document=json.dumps(given)))

    assert "1 operation becomes tools" in page
    assert "<script>" not in page


def test_a_kept_document_stays_until_another_takes_its_place(
    alice: Person, client: Client
) -> None:
    tool_set = _kept(alice)
    change = reverse("admin:toolsets_toolset_change", args=[tool_set.pk])
    kept = tool_set.adapter["document"]

    client.post(change, _form(slug=tool_set.slug, base_url="https://b.example"))
    changed = ToolSet.objects.get().adapter
    client.post(change, _form(slug=tool_set.slug, url="https://c.example/o.json"))

    assert changed == {"document": kept, "baseUrl": "https://b.example"}
    assert ToolSet.objects.get().adapter == {"url": "https://c.example/o.json"}


def test_the_kept_document_is_read_again_from_the_settings(
    alice: Person, client: Client
) -> None:
    tool_set = _kept(alice)

    assert "3 operations become tools" in _read(client, _form(), of=tool_set.pk)


def test_nobody_reads_the_kept_document_of_another_workspace(
    alice: Person, mallory: Person, dashboard: Dashboard
) -> None:
    tool_set = _kept(alice)
    address = reverse("admin:toolsets_toolset_read") + f"?of={tool_set.pk}"

    answer = dashboard(mallory).post(address, _form())

    assert answer.status_code == 404


def test_who_may_not_connect_reads_no_document(
    sam: Person, dashboard: Dashboard
) -> None:
    address = reverse("admin:toolsets_toolset_read")

    assert dashboard(sam).post(address, _pasted()).status_code == 403


def test_the_document_of_a_managed_set_is_not_changed_by_a_person(
    alice: Person, client: Client
) -> None:
    tool_set = _kept(alice)
    ToolSet.objects.update(is_managed=True)
    change = reverse("admin:toolsets_toolset_change", args=[tool_set.pk])

    assert "Managed: only API keys" in client.get(change).content.decode()
    client.post(change, _form(slug="fish", url="https://c.example/o.json"))

    assert ToolSet.objects.get().adapter == tool_set.adapter


def test_networks_that_are_only_typed_are_not_reached(
    dan: Person, dashboard: Dashboard, upstream: Recorder, settings: Any
) -> None:
    settings.UPSTREAM_NETWORKS = []
    form = _form(url=upstream.url("/api.json"), allowed_networks="127.0.0.0/8")

    page = _read(dashboard(dan), form)

    assert "not allowed" in page
    assert upstream.requests == []


def test_upload_that_is_too_large_is_not_read(client: Client) -> None:
    file = SimpleUploadedFile("api.json", b"{" * (MOST_BYTES + 1))

    assert "larger than" in _read(client, _form(upload=file))


class Slow:
    """An upstream that lets go of its documents all at once."""

    def __init__(self, upstream: Recorder) -> None:
        self._asked, self._let_go = Semaphore(0), Event()
        upstream.reply = self._reply

    def _reply(self, _: Any) -> bytes:
        self._asked.release()
        self._let_go.wait(60)
        return response(json.dumps(_DOCUMENT), media_type="application/json")

    def wait_until_asked(self, times: int) -> None:
        for _ in range(times):
            assert self._asked.acquire(timeout=60)

    def let_go(self) -> None:
        self._let_go.set()


@pytest.mark.django_db(transaction=True)
def test_only_a_few_documents_are_read_at_once_and_no_workspace_takes_all_turns(
    alice: Person, mallory: Person, dashboard: Dashboard, upstream: Recorder
) -> None:
    slow, form = Slow(upstream), _form(url=upstream.url("/api.json"))

    def read(person: Person) -> str:
        try:
            return _read(dashboard(person), form)
        finally:
            connection.close()

    with ThreadPoolExecutor() as threads:
        ours = [threads.submit(read, alice) for _ in range(2)]
        slow.wait_until_asked(2)
        third_of_ours = read(alice)
        theirs = threads.submit(read, mallory)
        slow.wait_until_asked(1)
        second_of_theirs = read(mallory)
        slow.let_go()
        pages = [begun.result(60) for begun in (*ours, theirs)]

    for refused in (third_of_ours, second_of_theirs):
        assert "Other documents are being read just now" in refused
        assert "inspections_busy" in refused
    assert ["3 operations become tools" in page for page in pages] == [True] * 3
    assert "3 operations become tools" in read(alice)
    assert AuditEvent.objects.filter(action="tool_set.inspected").count() == 4
