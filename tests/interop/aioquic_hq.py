#!/usr/bin/env python3
"""An interop endpoint by aioquic: told what to do in its environment, as `peers/hq` says.

    aioquic_hq.py server|client

HTTP/0.9 over QUIC: a bidirectional stream a request, `GET /path` one way and the file's bytes the other."""

import asyncio
import os
import pathlib
import sys
from urllib.parse import urlsplit

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import StreamDataReceived
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import CipherSuite

LACKED = 127
LACKS = {
    "server": {"versionnegotiation", "ecn"},
    "client": {"connectionmigration", "versionnegotiation", "ecn", "postquantum"},
}
# What a client gives the server's tickets to arrive, before it goes on without one.
TICKETS_WITHIN_S = 5
V1, V2 = QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2


def main():
    role = sys.argv[1] if len(sys.argv) > 1 else os.environ["ROLE"]
    case = os.environ["TESTCASE"]
    if case in LACKS[role]:
        return LACKED
    asyncio.run(client(case) if role == "client" else server(case))
    return 0


def configuration(case, is_client):
    config = QuicConfiguration(is_client=is_client, alpn_protocols=["hq-interop"])
    # A queue of 25 packets before a slow link makes losses: enough may be under way that they show.
    config.max_data, config.max_stream_data = 16 << 20, 16 << 20
    config.supported_versions = [V2, V1] if case == "v2" else [V1]
    config.original_version = V1 if is_client else None
    if is_client and case == "chacha20":
        config.cipher_suites = [CipherSuite.CHACHA20_POLY1305_SHA256]
    if keys := os.environ.get("SSLKEYLOGFILE"):
        config.secrets_log_file = open(keys, "a", buffering=1)
    return config


def certs(name):
    return pathlib.Path(os.environ["CERTS"]) / name


# The server


async def server(case):
    config = configuration(case, is_client=False)
    config.load_cert_chain(certs("cert.pem"), certs("priv.key"))
    tickets = {}
    await serve(
        "0.0.0.0", int(os.environ.get("PORT", "443")), configuration=config, retry=case == "retry",
        create_protocol=Serving,
        session_ticket_handler=lambda ticket: tickets.__setitem__(ticket.ticket, ticket),
        session_ticket_fetcher=tickets.get,
    )
    await asyncio.Event().wait()


class Serving(QuicConnectionProtocol):
    """Answers each stream that has ended."""

    def __init__(self, *words, **more):
        super().__init__(*words, **more)
        self._requests = {}

    def quic_event_received(self, event):
        if not isinstance(event, StreamDataReceived):
            return
        request = self._requests.get(event.stream_id, b"") + event.data
        self._requests[event.stream_id] = request
        if not event.end_stream:
            return
        verb, path = request.decode().strip().split(" ", 1)
        if verb != "GET" or ".." in path:
            print(f"not a request: {request!r}", file=sys.stderr)
            return
        body = (pathlib.Path(os.environ["WWW"]) / path.lstrip("/")).read_bytes()
        self._quic.send_stream_data(event.stream_id, body, end_stream=True)
        self.transmit()


# The client


async def client(case):
    urls = [urlsplit(url) for url in os.environ["REQUESTS"].split()]
    config = configuration(case, is_client=True)
    config.load_verify_locations(certs("ca.pem"))
    tickets = []
    for requests in connections(case, urls):
        is_early = case == "zerortt" and bool(tickets)
        if case in ("resumption", "zerortt") and tickets:
            config.session_ticket = tickets[-1]
        host, port = requests[0].hostname, requests[0].port or 443
        async with connect(
            host, port, configuration=config, session_ticket_handler=tickets.append, create_protocol=Fetching,
            wait_connected=not is_early,
        ) as protocol:
            bodies = await protocol.fetch_all([url.path for url in requests], case)
            if case in ("resumption", "zerortt"):
                await until(lambda: tickets, TICKETS_WITHIN_S)
        for url, body in zip(requests, bodies):
            (pathlib.Path(os.environ["DOWNLOADS"]) / url.path.lstrip("/")).write_bytes(body)


async def until(is_so, seconds):
    end = asyncio.get_running_loop().time() + seconds
    while not is_so() and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.01)


def connections(case, urls):
    """The requests of each connection, one connection after the other."""
    if case == "multiconnect":
        return [[url] for url in urls]
    if case in ("resumption", "zerortt"):
        return [urls[:1], urls[1:]]
    return [urls]


class Fetching(QuicConnectionProtocol):
    """Asks for files and gathers them."""

    def __init__(self, *words, **more):
        super().__init__(*words, **more)
        self._bodies, self._ended = {}, {}

    async def fetch_all(self, paths, case):
        streams = []
        for path in paths:
            stream = self._quic.get_next_available_stream_id()
            self._quic.send_stream_data(stream, f"GET {path}\r\n".encode(), end_stream=True)
            self._bodies[stream], self._ended[stream] = bytearray(), self._loop.create_future()
            streams.append(stream)
        self.transmit()
        if case == "keyupdate":
            # Once the handshake is confirmed.
            await self.ping()
            self.request_key_update()
        over = asyncio.ensure_future(self.wait_closed())
        ended = asyncio.gather(*(self._ended[stream] for stream in streams))
        await asyncio.wait([over, ended], return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            raise ConnectionError("the connection closed before all files were there")
        over.cancel()
        return [bytes(self._bodies[stream]) for stream in streams]

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived) and event.stream_id in self._bodies:
            self._bodies[event.stream_id] += event.data
            if event.end_stream and not self._ended[event.stream_id].done():
                self._ended[event.stream_id].set_result(None)


if __name__ == "__main__":
    sys.exit(main())
