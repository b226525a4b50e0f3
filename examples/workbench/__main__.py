"""`python -m examples.workbench`: serves the workbench on a loopback port, and says where as one line of JSON."""

import argparse
import json
import socket
import sys
import threading

import uvicorn

from examples.workbench.server import server

_HOST = "127.0.0.1"


def main() -> None:
    """Serve until interrupted or, with `--with-parent`, until standard input closes."""
    options = _options()
    listener = _listen(options.port)
    url = f"http://{_HOST}:{listener.getsockname()[1]}/mcp"
    sys.stdout.write(json.dumps({"url": url}) + "\n")
    sys.stdout.flush()
    app = server.streamable_http_app(host=_HOST)
    running = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    )
    if options.with_parent:
        threading.Thread(target=_stop_with_parent, args=[running], daemon=True).start()
    running.run(sockets=[listener])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.workbench")
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help="the port to prefer; another is taken when it is busy",
    )
    parser.add_argument(
        "--with-parent",
        action="store_true",
        help="stop when standard input closes, as it does when the parent ends",
    )
    return parser.parse_args()


def _listen(preferred_port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, preferred_port))
    except OSError:
        return socket.create_server((_HOST, 0))


def _stop_with_parent(running: uvicorn.Server) -> None:
    sys.stdin.buffer.read()
    running.should_exit = True


if __name__ == "__main__":
    main()
