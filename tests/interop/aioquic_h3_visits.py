#!/usr/bin/env python3
"""Visits of an HTTP/3 server by aioquic that go another way than most: early, to the wrong host, with a certificate, slowly.

    aioquic_h3_visits.py CA HOST PORT SCENARIO [ARGUMENT ...]

Prints what went as it should, in a line; whatever did not is an exception."""

import pathlib
import sys
import time

import pylsqpack
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.tls import load_pem_private_key, load_pem_x509_certificates
from aioquic_liar import Liar

CA, HOST, PORT, SCENARIO, *MORE = sys.argv[1:]
WITHIN_S, NOTHING_S = 15, 0.5
NO_ERROR, EXCESSIVE_LOAD, REQUEST_CANCELLED = 0x100, 0x107, 0x10C
CONNECTION_REFUSED, UNKNOWN_CA, CERTIFICATE_REQUIRED = 0x02, 0x130, 0x174


class Visitor(Liar):
    """A connection that speaks HTTP/3. Of each stream: the field sections in their order, the body, whether it ended."""

    def __init__(self, host=HOST, **more):
        self.host, self.answers = host, {}
        super().__init__(CA, host, PORT, **more)
        self.http = H3Connection(self.connection)

    def hear(self, event):
        for said in self.http.handle_event(event):
            if isinstance(said, HeadersReceived | DataReceived):
                sections, body, _ = self.answers.get(said.stream_id, ([], b"", False))
                sections += [dict(said.headers)] if isinstance(said, HeadersReceived) else []
                body += said.data if isinstance(said, DataReceived) else b""
                self.answers[said.stream_id] = (sections, body, said.stream_ended)

    def ask(self, path="/", method="GET", authority=None, body=None, trailers=()):
        stream = self.connection.get_next_available_stream_id()
        head = {":method": method, ":scheme": "https", ":authority": authority or self.host, ":path": path}
        coded = [(name.encode(), value.encode()) for name, value in head.items()]
        self.http.send_headers(stream, coded, end_stream=body is None)
        if body is not None:
            self.http.send_data(stream, body, end_stream=not trailers)
        if trailers:
            self.http.send_headers(stream, trailers, end_stream=True)
        return stream

    def is_answered(self, stream):
        return stream in self.answers and self.answers[stream][2]

    def status(self, stream, within_s=WITHIN_S):
        """The final status of a response that is whole."""
        self.until(lambda: self.closed or stream in self.stopped or self.is_answered(stream), within_s)
        assert self.is_answered(stream), (self.closed, self.stopped, self.answers.get(stream))
        return [int(section[b":status"]) for section in self.answers[stream][0] if b":status" in section][-1]

    def code(self, within_s=WITHIN_S):
        self.until(lambda: self.closed, within_s)
        return self.closed


def identity(name):
    """What shows the certificate in the files NAME.pem and NAME.key."""
    chain = load_pem_x509_certificates(pathlib.Path(name + ".pem").read_bytes())
    key = load_pem_private_key(pathlib.Path(name + ".key").read_bytes())
    return {"certificate": chain[0], "certificate_chain": chain[1:], "private_key": key}


def ticket():
    """A ticket of a visit that asked for something."""
    with Visitor() as visitor:
        visitor.ask()
        assert visitor.until(lambda: visitor.tickets, WITHIN_S), "no ticket came"
        return visitor.tickets[0]


def early():
    """What changes nothing is answered before the handshake is over, what might waits for that."""
    for _ in range(60):
        with Visitor(ticket=ticket()) as visitor:
            get, post = visitor.ask(), visitor.ask(method="POST", body=b"x")
            visitor.send()
            visitor.is_silent = True  # From here on it only listens: the server has no Finished.
            visitor.until(lambda: False, NOTHING_S)
            if not visitor.connection.tls.early_data_accepted:
                visitor.is_silent = False
                time.sleep(1)  # No server takes early data before it has run for as long as a first flight may be late.
                continue
            # As much as may leave to an address that has not shown yet that it is there.
            assert visitor.answers[get][1] and post not in visitor.answers, visitor.answers.keys()
            visitor.is_silent = False
            assert (visitor.status(get), visitor.status(post)) == (200, 405)
            return "a GET answered in the server's first flight, a POST behind the handshake"
    raise AssertionError("no early data is taken")


