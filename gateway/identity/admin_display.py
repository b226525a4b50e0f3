"""How the dashboard shows states, moments and JSON: always escaped, because names and texts come from strangers."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

TWO_LINES = (
    '<div class="tc-cell">{}<div class="tc-quiet tc-small font-normal">{}</div></div>'
)
"""A cell of a list with a second, quieter line; for `format_html`."""

_UNITS = [("day", 86_400), ("hour", 3_600), ("min", 60), ("s", 1)]


def chip(text: object, tone: str = "") -> SafeString:
    """A state in a coloured pill; tones are good, bad, warn, info, busy and none."""
    return format_html('<span class="tc-chip" data-tone="{}">{}</span>', tone, text)


def ago(moment: datetime | None, *, at: datetime | None = None) -> SafeString:
    """How long ago (or until) a moment is, with the moment itself on hover."""
    if moment is None:
        return SafeString("—")
    return format_html(
        '<time datetime="{}" title="{} UTC" class="whitespace-nowrap">{}</time>',
        moment.isoformat(),
        date_format(moment, "j M Y, H:i:s"),
        spoken_age((at or timezone.now()) - moment),
    )


def spoken_age(age: timedelta) -> str:
    """`just now`, `4 min ago`, `in 2 hours`."""
    seconds = int(abs(age.total_seconds()))
    if seconds < 2:
        return "just now"
    name, size = next((n, s) for n, s in _UNITS if seconds >= s)
    count = seconds // size
    words = f"{count} {name}{'s' if count > 1 and name in {'day', 'hour'} else ''}"
    return f"{words} ago" if age > timedelta() else f"in {words}"


def pretty(value: Any) -> str:
    """JSON for reading."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def duration(milliseconds: float | None) -> str:
    """`0.8 ms`, `124 ms`, `2.4 s`."""
    if milliseconds is None:
        return "—"
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.{1 if milliseconds < 10 else 0}f} ms"


def size(count: int) -> str:
    """`812 bytes`, `14.2 KB`, `3.1 MB`."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.1f} KB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"
