import pytest

from toolsets.adapters.mcp.mirroring import header_value, parameter_headers


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("us-west1", "us-west1"),
        ("two words", "two words"),
        ("", ""),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
    ],
)
def test_a_value_is_sent_as_a_header_may_carry_it(text: str, sent: str) -> None:
    assert header_value(text) == sent


def test_marked_arguments_are_mirrored_where_they_have_a_value() -> None:
    paths = {
        ("region",): "Region",
        ("at", "zone"): "Zone",
        ("count",): "Count",
        ("dry",): "Dry",
        ("none",): "None",
        ("absent", "deep"): "Absent",
    }
    arguments = {
        "region": "us",
        "at": {"zone": "z"},
        "count": 42.0,
        "dry": True,
        "none": None,
        "absent": "a text",
    }

    headers = dict(parameter_headers(paths, arguments))

    assert headers == {
        "Mcp-Param-Region": "us",
        "Mcp-Param-Zone": "z",
        "Mcp-Param-Count": "42",
        "Mcp-Param-Dry": "true",
    }
