#!/usr/bin/env python3
"""A folder over HTTP/3 by aioquic.

    aioquic_h3_server.py CERTIFICATE KEY PORT FOLDER"""

import asyncio
import pathlib
import sys

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated

CERTIFICATE, KEY, PORT, FOLDER = sys.argv[1:]
SITE = {f"/{path.relative_to(FOLDER)}": path.read_bytes() for path in pathlib.Path(FOLDER).rglob("*") if path.is_file()}
TYPES = {"html": b"text/html", "css": b"text/css", "js": b"text/javascript", "svg": b"image/svg+xml"}
TICKETS = {}


class Server(QuicConnectionProtocol):
    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http, self.asked = H3Connection(self._quic), {}
        if not hasattr(self, "http"):
            return
        for heard in self.http.handle_event(event):
            if isinstance(heard, HeadersReceived):
                self.asked.setdefault(heard.stream_id, dict(heard.headers))
            if isinstance(heard, HeadersReceived | DataReceived) and heard.stream_ended:
                self.answer(heard.stream_id, self.asked.pop(heard.stream_id))
        self.transmit()

    def answer(self, stream, head):
        path = head[b":path"].decode()
        body = SITE.get("/index.html" if path == "/" else path)
        status, kind = (b"404", b"text/plain") if body is None else (b"200", TYPES.get(path.rsplit(".", 1)[-1], b"text/html"))
        self.http.send_headers(stream, [(b":status", status), (b"content-type", kind)])
        self.http.send_data(stream, body or b"not here", end_stream=True)


async def main():
    config = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    config.load_cert_chain(CERTIFICATE, KEY)
    tickets = {
        "session_ticket_fetcher": lambda label: TICKETS.pop(label, None),
        "session_ticket_handler": lambda ticket: TICKETS.update({ticket.ticket: ticket}),
    }
    await serve("127.0.0.1", int(PORT), configuration=config, create_protocol=Server, **tickets)
    await asyncio.Future()


asyncio.run(main())
