"""Numbered pages: `{count, next, previous, results}`, as the flat part of the API has them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.rest.operations import Parameter
from gateway.rest.queries import Query

_MANY = 10**9
NUMBERED_PAGE = (
    Parameter(
        name="page",
        schema={"type": "integer", "minimum": 1, "default": 1},
        description="Which page; one after the last is a 404.",
    ),
    Parameter(
        name="page_size",
        schema={"type": "integer", "minimum": 1, "default": 50},
        description="How many results a page holds; more than 200 counts as 200.",
    ),
)


class NumberedPages(PageNumberPagination):
    """Pages by number, of numbers that are numbers."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int:
        query = Query(request.query_params)
        return query.number(
            "page_size", self.page_size or 0, most=self.max_page_size or 0
        )

    def get_page_number(self, request: Request, paginator: Any) -> int:
        return Query(request.query_params).number("page", 1, most=_MANY)


def numbered_page(
    rows: QuerySet[Any],
    request: Request,
    render: Callable[[Sequence[Any]], Iterable[Any]],
) -> Response:
    """The page that `page` and `page_size` ask for."""
    pages = NumberedPages()
    found = pages.paginate_queryset(rows, request) or []
    return pages.get_paginated_response(list(render(found)))


def whole_page(results: Sequence[Any]) -> Response:
    """Everything on one page."""
    return Response(
        {
            "count": len(results),
            "next": None,
            "previous": None,
            "results": list(results),
        }
    )
