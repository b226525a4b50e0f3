"""The Celery app: which broker wakes the workers, and what runs on a schedule."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")

_SWEEP_SECONDS = 30

app = Celery("toolcrib")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    # A message that cannot be sent costs time, not work: the sweep finds the row.
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0},
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    enable_utc=True,
    beat_schedule={
        "sweep-due-syncs": {
            "task": "toolsets.sweep_due_syncs",
            "schedule": _SWEEP_SECONDS,
            "options": {"expires": _SWEEP_SECONDS},
        },
        "sweep-bundle-runs": {
            "task": "toolpacks.sweep_bundle_runs",
            "schedule": _SWEEP_SECONDS,
            "options": {"expires": _SWEEP_SECONDS},
        },
    },
)
app.autodiscover_tasks()
