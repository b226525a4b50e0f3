"""Tells Django which admin site is ours; imported before any model is loaded."""

from django.contrib.admin.apps import AdminConfig


class ToolcribAdminConfig(AdminConfig):
    default_site = "gateway.identity.admin_site.Site"
