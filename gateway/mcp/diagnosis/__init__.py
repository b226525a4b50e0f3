"""Examines an installation: what is right, what is not, why, and what to do about it."""
