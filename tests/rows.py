"""A valid row of any model, made from what the model itself says: for tests that are generated from the models."""

import itertools
from typing import Any

from django.db import models
from django.utils import timezone

from gateway.identity.models import Account, Workspace

_numbers = itertools.count(1)


def unsaved(model: type[models.Model], workspace: Workspace, **given: Any) -> Any:
    """A row of `model` in `workspace` that is not saved yet; the rows it hangs on are."""
    wanted = [
        field
        for field in model._meta.concrete_fields
        if field.name not in given and _must_be_given(field)
    ]
    return model(**{field.name: _value(field, workspace) for field in wanted}, **given)


def saved(model: type[models.Model], workspace: Workspace, **given: Any) -> Any:
    """A row of `model` in `workspace`."""
    row = unsaved(model, workspace, **given)
    row.save(force_insert=True)
    return row


def _must_be_given(field: Any) -> bool:
    if isinstance(field, models.AutoField) or field.null:
        return False
    return not field.has_default() or (field.unique and not field.primary_key)


def _value(field: Any, workspace: Workspace) -> Any:
    if field.is_relation:
        return _parent(field.related_model, workspace)
    if field.choices:
        return field.choices[0][0]
    match field:
        case models.EmailField():
            return f"somebody-{next(_numbers)}@example.com"
        case models.CharField() if field.name == "workspace_id":
            return workspace.pk
        case models.CharField() | models.TextField():
            return f"x{next(_numbers)}"
        case models.DateTimeField():
            return timezone.now()
        case models.IntegerField() | models.FloatField():
            return 1
        case _:
            raise NotImplementedError(
                f"tests.rows cannot fill {field}: teach it, so that the generated tests reach it"
            )


def _parent(model: type[models.Model], workspace: Workspace) -> models.Model:
    if model is Workspace:
        return workspace
    if model is Account:
        return workspace.account
    parent: models.Model = saved(model, workspace)
    return parent
