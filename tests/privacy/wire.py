"""What really went over the loopback interface: a capture, its TCP streams, their MQTT messages."""

import select
import socket
import struct
import threading
from dataclasses import dataclass

OUTGOING = 4
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1)
PUBLISH = 3


class Capture:
    """Packets to and from one port on the loopback interface, as root only.

    Raises:
        PermissionError: If this user may not capture.
    """

    def __init__(self, port):
        self.port = port
        every_protocol = socket.htons(3)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, every_protocol)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self._socket.bind(("lo", 0))
        self.packets = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._is_over.is_set() or select.select([self._socket], [], [], 0)[0]:
            if not select.select([self._socket], [], [], 0.1)[0]:
                continue
            packet, address = self._socket.recvfrom(1 << 18)
            if address[2] != OUTGOING and self.port in ports_of(packet):
                self.packets.append(packet)

    def close(self):
        self._is_over.set()
        self._thread.join()
        self._socket.close()

    def write(self, path):
        """Write a file that any analyser of network traffic reads."""
        with path.open("wb") as file:
            file.write(PCAP_HEADER)
            for number, packet in enumerate(self.packets):
                file.write(struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet)


def read_pcap(path):
    data = path.read_bytes()
    assert data[: len(PCAP_HEADER)] == PCAP_HEADER
    position, packets = len(PCAP_HEADER), []
    while position < len(data):
        n_bytes = struct.unpack_from("<I", data, position + 8)[0]
        packets.append(data[position + 16 : position + 16 + n_bytes])
        position += 16 + n_bytes
    return packets


def _tcp(packet):
    """Return where the TCP header of an IPv4 packet starts and where its data ends."""
    if len(packet) < 34 or packet[12:14] != b"\x08\x00" or packet[23] != socket.IPPROTO_TCP:
        return None
    start = 14 + 4 * (packet[14] & 15)
    return start, 14 + struct.unpack_from(">H", packet, 16)[0]


def ports_of(packet):
    place = _tcp(packet)
    return () if place is None else struct.unpack_from(">HH", packet, place[0])


def streams_to(packets, port):
    """Return what each connection sent to ``port``, in order, without what came twice."""
    streams, expected = {}, {}
    for packet in packets:
        place = _tcp(packet)
        if place is None:
            continue
        start, end = place
        source, target, sequence = struct.unpack_from(">HHI", packet, start)
        data = packet[start + 4 * (packet[start + 12] >> 4) : end]
        if target != port:
            continue
        if packet[start + 13] & 2:  # SYN: counts as one byte
            streams[source], expected[source] = b"", sequence + 1 & 0xFFFFFFFF
        elif source in streams and data:
            n_known = expected[source] - sequence & 0xFFFFFFFF
            assert n_known < 1 << 31, "the capture has a hole"
            fresh = data[n_known:]
            streams[source] += fresh
            expected[source] = expected[source] + len(fresh) & 0xFFFFFFFF
    return list(streams.values())


@dataclass(frozen=True)
class Published:
    topic: str
    payload: bytes


def _length(stream, position):
    value = shift = 0
    while True:
        byte = stream[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position


def published(stream):
    """Return the messages in what one MQTT 5 client sent."""
    position, found = 0, []
    while position < len(stream):
        kind, flags = stream[position] >> 4, stream[position] & 15
        n_bytes, position = _length(stream, position + 1)
        body, position = stream[position : position + n_bytes], position + n_bytes
        if kind != PUBLISH or len(body) < n_bytes:  # the last one may be cut
            continue
        n_topic = struct.unpack_from(">H", body)[0]
        rest = 2 + n_topic + (2 if flags & 6 else 0)
        n_properties, rest = _length(body, rest)
        found.append(Published(body[2 : 2 + n_topic].decode(), body[rest + n_properties :]))
    return found
