"""What an HTTP API answers becomes MCP content."""

import base64
import json
from typing import Any

import pytest

from tests.toolsets.adapters.http.recording import Recorder, response
from tests.toolsets.adapters.http.sending import send
from toolsets.adapters.calling import ResultTooLarge


def answered(upstream: Recorder, *args: Any, **kwargs: Any) -> dict[str, Any]:
    upstream.reply = lambda _: response(*args, **kwargs)
    return send(upstream.url()).result


def text_of(result: dict[str, Any]) -> str:
    (block,) = result["content"]
    assert block["type"] == "text"
    return str(block["text"])


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "application/json; charset=utf-8", "application/hal+json"],
)
def test_json_object_is_text_and_structure(upstream: Recorder, media_type: str) -> None:
    result = answered(upstream, '{"fish": [1, "ü"]}', media_type=media_type)

    assert text_of(result) == '{"fish": [1, "ü"]}'
    assert result["structuredContent"] == {"fish": [1, "ü"]}


@pytest.mark.parametrize(
    "body", ["[1, 2]", "1", "null", '"text"', "{", '{"a":' * 300 + "1" + "}" * 300]
)
def test_json_that_is_no_object_is_only_text(upstream: Recorder, body: str) -> None:
    assert answered(upstream, body, media_type="application/json") == {
        "content": [{"type": "text", "text": body}]
    }


@pytest.mark.parametrize(
    ("body", "media_type", "text"),
    [
        ("plain", "text/plain", "plain"),
        (b"\xef\xbb\xbfmarked", "text/plain", "marked"),
        (b"gr\xfc\xdfe", "text/plain; charset=iso-8859-1", "grüße"),
        (b"gr\xfc", "text/plain; charset=utf-8", "gr\ufffd"),
        (b"gr\xc3\xbc", "text/plain; charset=unicode_escape", "grü"),
        (b"gr\xc3\xbc", 'text/plain; charset="nonsense"', "grü"),
        ("a,b", "text/csv", "a,b"),
        ("<a/>", "application/atom+xml", "<a/>"),
        ("<svg/>", "image/svg+xml", "<svg/>"),
        ("unnamed", "", "unnamed"),
        ("misnamed", "nonsense", "misnamed"),
    ],
)
def test_text_is_read_as_its_charset_says(
    upstream: Recorder, body: bytes | str, media_type: str, text: str
) -> None:
    assert text_of(answered(upstream, body, media_type=media_type)) == text


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [("image/png", "image"), ("IMAGE/JPEG", "image"), ("audio/wav; x=1", "audio")],
)
def test_images_and_sounds_are_content_of_their_kind(
    upstream: Recorder, media_type: str, kind: str
) -> None:
    result = answered(upstream, b"\x89\x00\xff", media_type=media_type)

    assert result["content"] == [
        {
            "type": kind,
            "data": base64.b64encode(b"\x89\x00\xff").decode(),
            "mimeType": media_type.partition(";")[0].lower(),
        }
    ]


@pytest.mark.parametrize("media_type", ["application/pdf", "video/mp4", ""])
def test_other_bytes_are_an_embedded_resource(
    upstream: Recorder, media_type: str
) -> None:
    (block,) = answered(upstream, b"%PDF\x00\xff", media_type=media_type)["content"]

    assert block["type"] == "resource"
    assert block["resource"]["uri"].startswith("ni:///sha-256;")
    assert block["resource"]["mimeType"] == media_type or "application/octet-stream"
    assert base64.b64decode(block["resource"]["blob"]) == b"%PDF\x00\xff"


def test_empty_answer_says_that_it_is_done(upstream: Recorder) -> None:
    result = answered(upstream, b"", status="204 No Content")

    assert text_of(result) == "HTTP status 204: done, and the answer has no content."
    assert "isError" not in result


def test_answer_past_the_bound_is_a_clear_error(upstream: Recorder) -> None:
    upstream.reply = lambda _: response(b"x" * 101)

    with pytest.raises(ResultTooLarge, match="larger than the 100 bytes"):
        send(upstream.url(), call={"max_result_bytes": 100})


def test_answer_of_unsaid_length_past_the_bound_is_a_clear_error(
    upstream: Recorder,
) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    upstream.reply = lambda _: head + b"40\r\n" + b"x" * 64 + b"\r\n40\r\n" + b"x" * 64

    with pytest.raises(ResultTooLarge):
        send(upstream.url(), call={"max_result_bytes": 100})


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("404 Not Found", "HTTP status 404 (Not Found)."),
        ("599 Odd", "HTTP status 599."),
        ("401 Unauthorized", "an operator must look at its headers and secrets"),
        ("403 Forbidden", "does not let the tool set's credential do this"),
    ],
)
def test_other_status_is_an_error_with_the_body(
    upstream: Recorder, status: str, said: str
) -> None:
    body = '{"message": "no such fish"}'
    result = answered(upstream, body, status=status, media_type="application/json")

    assert result["isError"] is True
    assert said in text_of(result)
    assert text_of(result).endswith(body)
    assert "structuredContent" not in result


def test_redirect_is_not_followed(upstream: Recorder) -> None:
    result = answered(upstream, b"", "Location: /there?key=1", status="302 Found")

    assert result["isError"] is True
    assert "redirects to /there; redirects are not followed" in text_of(result)
    assert len(upstream.requests) == 1


def test_retry_after_is_passed_on(upstream: Recorder) -> None:
    result = answered(upstream, b"", "Retry-After: 30", status="429 Too Many Requests")

    assert "Retry-After: 30" in text_of(result)


@pytest.mark.parametrize(
    ("body", "media_type", "said"),
    [
        (
            "<head><title>Oops</title><style>x</style></head><h1>No</h1> <p>such",
            "text/html",
            "Oops No such",
        ),
        (json.dumps({"noise": "x" * 9000, "error": "no fish"}), "application/json", '{"error":"no fish"}'),
        ("x" * 9000, "text/plain", "x" * 4000 + " […]"),
        (b"\x00\x01", "application/octet-stream", ""),
    ],
)  # fmt: skip
def test_of_a_failure_the_useful_part_is_told(
    upstream: Recorder, body: bytes | str, media_type: str, said: str
) -> None:
    result = answered(upstream, body, status="500 Broken", media_type=media_type)

    first, _, rest = text_of(result).partition("\n")
    assert first == (
        "The upstream answered with HTTP status 500 (Internal Server Error)."
    )
    assert rest == said
