"""What chooses the rows of lists of named things."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Q, QuerySet

from gateway.identity.labels import with_labels
from gateway.rest.filters import ListFilter, Pairs, Text


class Named(ListFilter):
    """Rows by the beginning of what names them, or by a word in one of the `searched` columns."""

    searched: ClassVar[tuple[str, ...]] = ("name", "external_id")

    prefix = Text(
        "How the name, the external id or the id begins; case does not count.",
        method="beginning_with",
    )
    query = Text("A word to find; case does not count.", method="holding")

    def beginning_with(self, rows: QuerySet[Any], _: str, prefix: str) -> QuerySet[Any]:
        return rows.filter(
            Q(name__istartswith=prefix)
            | Q(external_id__istartswith=prefix)
            | Q(pk__istartswith=prefix)
        )

    def holding(self, rows: QuerySet[Any], _: str, word: str) -> QuerySet[Any]:
        anywhere = Q()
        for field in self.searched:
            anywhere |= Q(**{f"{field}__icontains": word})
        return rows.filter(anywhere)


class Labelled(Named):
    """Rows that also carry labels and belong to bundles."""

    labels = Pairs("Labels that must all match: `k=v,k2=v2`.", method="labelled")
    bundleKey = Text("The bundle that owns it.", field_name="bundle_key")

    def labelled(
        self, rows: QuerySet[Any], _: str, labels: Mapping[str, str]
    ) -> QuerySet[Any]:
        return with_labels(rows, labels)
