"""The frame and the front door. Naming the Celery app here makes it the one that tasks are sent with."""

from gateway.celery import app as celery_app

__all__ = ["celery_app"]
