"""What bodies and answers about bundles look like."""

from rest_framework import serializers

from gateway.audit.models import AuditEvent
from gateway.rest.bodies import StrictSerializer
from gateway.rest.shapes import Shape, cursor_page_of
from toolpacks.bundles.changes import Action, Kind
from toolpacks.models import BundleOutcome, BundleRun

_KINDS = [kind.value for kind in Kind]
_ACTIONS = [action.value for action in Action]


class BundleBody(StrictSerializer):
    are_nulls_absent = True
    shorthand = {"type": "null"}  # an empty text is an empty bundle

    toolSets = serializers.DictField(
        child=serializers.DictField(),
        required=False,
        help_text="Tool sets by external id, each with `name`, `slug`, `labels`, `managed`, `spec` and `tools`.",
    )
    toolPacks = serializers.DictField(
        child=serializers.DictField(),
        required=False,
        help_text="Tool packs by external id, each with `name`, `slug`, `description`, `access`, `defaultForNewUsers` "
        "and `connectors`.",
    )


class BundleShape(Shape):
    """What a bundle owns, as it can be applied again."""

    toolSets = serializers.DictField(child=serializers.DictField(), required=False)
    toolPacks = serializers.DictField(child=serializers.DictField(), required=False)


class BundleDifferenceShape(Shape):
    field = serializers.CharField(help_text="A dotted path in the resource.")
    before = serializers.JSONField()
    after = serializers.JSONField()


class BundleChangeShape(Shape):
    """What becomes of one resource."""

    kind = serializers.ChoiceField(_KINDS)
    key = serializers.CharField(
        help_text="Its external id; a tool's stands after that of its tool set and a slash."
    )
    action = serializers.ChoiceField(_ACTIONS)
    differences = BundleDifferenceShape(many=True)
    code = serializers.CharField(
        allow_blank=True,
        help_text="Why it is refused, as a word that programs may rely on.",
    )
    reason = serializers.CharField(allow_blank=True, help_text="The same for people.")
    note = serializers.CharField(allow_blank=True, help_text="What else to know.")


class BundlePlanCountsShape(Shape):
    create = serializers.IntegerField(min_value=0)  # type: ignore[assignment] # a field,
    update = serializers.IntegerField(min_value=0)  # type: ignore[assignment] # not the method
    unarchive = serializers.IntegerField(min_value=0)
    archive = serializers.IntegerField(min_value=0)
    unchanged = serializers.IntegerField(min_value=0)
    refused = serializers.IntegerField(min_value=0)


class BundlePlanShape(Shape):
    """What applying a bundle would do, in the order in which it would."""

    bundleKey = serializers.CharField()
    counts = BundlePlanCountsShape()
    changes = BundleChangeShape(many=True)


class BundleRunCountsShape(Shape):
    total = serializers.IntegerField(
        min_value=0,
        allow_null=True,
        help_text="How many resources there are to decide about; null before it began.",
    )
    applied = serializers.IntegerField(min_value=0)
    refused = serializers.IntegerField(min_value=0)
    failed = serializers.IntegerField(min_value=0)
    unchanged = serializers.IntegerField(min_value=0)


class BundleRunShape(Shape):
    """One application of a bundle."""

    id = serializers.CharField()
    bundleKey = serializers.CharField()
    state = serializers.ChoiceField(BundleRun.State.values)
    message = serializers.CharField(allow_blank=True)
    counts = BundleRunCountsShape()
    profileId = serializers.CharField(help_text="Who asked for it.")
    source = serializers.ChoiceField(AuditEvent.Source.values)  # type: ignore[assignment]
    createdAt = serializers.DateTimeField()
    finishedAt = serializers.DateTimeField(allow_null=True)


class BundleOutcomeShape(Shape):
    """What became of one resource."""

    kind = serializers.ChoiceField(_KINDS)
    key = serializers.CharField()
    action = serializers.ChoiceField(_ACTIONS)
    state = serializers.ChoiceField(BundleOutcome.State.values)
    code = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)
    resourceId = serializers.CharField(allow_blank=True)


class BundleRunWithOutcomesShape(BundleRunShape):
    """One application of a bundle, with what became of each resource that was not as it should be."""

    outcomes = BundleOutcomeShape(many=True)


BundleRunPage = cursor_page_of(BundleRunShape)
