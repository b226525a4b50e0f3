"""Who exists: accounts, workspaces, principals, the people and agents they act for, their keys, and revisions."""

from gateway.identity.models.accounts import Account, Membership, Profile, Workspace
from gateway.identity.models.keys import ApiKey, ApiKeyRegisteredUser, ApiKeyUse
from gateway.identity.models.revisions import Installation, Revision
from gateway.identity.models.users import AgentProfile, Company, RegisteredUser

__all__ = [
    "Account",
    "AgentProfile",
    "ApiKey",
    "ApiKeyRegisteredUser",
    "ApiKeyUse",
    "Company",
    "Installation",
    "Membership",
    "Profile",
    "RegisteredUser",
    "Revision",
    "Workspace",
]
