"""The one signal of this app, sent inside the transaction that changes tools."""

from django.dispatch import Signal

tools_changed = Signal()
"""Arguments: `tool_set`, and `tools`, the saved tools whose definition is new or different."""
