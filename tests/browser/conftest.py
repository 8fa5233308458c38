"""A broker, the page's server and a browser; tests are skipped where there is no Chromium."""

import threading
from types import SimpleNamespace

import pytest
from boxes import Boxes
from chromium import Chromium, find_chromium

from edge_affect.broker import HOST, LocalBroker
from edge_affect.dashboard.assets import load_assets
from edge_affect.dashboard.server import PageServer, Site
from edge_affect.publishing.access import BrokerAccess
from edge_affect.subscriber.feed import Feed
from edge_affect.subscriber.fleet import Fleet


@pytest.fixture(scope="session")
def chromium():
    if find_chromium() is None:
        pytest.skip("no Chromium; apt install chromium")
    with Chromium() as browser:
        yield browser


@pytest.fixture
def broker():
    with LocalBroker() as broker:
        yield broker


@pytest.fixture
def boxes(broker):
    boxes = Boxes(broker.port)
    yield boxes
    boxes.close()


@pytest.fixture
def site(broker):
    """The page's server and what it knows, in this process."""
    fleet = Fleet()
    access = BrokerAccess(HOST, broker.port)
    server = PageServer(Site(fleet, load_assets(), access.address))
    feed = Feed(access, fleet)
    feed.connect()
    feed.start()
    server.start()
    yield SimpleNamespace(fleet=fleet, server=server, feed=feed, url=server.url)
    if not server.is_stopping.is_set():
        server.stop()
    feed.stop()


@pytest.fixture
def open_page(chromium, site):
    """Open pages; at the end none may have logged an error or asked another host."""
    pages = []

    def opened(path="", **options):
        page = chromium.page(**options)
        pages.append(page)
        page.open(site.url + path)
        page.wait("document.querySelector('#foot')?.textContent", "the page")
        return page

    yield opened
    errors = [error for page in pages for error in page.errors]
    others = [
        url
        for page in pages
        for url in page.requests
        if not url.startswith((site.url, "data:", "about:"))
    ]
    for page in pages:
        page.__exit__()
    assert errors == []
    assert others == []


class Saying(dict):
    """What each box says; what is taken out has been said for the last time."""

    def __init__(self, boxes):
        super().__init__()
        self._boxes = boxes
        self._lock = threading.Lock()

    def __delitem__(self, box):
        with self._lock:
            super().__delitem__(box)

    def clear(self):
        with self._lock:
            super().clear()

    def say(self):
        with self._lock:
            for box, item in list(self.items()):
                self._boxes.affect(box, item)


@pytest.fixture
def keep_saying(boxes):
    """Let boxes say something five times a second until the end of the test."""
    stop = threading.Event()
    said = Saying(boxes)

    def run():
        while not stop.wait(0.2):
            said.say()

    thread = threading.Thread(target=run)
    thread.start()
    yield said
    stop.set()
    thread.join()
