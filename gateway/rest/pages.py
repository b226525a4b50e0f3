"""Cursor pages: `{items, pagination: {nextCursor, next_cursor}}`, in the order of ids, which is that of creation."""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from gateway.rest.operations import Parameter
from gateway.rest.queries import Query

DEFAULT_LIMIT = 50
MOST = 200
CURSOR_PAGE = (
    Parameter(
        name="limit",
        schema={"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
        description=f"How many items a page holds; more than {MOST} counts as {MOST}.",
    ),
    Parameter(
        name="cursor",
        schema={"type": "string"},
        description="The `nextCursor` of the page before.",
    ),
    Parameter(
        name="sortOrder",
        schema={"type": "string", "enum": ["asc", "desc"]},
        description="By creation. A cursor goes with the order of the page that it came with.",
    ),
)
_ORDERS = ("asc", "desc")


@dataclass(frozen=True, kw_only=True)
class Page:
    """The rows of one page, and the cursor of the next; an empty cursor is the end."""

    rows: Sequence[Any]
    cursor: str

    def body(self, render: Callable[[Sequence[Any]], Iterable[Any]]) -> dict[str, Any]:
        """The page as it leaves, in the spelling of both generations of clients."""
        return {
            "items": list(render(self.rows)),
            "pagination": {"nextCursor": self.cursor, "next_cursor": self.cursor},
        }


def page_of(
    rows: QuerySet[Any], query: Query, *, default_order: str = "asc", key: str = "pk"
) -> Page:
    """The page that `limit`, `cursor` and `sortOrder` ask for. `key` is the unique column to go by."""
    limit = query.number("limit", DEFAULT_LIMIT, most=MOST)
    order = _order(query, default_order)
    if cursor := query.text("cursor"):
        after = _after(cursor, order)
        rows = rows.filter(**{f"{key}__{'gt' if order == 'asc' else 'lt'}": after})
    found = list(rows.order_by(key if order == "asc" else f"-{key}")[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    last = getattr(found[-1], key) if found else ""
    return Page(rows=found, cursor=_cursor(str(last), order) if more else "")


def _order(query: Query, default: str) -> str:
    order = query.text("sortOrder").lower().removeprefix("sort_order_")
    if order and order not in (*_ORDERS, "unspecified"):
        raise ValidationError({"sortOrder": "Give asc or desc."})
    return order if order in _ORDERS else default


def _cursor(last: str, order: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([last, order])).decode().rstrip("=")


def _after(cursor: str, order: str) -> str:
    wrong = ValidationError(
        {"cursor": "This is not a cursor of this list in this order."}
    )
    try:
        last, its_order = orjson.loads(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        )
    except (ValueError, TypeError, binascii.Error) as exc:
        raise wrong from exc
    if not isinstance(last, str) or "\x00" in last or its_order != order:
        raise wrong
    return last