def misdirected():
    with Visitor() as visitor:
        statuses = [visitor.status(visitor.ask(authority=name)) for name in ("elsewhere.test", HOST)]
    assert statuses == [421, 200], statuses
    return str(statuses)


def trailers():
    """An echo says back what is behind the body too."""
    with Visitor() as visitor:
        stream = visitor.ask("/upload", method="POST", body=b"some bytes", trailers=[(b"x-sum", b"10")])
        assert visitor.status(stream) == 200
        sections, body, _ = visitor.answers[stream]
        assert body == b"some bytes" and sections[-1] == {b"x-sum": b"10"}, visitor.answers[stream]
    return "x-sum came back"


def identities(asking, alice, stranger):
    """One host asks who its clients are, the other one does not."""
    with Visitor() as visitor:
        plain = visitor.status(visitor.ask()), visitor.status(visitor.ask(authority=asking))
    with Visitor(asking, settings=identity(alice)) as visitor:
        known = visitor.status(visitor.ask())
    codes = []
    for settings in ({}, identity(stranger)):
        with Visitor(asking, settings=settings) as visitor:
            visitor.ask()
            codes.append(visitor.code())
    assert (plain, known) == ((200, 421), 200), (plain, known)
    assert codes == [(CERTIFICATE_REQUIRED, True), (UNKNOWN_CA, True)], codes
    return f"{known} for alice, {codes[0][0]:#x} for nobody, {codes[1][0]:#x} for a stranger, {plain[1]} beside"


def terms(visitor):
    """What the server grants, and the certificate that it shows."""
    connection = visitor.connection
    streams, idle_s = connection._remote_max_streams_bidi, connection._remote_max_idle_timeout
    return connection.tls._peer_certificate.serial_number, streams, idle_s


def renewal():
    """Waits for a line of input between two connections: the first goes on, the second meets what holds now."""
    with Visitor() as first:
        assert first.status(first.ask()) == 200
        before = terms(first)
        print("begun", flush=True)
        sys.stdin.readline()
        with Visitor() as second:
            assert second.status(second.ask()) == 200
            after = terms(second)
        assert first.status(first.ask()) == 200
    assert before[0] != after[0], "the certificate is the old one"
    assert before[1:] == (128, 30) and after[1:] == (7, 5), (before, after)
    return "another certificate, 7 streams in place of 128, 5 s of idle time in place of 30"


def workers(count):
    """Many at once, who then come from other ports: the workers hand each other what is not theirs."""
    visitors = [Visitor() for _ in range(int(count))]
    try:
        for _ in range(3):
            streams = [visitor.ask() for visitor in visitors]
            for visitor in visitors:
                visitor.send()
            for visitor, stream in zip(visitors, streams):
                assert visitor.status(stream) == 200
                visitor.move()
    finally:
        for visitor in visitors:
            visitor.__exit__()
    return f"{count} connections, from 3 ports each"


def slow(path, least_s, most_s):
    """Takes nothing of a large response: it is given up, and others are served meanwhile."""
    with Visitor(settings={"max_data": 65_536, "max_stream_data": 65_536}) as visitor:
        visitor.connection._write_connection_limits = visitor.connection._write_stream_limits = lambda **_: None
        begun = time.monotonic()
        stream = visitor.ask(path)
        visitor.until(lambda: visitor.closed, float(least_s))
        with Visitor() as other:
            assert other.status(other.ask(path)) == 200
        visitor.until(lambda: visitor.closed or stream in visitor.stopped, float(most_s))
        took, codes = time.monotonic() - begun, (visitor.closed, visitor.stopped.get(stream))
        # The stream's patience or the connection's, whichever ends first.
        assert codes in [(None, EXCESSIVE_LOAD), ((REQUEST_CANCELLED, False), None)], codes
        assert float(least_s) <= took <= float(most_s), took
    return f"given up after {took:.1f} s"


