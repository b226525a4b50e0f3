"""`python -m tests.peers`: install every peer now, so that no test waits for it."""

import sys

from tests import peers
from tests.peers.documents import openapi_documents

sys.stdout.write(f"{peers.npm_packages()}\n")
for name in peers.PYTHON_PEERS:
    sys.stdout.write(f"{peers.python_peer(name)}\n")
sys.stdout.write(f"{openapi_documents()}\n")
