"""`flush`, as Django's test cases call it: rows are deleted, and what migrations made stays.

Django's own truncates every table, which on PostgreSQL means new files for each table and index, and then makes content
types, permissions and triggers anew; both take longer than most tests.
"""

from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.commands import flush
from django.db import connections

from gateway.identity.models import Revision

_STAYS = {ContentType._meta.db_table, Permission._meta.db_table}


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        tables = set(connection.introspection.django_table_names(only_existing=True))
        last = Revision._meta.db_table  # the triggers of the others write to it
        connection.ops.execute_sql_flush(
            [
                f"DELETE FROM {connection.ops.quote_name(table)}"  # noqa: S608 - names of our own tables
                for table in [*sorted(tables - _STAYS - {last}), last]
            ]
        )
