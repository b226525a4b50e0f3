"""Every write to a table that shapes surfaces raises the right revision, however it is written; no other write does.

The tests are generated from the models: a new model, a new foreign key and a new many-to-many are covered, or fail.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from gateway.identity import triggers
from gateway.identity.installation import TriggersMissing, check_fit
from gateway.identity.models import Revision, Workspace
from gateway.identity.ownership import shaping_models
from gateway.identity.usage import note_use
from gateway.mcp.models import ToolCall
from tests.rows import saved, unsaved
from toolpacks.models import Grant, ToolPack

Model = type[Any]
Key = tuple[str, str]
Write = Callable[[Model, Workspace], tuple[Any, Callable[[], Any]]]

SHAPING: list[Model] = list(shaping_models())
OURS = {"audit", "identity", "toolsets", "registry", "toolpacks", "mcp"}
OTHERS: list[Model] = [
    model
    for model in apps.get_models()
    if model._meta.app_label in OURS and model not in SHAPING and model is not Revision
]


def name_of(value: Any) -> str:
    return str(getattr(value, "__name__", value))


def numbers() -> dict[Key, int]:
    return {(r.workspace_id, r.subject): r.number for r in Revision.objects.all()}


def raised_by(write: Callable[[], Any]) -> set[Key]:
    """The revisions that a write raises, in a transaction of its own."""
    before = numbers()
    with transaction.atomic():
        write()
    return {key for key, number in numbers().items() if number > before.get(key, 0)}


def key_of(row: Any) -> Key:
    """Which revision the model says that this row raises."""
    values = {f.column: getattr(row, f.attname) for f in row._meta.concrete_fields}
    subject = values[row.revision_subject] if row.revision_subject else ""
    return str(values[row.revision_workspace]), str(subject)


# --- ways to write: each prepares, and gives the row and what writes it ----------------------------------------------


def plain_field(model: Model) -> str:
    """A column that any value may be written to again."""
    names = {f.name for f in model._meta.concrete_fields if not f.primary_key}
    return next((n for n in ("name", "created_at") if n in names), min(names))


def copy_of(row: Any) -> dict[str, Any]:
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}


def save_new(model: Model, workspace: Workspace) -> tuple[Any, Callable[[], Any]]:
    row = unsaved(model, workspace)
    return row, lambda: row.save(force_insert=True)


def save_changed(model: Model, workspace: Workspace) -> tuple[Any, Callable[[], Any]]:
    row = saved(model, workspace)
    return row, row.save


def save_one_field(model: Model, workspace: Workspace) -> tuple[Any, Callable[[], Any]]:
    row = saved(model, workspace)
    return row, lambda: row.save(update_fields=[plain_field(model)])


def update(model: Model, workspace: Workspace) -> tuple[Any, Callable[[], Any]]:
    row, field = saved(model, workspace), plain_field(model)
    rows = model._base_manager.filter(pk=row.pk)
    return row, lambda: rows.update(**{field: getattr(row, field)})


def bulk_create(model: Model, workspace: Workspace) -> tuple[Any, Callable[[], Any]]:
    row = unsaved(model, workspace)
    return row, lambda: model._base_manager.bulk_create([row])


def bulk_create_ignoring_conflicts(
    model: Model, workspace: Workspace
) -> tuple[Any, Callable[[], Any]]:
    saved(model, workspace)  # the revision's own row exists already
    row = unsaved(model, workspace)
    return row, lambda: model._base_manager.bulk_create([row], ignore_conflicts=True)


def bulk_create_updating_conflicts(
    model: Model, workspace: Workspace
) -> tuple[Any, Callable[[], Any]]:
    row = saved(model, workspace)
    again = model(**copy_of(row))
    return row, lambda: model._base_manager.bulk_create(
        [again],
        update_conflicts=True,
        unique_fields=[model._meta.pk.name],
        update_fields=[plain_field(model)],
    )


def bulk_update(model: Model, workspace: Workspace) -> tuple[Any, Callable[[], Any]]:
    row = saved(model, workspace)
    return row, lambda: model._base_manager.bulk_update([row], [plain_field(model)])


def update_or_create_new(
    model: Model, workspace: Workspace
) -> tuple[Any, Callable[[], Any]]:
    row = unsaved(model, workspace)
    values = {k: v for k, v in copy_of(row).items() if v is not None}
    return row, lambda: _adopt(
        row, model._base_manager.update_or_create(**values, defaults={})[0]
    )


def _adopt(row: Any, made: Any) -> None:
    row.pk = made.pk


def update_or_create_known(
    model: Model, workspace: Workspace
) -> tuple[Any, Callable[[], Any]]:
    row, field = saved(model, workspace), plain_field(model)
    return row, lambda: model._base_manager.update_or_create(
        pk=row.pk, defaults={field: getattr(row, field)}
    )


def delete(model: Model, workspace: Workspace) -> tuple[Any, Callable[[], Any]]:
    row = saved(model, workspace)
    return model(**copy_of(row)), row.delete


def delete_queryset(
    model: Model, workspace: Workspace
) -> tuple[Any, Callable[[], Any]]:
    row = saved(model, workspace)
    return row, model._base_manager.filter(pk=row.pk).delete


def raw_insert(model: Model, workspace: Workspace) -> tuple[Any, Callable[[], Any]]:
    row = unsaved(model, workspace)
    given = [
        (f.column, f.get_db_prep_save(f.pre_save(row, add=True), connection))
        for f in model._meta.concrete_fields
        if not isinstance(f, models.AutoField)
    ]
    columns = ", ".join(f'"{column}"' for column, _ in given)
    places = ", ".join("%s" for _ in given)
    sql = f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({places})'  # noqa: S608
    return row, lambda: execute(sql, [value for _, value in given])


def raw_update(model: Model, workspace: Workspace) -> tuple[Any, Callable[[], Any]]:
    row, pk = saved(model, workspace), model._meta.pk
    sql = f'UPDATE "{model._meta.db_table}" SET "{pk.column}" = "{pk.column}" WHERE "{pk.column}" = %s'  # noqa: S608
    return row, lambda: execute(sql, [pk.get_db_prep_value(row.pk, connection)])


def raw_delete(model: Model, workspace: Workspace) -> tuple[Any, Callable[[], Any]]:
    row, pk = saved(model, workspace), model._meta.pk
    sql = f'DELETE FROM "{model._meta.db_table}" WHERE "{pk.column}" = %s'  # noqa: S608
    return row, lambda: execute(sql, [pk.get_db_prep_value(row.pk, connection)])


def execute(sql: str, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


WAYS: list[Write] = [
    save_new,
    save_changed,
    save_one_field,
    update,
    bulk_create,
    bulk_create_ignoring_conflicts,
    bulk_create_updating_conflicts,
    bulk_update,
    update_or_create_new,
    update_or_create_known,
    delete,
    delete_queryset,
    raw_insert,
    raw_update,
    raw_delete,
]


@pytest.fixture
def fresh(other_workspace: Workspace) -> Workspace:
    """A workspace with nothing in it, which may be deleted."""
    return other_workspace


@pytest.mark.parametrize("way", WAYS, ids=name_of)
@pytest.mark.parametrize("model", SHAPING, ids=name_of)
def test_every_write_to_a_shaping_table_raises_exactly_its_revision(
    model: Model, way: Write, workspace: Workspace
) -> None:
    row, write = way(model, workspace)

    raised = raised_by(write)

    assert raised == {key_of(row)}


@pytest.mark.parametrize("way", WAYS, ids=name_of)
@pytest.mark.parametrize("model", OTHERS, ids=name_of)
def test_no_write_to_another_table_raises_a_revision(
    model: Model, way: Write, workspace: Workspace
) -> None:
    _, write = way(model, workspace)

    raised = raised_by(write)

    assert raised == set()


@pytest.mark.parametrize("model", SHAPING, ids=name_of)
def test_a_write_that_is_rolled_back_raises_nothing(
    model: Model, workspace: Workspace
) -> None:
    _, write = save_changed(model, workspace)

    with raised_nothing(), transaction.atomic():
        write()
        transaction.set_rollback(True)


@contextmanager
def raised_nothing() -> Iterator[None]:
    before = numbers()
    yield
    assert numbers() == before


# --- what happens to a row because of another ------------------------------------------------------------------------


def parents(on_delete: Any) -> list[Any]:
    """Each foreign key of a shaping model that a deletion of the parent follows in this way."""
    return [
        pytest.param(model, field, id=f"{model.__name__}.{field.name}")
        for model in SHAPING
        for field in model._meta.concrete_fields
        if field.is_relation and field.remote_field.on_delete is on_delete
    ]


@pytest.mark.parametrize(("model", "field"), parents(models.CASCADE))
def test_a_deletion_that_cascades_raises_the_revision(
    model: Model, field: Any, fresh: Workspace
) -> None:
    row = saved(model, fresh, **_optional_parent(field, fresh))
    parent, key = getattr(row, field.name), key_of(row)

    try:
        raised = raised_by(parent.delete)
    except ProtectedError:
        assert model._base_manager.filter(pk=row.pk).exists()
    else:
        assert key in raised


@pytest.mark.parametrize(("model", "field"), parents(models.SET_NULL))
def test_a_deletion_that_sets_null_raises_the_revision(
    model: Model, field: Any, workspace: Workspace
) -> None:
    row = saved(model, workspace, **_optional_parent(field, workspace))

    raised = raised_by(getattr(row, field.name).delete)

    assert key_of(row) in raised


def _optional_parent(field: Any, workspace: Workspace) -> dict[str, Any]:
    return {field.name: saved(field.related_model, workspace)} if field.null else {}


# --- relations, from both of their sides -----------------------------------------------------------------------------


def many_to_many() -> list[Any]:
    return [
        pytest.param(model, field, id=f"{model.__name__}.{field.name}")
        for model in SHAPING
        for field in model._meta.many_to_many
    ]


@pytest.mark.parametrize("is_reverse", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize(("model", "field"), many_to_many())
def test_changing_a_many_to_many_raises_the_revision(
    model: Model, field: Any, is_reverse: bool, workspace: Workspace
) -> None:
    here, there = saved(model, workspace), saved(field.related_model, workspace)
    related = getattr(here, field.name)
    if is_reverse:
        related = getattr(there, field.remote_field.get_accessor_name())
        here, there = there, here
    key, more = (workspace.pk, ""), {"through_defaults": {"workspace": workspace}}

    assert key in raised_by(lambda: related.add(there, **more))
    assert key in raised_by(lambda: related.remove(there))
    assert key in raised_by(lambda: related.set([there], **more))
    assert key in raised_by(lambda: related.set([], **more))
    related.add(there, **more)
    assert key in raised_by(related.clear)


def reverse_relations() -> list[Any]:
    """Each foreign key of a shaping model whose parent has a manager of the rows that hang on it."""
    return [
        pytest.param(model, field, id=f"{model.__name__}.{field.name}")
        for model in SHAPING
        for field in model._meta.concrete_fields
        if field.many_to_one and not field.remote_field.hidden
    ]


@pytest.mark.parametrize(("model", "field"), reverse_relations())
def test_changing_a_reverse_relation_raises_the_revision(
    model: Model, field: Any, workspace: Workspace
) -> None:
    row = saved(model, workspace)
    parent = saved(field.related_model, workspace)
    related = getattr(parent, field.remote_field.get_accessor_name())

    def is_seen(write: Callable[[], Any]) -> bool:
        raised = raised_by(write)
        return key_of(model._base_manager.get(pk=row.pk)) in raised

    assert is_seen(lambda: related.add(row))
    assert is_seen(lambda: related.add(row, bulk=False))
    if not field.null:
        return
    assert is_seen(lambda: related.remove(row))
    assert is_seen(lambda: related.set([row]))
    assert is_seen(lambda: related.set([]))
    related.add(row)
    assert is_seen(related.clear)


@pytest.mark.parametrize(
    "model", [m for m in SHAPING if m is not Workspace], ids=name_of
)
def test_a_row_that_moves_to_another_workspace_raises_both_revisions(
    model: Model, workspace: Workspace, other_workspace: Workspace
) -> None:
    row = saved(model, workspace)
    before = key_of(row)
    rows = model._base_manager.filter(pk=row.pk)

    raised = raised_by(lambda: rows.update(workspace=other_workspace))

    assert raised == {before, (other_workspace.pk, before[1])}


def test_a_grant_that_passes_to_another_user_raises_the_revisions_of_both(
    workspace: Workspace,
) -> None:
    given, other = saved(Grant, workspace), saved(Grant, workspace)
    user = other.registered_user_id
    rows = Grant.objects.filter(pk=given.pk)

    raised = raised_by(lambda: rows.update(registered_user=user))

    assert raised == {key_of(given), key_of(other)}


def test_many_rows_of_many_workspaces_each_raise_their_own(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    for place in (workspace, other_workspace):
        saved(ToolPack, place)
        saved(ToolPack, place)

    raised = raised_by(lambda: ToolPack.objects.update(name="Renamed"))

    assert raised == {(workspace.pk, ""), (other_workspace.pk, "")}


# --- what raises nothing ---------------------------------------------------------------------------------------------


def test_a_thousand_calls_and_the_use_of_a_key_raise_nothing(
    workspace: Workspace,
) -> None:
    key = saved(apps.get_model("identity", "ApiKey"), workspace)
    calls = [unsaved(ToolCall, workspace, state="running") for _ in range(1000)]

    with raised_nothing():
        ToolCall.objects.bulk_create(calls)
        ToolCall.objects.update(state="succeeded", finished_at=timezone.now())
        note_use(key.pk, at=timezone.now())


@pytest.mark.parametrize("model", SHAPING, ids=name_of)
def test_a_write_that_touches_no_row_raises_nothing(
    model: Model, workspace: Workspace
) -> None:
    row = saved(model, workspace)
    nothing = model._base_manager.filter(pk=row.pk).exclude(pk=row.pk)

    with raised_nothing():
        nothing.update(**{plain_field(model): getattr(row, plain_field(model))})
        nothing.delete()


# --- the triggers themselves -----------------------------------------------------------------------------------------


def drop(model: Model, event: str) -> str:
    """Take one trigger away, and give its name."""
    table = model._meta.db_table
    name = f"{table}_revision_{event}"
    on_table = f' ON "{table}"' if connection.vendor == "postgresql" else ""
    execute(f'DROP TRIGGER "{name}"{on_table}', [])
    return name


@pytest.mark.parametrize("event", ["insert", "update", "delete"])
@pytest.mark.parametrize("model", SHAPING, ids=name_of)
def test_a_process_refuses_a_database_that_lacks_a_trigger(
    model: Model, event: str, workspace: Workspace
) -> None:
    check_fit()
    name = drop(model, event)

    with pytest.raises(TriggersMissing, match=name):
        check_fit()


def test_migrating_makes_the_triggers_again(workspace: Workspace) -> None:
    dropped = drop(ToolPack, "update")
    assert triggers.missing() == [dropped]

    call_command("migrate", verbosity=0)

    assert triggers.missing() == []
    row, write = update(ToolPack, workspace)
    assert raised_by(write) == {key_of(row)}
