"""REST addresses of `toolpacks`, below `/v1/`."""

from django.urls import path

from gateway.rest import addresses  # noqa: F401 - registers the converter `ref`
from toolpacks.api import bundle_views, key_views, user_views, views

_PACK = "tool-packs/<ref:pack>/"
_USER = "registered-users/<ref:user>/"
_KEY = "api_keys/<ref:key_id>"
_BUNDLE = "bundles/<ref:bundle_key>"
_OF_USER = {"grantPack": "grantPackOfUser", "withdrawPack": "withdrawPackOfUser"}

urlpatterns = [
    path("tool-packs/", views.ToolPacks.as_view()),
    path(_PACK, views.OneToolPack.as_view()),
    path(f"{_PACK}connectors/", views.Connectors.as_view()),
    path(f"{_PACK}connectors/<slug:slug>/", views.OneConnector.as_view()),
    path(f"{_PACK}registered-users/", user_views.UsersOfPack.as_view()),
    path(f"{_PACK}{_USER}", user_views.OneGrant.as_view()),
    path("registered-users/", user_views.RegisteredUsers.as_view()),
    path(_USER, user_views.OneRegisteredUser.as_view()),
    path(f"{_USER}tool-packs/", user_views.PacksOfUser.as_view()),
    path(f"{_USER}{_PACK}", user_views.OneGrant.as_view(renamed=_OF_USER)),
    path("api_keys", key_views.ApiKeys.as_view()),
    path(_KEY, key_views.OneApiKey.as_view()),
    path(f"{_KEY}:rotate", key_views.RotateApiKey.as_view()),
    path(f"{_KEY}:revoke", key_views.RevokeApiKey.as_view()),
    path(f"{_BUNDLE}:plan", bundle_views.PlanBundle.as_view()),
    path(f"{_BUNDLE}:apply", bundle_views.ApplyBundle.as_view()),
    path(f"{_BUNDLE}:export", bundle_views.ExportBundle.as_view()),
    path(f"{_BUNDLE}/runs", bundle_views.BundleRuns.as_view()),
    path(f"{_BUNDLE}/runs/<ref:run_id>", bundle_views.OneBundleRun.as_view()),
]
