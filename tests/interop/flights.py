"""The flights of requests on a page's critical path, counted from a client's qlog file.

The first flight leaves with the connection's first packet, as ClientHello does. What leaves before anything has come back belongs to
it; what leaves behind the first answer to it, to the second, and so on: an answer is what the server has to say in its
handshake to the first flight, and the first byte on a request's stream to others. So a flight is a round trip that was waited for.
"""

import dataclasses
import json

from suite import check

# The low bits of the ids of streams on which a client asks (RFC 9000, section 2.1).
REQUESTS = 0b00


@dataclasses.dataclass
class Page:
    """What one connection did for a page."""

    # The streams of requests in each flight, which go with the handshake in the first one.
    flights: list
    # From the first packet sent to the last byte of a response.
    took_ms: float
    # Of all datagrams' packets that came.
    came_bytes: int


def of(path):
    """Reads one file."""
    texts = [json.loads(text) for text in path.read_text().split("\x1e") if text.strip()]
    header, events = texts[0], texts[1:]
    check(header["trace"]["vantage_point"]["type"] == "client", f"{path.name} is no client's")
    missed = [event for event in events if event["name"] == "loglevel:warning"]
    check(not missed, f"{path.name} does not have everything: {missed}")
    return count(events)


def count(events):
    departed, answered, flight, first, last, came = {}, set(), 1, None, None, 0
    for event in events:
        kind, data = event["name"].removeprefix("quic:"), event["data"]
        if kind not in ("packet_sent", "packet_received"):
            continue
        frames, is_sent = data.get("frames", []), kind == "packet_sent"
        asked = {
            frame["stream_id"]: frame for frame in frames
            if frame["frame_type"] == "stream" and frame["stream_id"] & 0b11 == REQUESTS
        }
        if is_sent:
            first = event["time"] if first is None else first
            # Where it is sent again before it was answered, it was the last time that counted.
            begun = [stream for stream, frame in asked.items() if frame["offset"] == 0 and stream not in answered]
            departed.update(dict.fromkeys(begun, flight))
            continue
        came += data["raw"]["length"]
        if flight == 1 and any(frame["frame_type"] == "crypto" for frame in frames):
            flight = 2
        for stream in asked:
            answered.add(stream)
            flight = max(flight, departed[stream] + 1)
            last = event["time"]
    check(departed, "the log has no request")
    check(answered == departed.keys(), f"asked {sorted(departed)}, answered {sorted(answered)}")
    flights = [[stream for stream, at in departed.items() if at == number] for number in range(1, max(departed.values()) + 1)]
    return Page(flights, last - first, came)
