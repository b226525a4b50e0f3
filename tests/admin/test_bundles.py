"""Bundles in the dashboard: what was applied, and what a bundle keeps."""

import pytest
from django.urls import reverse

from tests.admin.conftest import Dashboard, World
from tests.conftest import Person
from tests.rest import Script
from toolpacks.models import BundleRun

pytestmark = pytest.mark.django_db

DOCUMENT = {
    "toolSets": {
        "weather": {
            "name": "Weather",
            "spec": {"adapter": {"http": {"baseUrl": "https://api.example.com"}}},
            "tools": {"now": {"title": "Now"}},
        }
    },
    "toolPacks": {
        "p": {"name": "Pack", "connectors": {"weather": {}}},
        "q": {"name": "Q", "connectors": {"nowhere": {}}},
    },
}


@pytest.fixture
def run(rest: Script) -> BundleRun:
    """A bundle that was applied in part."""
    answer = rest.post("/v1/bundles/platform:apply", DOCUMENT)
    return BundleRun.objects.get(pk=answer.body["id"])


def test_run_shows_what_became_of_each_resource(
    run: BundleRun, alice: Person, dashboard: Dashboard
) -> None:
    listed = dashboard(alice).get(reverse("admin:toolpacks_bundlerun_changelist"))
    address = reverse("admin:toolpacks_bundlerun_change", args=[run.pk])
    page = dashboard(alice).get(address).content.decode()

    assert "4 of 4" in listed.content.decode()
    assert "Applied in part" in page
    assert "weather/now" in page
    assert "unknown_tool_set" in page
    assert "There is no tool set nowhere." in page


def test_nobody_changes_a_run_by_hand(
    run: BundleRun, alice: Person, dashboard: Dashboard
) -> None:
    for page, arguments in (("add", []), ("delete", [run.pk])):
        address = reverse(f"admin:toolpacks_bundlerun_{page}", args=arguments)
        assert dashboard(alice).post(address, {"post": "yes"}).status_code == 403
    assert BundleRun.objects.filter(pk=run.pk).exists()


def test_pages_of_what_a_bundle_owns_say_so(
    run: BundleRun, world: World, alice: Person, dashboard: Dashboard
) -> None:
    found = {o.kind: o.resource_id for o in run.outcomes.filter(state="APPLIED")}
    pages = [
        reverse("admin:toolsets_toolset_overview", args=[found["toolSet"]]),
        reverse("admin:toolsets_tool_change", args=[found["tool"]]),
        reverse("admin:toolpacks_toolpack_tools", args=[found["toolPack"]]),
    ]

    for page in pages:
        text = dashboard(alice).get(page).content.decode()
        assert "Kept by the bundle platform" in text, page
    own = reverse("admin:toolsets_toolset_overview", args=[world.tool_set.pk])
    assert "Kept by the bundle" not in dashboard(alice).get(own).content.decode()
