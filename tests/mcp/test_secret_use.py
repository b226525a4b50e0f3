"""The secrets that calls send: their use is remembered apart from the calls."""

from dataclasses import replace

import pytest
from django.utils import timezone

from gateway.asgi import Application
from tests.conftest import Person
from tests.mcp.conftest import Bench, SetUp, no_worker
from tests.upstreams import sdk_server, served, streamable_http_app, tool
from toolsets.models import Secret, SecretUse
from toolsets.secrets import store_secret

HEADERS = {"headers": {"X-Key": "${KEY}"}}


@pytest.fixture
def keyed(set_up: SetUp, alice: Person) -> Bench:
    """A bench whose upstream is sent a secret."""
    store_secret(alice.workspace, name="KEY", value="t0p-s3cret", actor=alice.actor)
    app = streamable_http_app(sdk_server([tool("echo")]))
    return set_up(app, adapter=HEADERS)


def test_calls_write_no_use_and_the_process_does_later(keyed: Bench) -> None:
    SecretUse.objects.all().delete()
    before = timezone.now()

    with served(Application(start_worker=no_worker)) as another:
        here, there = keyed.gateway.url(""), another.url("")
        agent = replace(keyed.agent, url=keyed.agent.url.replace(here, there))
        assert not agent.call("echo").is_error
        assert not SecretUse.objects.exists()

    assert SecretUse.objects.get().last_used_at >= before


def test_call_whose_secret_was_taken_away_names_it_and_sends_nothing(
    keyed: Bench,
) -> None:
    Secret.objects.all().delete()

    outcome = keyed.agent.call("echo")

    assert outcome.refusal == "missing_secret"
    assert "needs the secret KEY" in outcome.text
