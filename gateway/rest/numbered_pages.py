"""Numbered pages: `{count, next, previous, results}`, as the flat part of the API has them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response


class NumberedPages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


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
