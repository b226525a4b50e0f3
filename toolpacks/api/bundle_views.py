"""REST about bundles: what applying one would do, applying it, its runs, and what it owns as a bundle again."""

from functools import partial
from typing import IO, Any, ClassVar

from django.db import transaction
from django.http import Http404
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.identity.api.base import WorkspaceView
from gateway.identity.roles import Right
from gateway.rest.operations import Parameter, operation
from gateway.rest.pages import CURSOR_PAGE, page_of
from toolpacks.api.bundle_shapes import (
    BundleBody,
    BundlePlanShape,
    BundleRunPage,
    BundleRunWithOutcomesShape,
    BundleShape,
)
from toolpacks.bundles import applying, exporting, runs
from toolpacks.bundles.answers import plan_json, run_json, run_with_outcomes_json
from toolpacks.bundles.reading import read_bundle
from toolpacks.bundles.resources import Bundle
from toolpacks.bundles.syntax import MAX_BYTES, read
from toolpacks.models import BundleRun
from toolpacks.tasks import wake_run, wake_syncs

MOST_AT_ONCE = 100
"""How many changes a request does itself; more are left to a worker."""

_ASYNC = Parameter(
    name="async",
    schema={"type": "boolean", "default": False},
    description="Whether to leave it to a worker and answer at once, as with large bundles.",
)
_ALLOW_EMPTY = Parameter(
    name="allowEmpty",
    schema={"type": "boolean", "default": False},
    description="Whether a bundle that names nothing is meant: it archives everything that the bundle owns.",
)


class _BundleParser(BaseParser):
    """Leaves the text unread: its lines are needed for what is wrong with it."""

    is_json = False

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        return stream.read(MAX_BYTES + 1), self.is_json


class JSONBundle(_BundleParser):
    media_type = "application/json"
    is_json = True


class YAMLBundle(_BundleParser):
    media_type = "application/yaml"


class YAMLText(_BundleParser):
    media_type = "text/yaml"


class BundleView(WorkspaceView):
    """What views about bundles have in common."""

    topic = "Bundles"
    parser_classes = [JSONBundle, YAMLBundle, YAMLText]

    def bundle(self) -> Bundle:
        """The bundle in the body."""
        given: Any = self.request.data or (b"", False)
        data, is_json = given
        return read_bundle(read(data, is_json=is_json and data.strip() != b""))

    def runs_of(self, key: str) -> Any:
        rows = BundleRun.objects.in_workspace(self.caller.workspace_id)
        return rows.filter(bundle_key=key)


class PlanBundle(BundleView):
    """`POST …:plan`: reads, and changes nothing."""

    rights: ClassVar = {"POST": Right.BUILD}

    @operation(
        "planBundle",
        "Say what applying a bundle would do",
        body=BundleBody,
        answers={200: BundlePlanShape},
    )
    def post(self, request: Request, bundle_key: str) -> Response:
        runs.check_key(bundle_key)
        plan = applying.plan_now(
            self.workspace, bundle_key, self.bundle(), actor=self.actor
        )
        return Response(plan_json(plan, bundle_key))


class ApplyBundle(BundleView):
    """`POST …:apply`."""

    rights: ClassVar = {"POST": Right.BUILD}

    @operation(
        "applyBundle",
        "Apply a bundle; 202 when a worker goes on with it",
        body=BundleBody,
        answers={200: BundleRunWithOutcomesShape, 202: BundleRunWithOutcomesShape},
        query=[_ASYNC, _ALLOW_EMPTY],
        refusals=(409,),
    )
    def post(self, request: Request, bundle_key: str) -> Response:
        is_for_a_worker = bool(self.query.flag("async"))
        run, plan = applying.request(
            self.workspace,
            bundle_key,
            self.bundle(),
            may_be_empty=bool(self.query.flag("allowEmpty")),
            actor=self.actor,
        )
        takes_long = len(plan.ahead) > MOST_AT_ONCE or plan.awaits_sync
        if is_for_a_worker or takes_long:
            transaction.on_commit(partial(wake_run, run.pk))
        else:
            applying.run_bundle(run.pk)
            transaction.on_commit(wake_syncs)
        run.refresh_from_db()
        status = 200 if run.is_finished else 202
        return Response(run_with_outcomes_json(run), status=status)


class ExportBundle(BundleView):
    """`GET …:export`."""

    rights: ClassVar = {"GET": Right.READ}

    @operation(
        "exportBundle",
        "Get what a bundle owns, as a bundle",
        answers={200: BundleShape},
        refusals=(404, 409),
    )
    def get(self, request: Request, bundle_key: str) -> Response:
        return Response(exporting.export_of(self.workspace, bundle_key).plain)


class BundleRuns(BundleView):
    """The runs of a bundle, newest first."""

    rights: ClassVar = {"GET": Right.READ}

    @operation(
        "listBundleRuns",
        "List the runs of a bundle",
        answers={200: BundleRunPage},
        query=CURSOR_PAGE,
    )
    def get(self, request: Request, bundle_key: str) -> Response:
        page = page_of(self.runs_of(bundle_key), self.query, default_order="desc")
        return Response(page.body(lambda found: map(run_json, found)))


class OneBundleRun(BundleView):
    """One run, with what became of each resource."""

    rights: ClassVar = {"GET": Right.READ}

    @operation(
        "getBundleRun",
        "Get a run of a bundle",
        answers={200: BundleRunWithOutcomesShape},
    )
    def get(self, request: Request, bundle_key: str, run_id: str) -> Response:
        run = self.runs_of(bundle_key).filter(pk=run_id).first()
        if run is None:
            raise Http404
        return Response(run_with_outcomes_json(run))
