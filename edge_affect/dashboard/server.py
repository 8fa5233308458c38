"""The small web server behind the page: files, and one stream of events; it takes no orders."""

from __future__ import annotations

import errno
import logging
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from edge_affect.dashboard.hosts import LOOPBACK, is_allowed, own_names
from edge_affect.dashboard.stream import Stream
from edge_affect.errors import UnavailableError
from edge_affect.subscriber.box import Moment
from edge_affect.subscriber.fields import ms_since_1970
from edge_affect.wall_clock import SystemWallClock

if TYPE_CHECKING:
    from edge_affect.dashboard.assets import Asset
    from edge_affect.subscriber.fleet import Fleet

LOG = logging.getLogger("edge_affect.dashboard")
MAX_CONNECTIONS = 64
"""Connections at once; each stream is one."""
LOOK_S = 0.2
"""How often a stream looks for news: no browser is told more often."""
SLOW_S = 10.0
"""A browser that takes nothing for this long, or sends half a request, is let go."""
MAX_QUERY = 512
HEADERS: dict[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Site:
    """What is served.

    Attributes:
        fleet: All boxes.
        assets: Files of the page by path.
        broker: Name of the broker, for people.
        names: Host names, in lower case, under which the page may be asked for.
    """

    fleet: Fleet
    assets: dict[str, Asset]
    broker: str
    names: frozenset[str] = field(default_factory=own_names)


class PageServer(ThreadingHTTPServer):
    """Serves one ``Site``; ``start`` it once, ``stop`` it once.

    Args:
        site: What to serve.
        address: IP address to listen on.
        port: TCP port; 0 takes a free one.

    Raises:
        UnavailableError: If the address cannot be listened on.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, site: Site, address: str = LOOPBACK, port: int = 0) -> None:
        self.site = site
        self.is_stopping = threading.Event()
        self._room = threading.BoundedSemaphore(MAX_CONNECTIONS)
        if ":" in address:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((address, port), _Handler)
        except OSError as error:
            raise UnavailableError(_why(error, address, port)) from None
        self._address = address
        self._thread = threading.Thread(target=self.serve_forever, name="page", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """The address to open in a browser on this machine."""
        host = LOOPBACK if self._address == "0.0.0.0" else self._address  # noqa: S104 (compared)
        host = "::1" if host == "::" else host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def start(self) -> None:
        """Start serving, in threads of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End all streams and close the port."""
        self.is_stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    # ---- called by the base class ----

    def server_bind(self) -> None:
        """Bind without the base class's look-up of our own name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def process_request(self, request: object, client_address: object) -> None:
        """Serve a connection in a thread of its own, if there is room for one more."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)  # type: ignore[arg-type]  # a socket, as ours are TCP
            return
        try:
            super().process_request(request, client_address)  # type: ignore[arg-type]  # as above
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Serve one connection to its end."""
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]  # as above
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 (called so)
        """Tell what went wrong with one connection; a browser that leaves is nothing wrong."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            LOG.error("a request failed: %r", error)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = SLOW_S
    server_version = "edge-affect"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with a file of the page, or with the stream."""
        self._answer(has_body=True)

    def do_HEAD(self) -> None:
        """Answer as to GET, without the body."""
        self._answer(has_body=False)

    def _answer(self, *, has_body: bool) -> None:
        if not is_allowed(self.headers.get("Host"), self.server.site.names):
            text = "This page is not served under that name; use its IP address, or --name.\n"
            self._send(HTTPStatus.MISDIRECTED_REQUEST, text.encode(), has_body=has_body)
            return
        url = urlsplit(self.path)
        asset = self.server.site.assets.get(url.path)
        if url.path == "/events" and has_body:
            self._stream(url.query)
        elif asset is None:
            self._send(HTTPStatus.NOT_FOUND, b"There is no such page.\n", has_body=has_body)
        elif self.headers.get("If-None-Match") == asset.etag:
            self._send(HTTPStatus.NOT_MODIFIED, b"", has_body=False, etag=asset.etag)
        else:
            self._send(
                HTTPStatus.OK, asset.body, asset.content_type, has_body=has_body, etag=asset.etag
            )

    def _send(
        self,
        status: HTTPStatus,
        body: bytes,
        content_type: str = "text/plain; charset=utf-8",
        *,
        has_body: bool,
        etag: str = "",
    ) -> None:
        self.send_response(status)
        self._send_headers(content_type)
        if etag:
            self.send_header("ETag", etag)
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if has_body:
            self.wfile.write(body)

    def _send_headers(self, content_type: str) -> None:
        self.send_header("Content-Type", content_type)
        for name, value in HEADERS.items():
            self.send_header(name, value)

    def _stream(self, query: str) -> None:
        """Tell news until the browser leaves or the server stops."""
        asked = parse_qs(query[:MAX_QUERY], max_num_fields=4)
        site = self.server.site
        stream = Stream(site.fleet, site.broker, asked.get("box", [""])[0])
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self._send_headers("text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        wall = SystemWallClock()
        while not self.server.is_stopping.is_set():
            news = stream.news(Moment(time.monotonic(), ms_since_1970(wall.now())))
            if news:
                self.wfile.write(news)
            self.server.is_stopping.wait(LOOK_S)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Say nothing: who looks at the page when is nobody's business."""


def _why(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {address} is in use; choose another one with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has; choose one above 1023."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This machine has no address {address}; see --listen."
    return f"Port {port} of {address} cannot be listened on: {error.strerror}."