def idle(least_s, most_s):
    """Asks for nothing more: the server says goodbye."""
    with Visitor() as visitor:
        assert visitor.status(visitor.ask()) == 200
        begun, settled = time.monotonic(), lambda: visitor.closed
        while not settled() and time.monotonic() - begun < float(most_s):
            visitor.until(settled, 0.5)
            visitor.connection.send_ping(0)  # Not silent, only without requests.
        took = time.monotonic() - begun
        assert visitor.closed == (NO_ERROR, False) and took >= float(least_s), (visitor.closed, took)
    return f"closed after {took:.1f} s"


def half(least_s, most_s):
    """Begins a request and does not go on with it: it is given up, the connection goes on."""
    with Visitor() as visitor:
        stream = visitor.connection.get_next_available_stream_id()
        visitor.connection.send_stream_data(stream, bytes.fromhex("0110 0000"))
        begun = time.monotonic()
        visitor.until(lambda: visitor.closed or stream in visitor.stopped, float(most_s))
        took = time.monotonic() - begun
        assert stream in visitor.stopped and took >= float(least_s), (visitor.stopped, visitor.closed, took)
        assert visitor.status(visitor.ask()) == 200
    return f"given up after {took:.1f} s"


def drain(path):
    """While a server that was told to stop finishes a response, newcomers hear that they are not taken."""
    with Visitor(settings={"max_data": 65_536, "max_stream_data": 65_536}) as visitor:
        stream = visitor.ask(path)
        visitor.connection._write_connection_limits, keep = (lambda **_: None), visitor.connection._write_connection_limits
        visitor.until(lambda: stream in visitor.answers and len(visitor.answers[stream][1]) > 50_000, WITHIN_S)
        print("begun", flush=True)
        sys.stdin.readline()
        codes = []
        for _ in range(3):
            begun = time.monotonic()
            with Visitor() as newcomer:
                newcomer.ask()
                codes.append(newcomer.code(2))
            assert time.monotonic() - begun < 1, "it took long to hear that"
        assert codes == [(CONNECTION_REFUSED, True)] * 3, codes
        visitor.connection._write_connection_limits = keep
        assert visitor.status(stream, 60) == 200
    return "3 newcomers refused at once"


def number(said):
    """A variable-length integer, and what is behind it."""
    size = 1 << (said[0] >> 6)
    return int.from_bytes(said[:size], "big") & (1 << (8 * size - 2)) - 1, said[size:]


def frames(said):
    """Whole frames: their types and payloads."""
    while said:
        kind, said = number(said)
        length, said = number(said)
        yield kind, said[:length]
        said = said[length:]


def own_streams(visitor):
    """What the server says on unidirectional streams of its own, by their types."""
    return dict(number(said) for stream, said in visitor.heard.items() if stream % 4 == 3)


def is_reserved(value):
    return value >= 0x21 and (value - 0x21) % 0x1F == 0


def meaningless():
    """The server says what means nothing: a setting, a frame and a stream, which aioquic passes over."""
    with Visitor() as visitor:
        assert visitor.status(visitor.ask()) == 200
        visitor.until(lambda: any(map(is_reserved, own_streams(visitor))), WITHIN_S)
        streams = own_streams(visitor)
        settings = visitor.http.received_settings
    said = [settings, [kind for kind, _ in frames(streams[0])], streams]
    setting, frame, stream = (next(filter(is_reserved, numbers)) for numbers in said)
    return f"setting {setting:#x}, frame {frame:#x}, stream {stream:#x}"


def preload(folder):
    """ls-qpack reads the frame's block, without a table: a file of the folder each."""
    with Visitor() as visitor:
        assert visitor.status(visitor.ask()) == 200
        control = own_streams(visitor)[0]
    (block,) = (payload for kind, payload in frames(control) if kind == 0xF0)
    _, lines = pylsqpack.Decoder(0, 0).feed_header(0, block)
    assert lines and all(name == b"link" for name, _ in lines), lines
    origin, files = f"<https://{HOST}:{PORT}/", set()
    for _, value in lines:
        target, *parameters = value.decode().split("; ")
        assert target.startswith(origin) and "rel=preload" in parameters, value
        files.add(target[len(origin):-1])
    missing = [name for name in files if not (pathlib.Path(folder) / name).is_file()]
    assert len(files) == len(lines) and not missing, (lines, missing)
    return f"{len(files)} files in {len(block)} bytes"


print(globals()[SCENARIO](*MORE))
