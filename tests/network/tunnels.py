"""A real proxy on loopback, which leads every tunnel to one port, and a TLS server that says which name it was asked for."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class TunnelProxy:
    """Opens the tunnels it is asked for, all to `port` of loopback, or answers `status`; remembers what it was asked."""

    def __init__(self, port: int = 0, *, answer: bytes = b"") -> None:
        self.heads: list[str] = []
        self._answer = answer or b"HTTP/1.1 200 Connection established\r\n\r\n"
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[str]:
        """The first lines of the requests."""
        return [head.partition("\r\n")[0] for head in self.heads]

    def stop(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(
                    target=self._tunnel, args=[client], daemon=True
                ).start()

    def _tunnel(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n") and (byte := client.recv(1)):
                head += byte
            self.heads.append(head.decode())
            client.sendall(self._answer)
            if self._answer.startswith(b"HTTP/1.1 200"):
                with socket.create_connection(("127.0.0.1", self._to)) as upstream:
                    back = threading.Thread(target=_relay, args=[upstream, client])
                    back.start()
                    _relay(client, upstream)
                    back.join()


def _relay(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            to.sendall(chunk)
        to.shutdown(socket.SHUT_WR)


@contextmanager
def tls_server(
    folder: Path, *, answer: bytes = b""
) -> Iterator[tuple[int, list[str | None]]]:
    """A port that answers over TLS with a certificate nobody trusts, and the names that clients asked it for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                with (
                    client,
                    suppress(OSError),
                    context.wrap_socket(client, server_side=True) as inner,
                ):
                    inner.recv(65_536)
                    inner.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], asked


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
