"""The adapter that turns OpenAPI documents into tools."""
