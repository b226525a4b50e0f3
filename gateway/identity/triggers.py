"""The triggers by which the database itself raises revisions, whoever writes and however.

They are made again after every migrate and checked at start. On SQLite they fire per row, on PostgreSQL per statement.
"""

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gateway.identity.ownership import ShapesSurfaces, shaping_models

_EVENTS = ("insert", "update", "delete")


def install(*, using: str = "default", **_: Any) -> None:
    """Make every trigger anew on the database `using`."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for model in shaping_models():
            if model._meta.db_table in tables:
                for statement in _statements(model, connection):
                    cursor.execute(statement)


def missing(*, using: str = "default") -> list[str]:
    """The names of triggers that the database should have and has not."""
    connection = connections[using]
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = {row[0] for row in cursor.fetchall()}
    return [
        name
        for model in shaping_models()
        for name in _names(model)
        if name not in found
    ]


def _names(model: type[ShapesSurfaces]) -> list[str]:
    return [f"{model._meta.db_table}_revision_{event}" for event in _EVENTS]


def _statements(
    model: type[ShapesSurfaces], connection: BaseDatabaseWrapper
) -> list[str]:
    build = _postgresql if connection.vendor == "postgresql" else _sqlite
    return [statement for event in _EVENTS for statement in build(model, event)]


def _subject(model: type[ShapesSurfaces], row: str) -> str:
    return f'{row}."{model.revision_subject}"' if model.revision_subject else "''"


def _sqlite(model: type[ShapesSurfaces], event: str) -> list[str]:
    table = model._meta.db_table
    name = f"{table}_revision_{event}"
    rows = {"insert": ["NEW"], "delete": ["OLD"], "update": ["OLD", "NEW"]}[event]
    raises = " ".join(
        _sqlite_raise(model, row, only_if_moved=row == "OLD" and event == "update")
        for row in rows
    )
    return [
        f'DROP TRIGGER IF EXISTS "{name}"',
        f'CREATE TRIGGER "{name}" AFTER {event.upper()} ON "{table}" FOR EACH ROW BEGIN {raises} END',
    ]


def _sqlite_raise(model: type[ShapesSurfaces], row: str, *, only_if_moved: bool) -> str:
    workspace, subject = f'{row}."{model.revision_workspace}"', _subject(model, row)
    other = f'NEW."{model.revision_workspace}"', _subject(model, "NEW")
    condition = (
        f"({workspace}, {subject}) <> ({other[0]}, {other[1]})"
        if only_if_moved
        else "true"
    )
    return (
        f"INSERT INTO identity_revision (workspace_id, subject, number) "
        f"SELECT {workspace}, {subject}, 1 WHERE {condition} "
        f"ON CONFLICT (workspace_id, subject) DO UPDATE SET number = identity_revision.number + 1;"
    )


def _postgresql(model: type[ShapesSurfaces], event: str) -> list[str]:
    table = model._meta.db_table
    name = f"{table}_revision_{event}"
    tables = {"insert": ["NEW"], "delete": ["OLD"], "update": ["OLD", "NEW"]}[event]
    referencing = " ".join(f"{row} TABLE AS {row.lower()}_rows" for row in tables)
    touched = " UNION ".join(
        f'SELECT r."{model.revision_workspace}" AS workspace_id, {_subject(model, "r")} AS subject '  # noqa: S608
        f"FROM {row.lower()}_rows r"
        for row in tables
    )
    return [
        f'CREATE OR REPLACE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN '  # noqa: S608
        f"INSERT INTO identity_revision (workspace_id, subject, number) "
        f"SELECT DISTINCT workspace_id, subject, 1 FROM ({touched}) AS touched ORDER BY workspace_id, subject "
        f"ON CONFLICT (workspace_id, subject) DO UPDATE SET number = identity_revision.number + 1; "
        f"RETURN NULL; END $body$",
        f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"',
        f'CREATE TRIGGER "{name}" AFTER {event.upper()} ON "{table}" REFERENCING {referencing} '
        f'FOR EACH STATEMENT EXECUTE FUNCTION "{name}"()',
    ]
