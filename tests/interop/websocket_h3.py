"""WebSockets over HTTP/3 (RFC 9220): frames by `websockets`, the connection by aioquic: PORT CA."""

import asyncio
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamReset
from aioquic.quic.packet import QuicErrorCode
from websockets import frames

PORT, CA = int(sys.argv[1]), sys.argv[2]
WITHIN_S = 20
ENABLE_CONNECT_PROTOCOL = 0x08
CLOSE = (1000).to_bytes(2, "big")


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.http = H3Connection(self._quic)
        self.heads, self.data, self.ended, self.news = {}, {}, set(), asyncio.Event()
        self.is_done = False

    def quic_event_received(self, event):
        is_over = isinstance(event, ConnectionTerminated) and event.error_code == QuicErrorCode.NO_ERROR and self.is_done
        assert is_over or not isinstance(event, (ConnectionTerminated, StreamReset)), event
        for said in self.http.handle_event(event):
            if isinstance(said, HeadersReceived):
                self.heads[said.stream_id] = dict(said.headers)
            elif isinstance(said, DataReceived):
                self.data.setdefault(said.stream_id, bytearray()).extend(said.data)
            if getattr(said, "stream_ended", False):
                self.ended.add(said.stream_id)
        self.news.set()

    async def until(self, what, is_there):
        """Waits for news until it is there."""
        while not is_there():
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), WITHIN_S)
            except TimeoutError:
                raise SystemExit(f"{what} did not come: {self.heads} {self.data}") from None

    async def open(self, path):
        stream = self._quic.get_next_available_stream_id()
        fields = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", path),
            (":authority", f"localhost:{PORT}"), ("sec-websocket-version", "13"), ("origin", f"https://localhost:{PORT}"),
        ]
        self.http.send_headers(stream, [(name.encode(), value.encode()) for name, value in fields])
        self.transmit()
        await self.until("the head", lambda: stream in self.heads)
        return stream, self.heads[stream]

    def say(self, stream, opcode, payload, is_last=False):
        self.data[stream] = bytearray()
        self.http.send_data(stream, frames.Frame(opcode, payload).serialize(mask=True), end_stream=is_last)
        self.transmit()


async def main():
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost")
    configuration.load_verify_locations(CA)
    async with connect("127.0.0.1", PORT, configuration=configuration, create_protocol=Client) as client:
        await client.until("SETTINGS", lambda: client.http.received_settings is not None)
        assert client.http.received_settings.get(ENABLE_CONNECT_PROTOCOL) == 1, client.http.received_settings
        first, second = await client.open("/chat"), await client.open("/chat")
        for _, head in (first, second):
            assert head[b":status"] == b"200" and b"sec-websocket-accept" not in head and b"upgrade" not in head, head
        first, second = first[0], second[0]
        for stream, text in ((second, b"second"), (first, b"first"), (second, b"again"), (first, bytes([0x61]) * 60_000)):
            client.say(stream, frames.Opcode.TEXT, text)
            expected = frames.Frame(frames.Opcode.TEXT, text).serialize(mask=False)
            await client.until("the echo", lambda: len(client.data[stream]) >= len(expected))
            assert client.data[stream] == expected, client.data[stream][:100]
        for stream in (first, second):
            client.say(stream, frames.Opcode.CLOSE, CLOSE, is_last=True)
            await client.until("the end", lambda: stream in client.ended)
            assert client.data[stream] == bytes([0x88, 2]) + CLOSE, client.data[stream]
        _, head = await client.open("/json")
        assert not head[b":status"].startswith(b"2"), head
        client.is_done = True
    print("two sockets on one connection: echoed, closed")


asyncio.run(main())
