"""REST addresses of `identity`, below `/v1/`."""

from django.urls import path

from gateway.identity.api import views
from gateway.rest import addresses  # noqa: F401 - registers the converter `ref`

urlpatterns = [
    path("whoami", views.WhoAmI.as_view()),
    path("agent_profiles", views.AgentProfiles.as_view()),
    path("agent_profiles/<ref:agent_id>", views.OneAgentProfile.as_view()),
]
