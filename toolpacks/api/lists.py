"""What chooses the rows of lists of tool packs and registered users."""

from typing import Any

from django.db.models import Q, QuerySet

from gateway.identity.models import RegisteredUser
from gateway.rest.filters import Choices, Flag, ListFilter, Text


class PackList(ListFilter):
    query = Text("A word in the name or the slug.", method="holding")

    def holding(self, rows: QuerySet[Any], _: str, word: str) -> QuerySet[Any]:
        return rows.filter(Q(name__icontains=word) | Q(slug__icontains=word))


class UserList(ListFilter):
    query = Text("A word in the name.", field_name="name", lookup_expr="icontains")
    origin_user_id = Text("Your own id of the user.", field_name="origin_user_id")
    origin_company_id = Text(
        "Your own id of their company.", field_name="company__origin_company_id"
    )
    email = Text("Their e-mail address.", field_name="email")
    user_type = Choices(
        "Their types.", RegisteredUser.Type.values, field_name="user_type"
    )
    is_test = Flag("Whether they are test users.", field_name="is_test")
    is_active = Flag(
        "Whether they are active.", field_name="deactivated_at", lookup_expr="isnull"
    )
