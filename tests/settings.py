"""The product's settings, for tests: a data directory and keys that belong to this run, and loopback upstreams."""

import atexit
import os
import shutil
import tempfile

from cryptography.fernet import Fernet

if "TOOLCRIB_TEST_RUN" not in os.environ:  # the workers of pytest-xdist inherit it
    os.environ["TOOLCRIB_TEST_RUN"] = tempfile.mkdtemp(prefix="toolcrib-tests-")
    os.environ["DATA_DIR"] = os.environ["TOOLCRIB_TEST_RUN"]
    os.mkdir(
        os.path.join(os.environ["DATA_DIR"], "static")
    )  # whitenoise warns without it
    os.environ.setdefault("SECRET_KEY", Fernet.generate_key().decode())
    os.environ.setdefault("ENCRYPTION_KEYS", Fernet.generate_key().decode())
    os.environ.setdefault("UPSTREAM_NETWORKS", "127.0.0.0/8,::1/128")
    atexit.register(shutil.rmtree, os.environ["TOOLCRIB_TEST_RUN"], ignore_errors=True)

from gateway.settings import *  # noqa: F403 - only now the environment is what it should be

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Workers of pytest-xdist have a database each and share Redis: none may take another's tasks.
CELERY_TASK_DEFAULT_QUEUE = f"celery-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.emptying"]  # noqa: F405
