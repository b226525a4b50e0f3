"""The admin of tool packs, registered users and API keys."""

from toolpacks.admin.keys import ApiKeyAdmin
from toolpacks.admin.packs import ToolPackAdmin
from toolpacks.admin.users import RegisteredUserAdmin

__all__ = ["ApiKeyAdmin", "RegisteredUserAdmin", "ToolPackAdmin"]
