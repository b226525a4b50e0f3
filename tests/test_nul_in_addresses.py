"""A NUL in an address is refused before anything looks it up."""

import pytest

from tests.admin.conftest import Dashboard, dashboard
from tests.conftest import Person
from tests.rest import Script

__all__ = ["dashboard"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/tool_sets?name=%00", ["name"]),
        ("/v1/tool_sets?%00=a", []),
        ("/v1/tool_sets/a%00b", []),
    ],
)
def test_rest_says_which_parameter(path: str, fields: list[str], rest: Script) -> None:
    answer = rest.get(path)

    assert (answer.status, answer.code) == (400, "invalid_argument")
    assert list(answer.fields) == fields
    assert "NUL" in answer.body["message"]


@pytest.mark.parametrize("path", ["?adapter=%00", "a%00b/overview/", "?q=%00"])
def test_page_is_refused(path: str, alice: Person, dashboard: Dashboard) -> None:
    answer = dashboard(alice).get(f"/admin/toolsets/toolset/{path}")

    assert answer.status_code == 400


def test_percent_sign_is_no_nul(rest: Script) -> None:
    assert rest.get("/v1/tool_sets?query=%2500").status == 200
