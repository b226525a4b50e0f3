"""The admin of tool packs, registered users, API keys and bundle runs."""

from toolpacks.admin.bundles import BundleRunAdmin
from toolpacks.admin.keys import ApiKeyAdmin
from toolpacks.admin.packs import ToolPackAdmin
from toolpacks.admin.users import RegisteredUserAdmin

__all__ = ["ApiKeyAdmin", "BundleRunAdmin", "RegisteredUserAdmin", "ToolPackAdmin"]
