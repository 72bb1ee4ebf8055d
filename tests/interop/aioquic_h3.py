#!/usr/bin/env python3
"""HTTP/3 requests by aioquic.

    aioquic_h3.py CA HOST PORT SCENARIO [FOLDER]

Prints what went as it should, in a line; whatever did not is an exception."""

import asyncio
import pathlib
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.h3.connection import H3_ALPN, ErrorCode, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamReset

CA, HOST, PORT, SCENARIO, *MORE = sys.argv[1:]
WITHIN_S = 30


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.http = H3Connection(self._quic)
        self.got, self.ends, self.firsts, self.closed = {}, {}, {}, None

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.closed = event
            for stream in self.got:
                self.fail(stream, f"closed: {event.error_code:#x} {event.reason_phrase}")
        if isinstance(event, StreamReset) and event.stream_id in self.got:
            self.fail(event.stream_id, f"reset: {event.error_code:#x}")
        for said in self.http.handle_event(event):
            self.hear(said)

    def fail(self, stream, why):
        if not self.ends[stream].done():
            self.ends[stream].set_exception(ConnectionError(why))

    def hear(self, said):
        if not isinstance(said, (HeadersReceived, DataReceived)) or said.stream_id not in self.got:
            return
        heads, body = self.got[said.stream_id]
        if isinstance(said, HeadersReceived):
            heads.append(dict(said.headers))
        else:
            body.extend(said.data)
            if body and not self.firsts[said.stream_id].done():
                self.firsts[said.stream_id].set_result(None)
        if said.stream_ended:
            self.ends[said.stream_id].set_result(None)

    def ask(self, path, method="GET", body=None, authority=HOST, fields=()):
        stream = self._quic.get_next_available_stream_id()
        loop = asyncio.get_running_loop()
        self.got[stream] = ([], bytearray())
        self.ends[stream], self.firsts[stream] = loop.create_future(), loop.create_future()
        head = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path), *fields]
        head = [(name.encode(), value.encode()) for name, value in head]
        self.http.send_headers(stream, head, end_stream=body is None)
        if body is not None:
            self.http.send_data(stream, body, end_stream=True)
        self.transmit()
        return stream

    async def fetch(self, *arguments, **more):
        """The status, the head and the body of one request."""
        stream = self.ask(*arguments, **more)
        await asyncio.wait_for(self.ends[stream], WITHIN_S)
        heads, body = self.got[stream]
        return int(heads[0][b":status"]), heads, bytes(body)


def site(folder):
    return {f"/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def files(client, folder):
    """All of a folder at once, ten times."""
    wanted = [*site(folder).items()] * 10
    answers = await asyncio.gather(*(client.fetch(path) for path, _ in wanted))
    for (path, expected), (status, heads, body) in zip(wanted, answers):
        assert status == 200 and body == expected, f"{path}: {status}, {len(body)} bytes"
        assert b"alt-svc" not in heads[0], heads[0]
    return f"{len(wanted)} files"


async def refusals(client, _):
    asked = (
        ("/nothing", {}),
        ("/", {"method": "POST", "body": b"x" * 100_000}),
    )
    statuses = [(await client.fetch(path, **more))[0] for path, more in asked]
    assert statuses == [404, 405], statuses
    return str(statuses)


async def reset(client, folder):
    """Gives up large files when they begin to come; others are not concerned."""
    path, expected = max(site(folder).items(), key=lambda file: len(file[1]))
    for _ in range(50):
        stream = client.ask(path)
        await asyncio.wait_for(client.firsts[stream], WITHIN_S)
        client._quic.stop_stream(stream, ErrorCode.H3_REQUEST_CANCELLED)
        client.got.pop(stream)
    status, _, body = await client.fetch(path)
    assert status == 200 and body == expected, (status, len(body))
    return f"{len(expected)} bytes after 50 resets"


async def upload(client, _):
    """What is posted comes back."""
    for size in (0, 1, 70_000, 8 << 20):
        body = bytes(range(256)) * (size // 256) + bytes(size % 256)
        status, heads, echo = await client.fetch("/upload", method="POST", body=body)
        assert status == 200 and echo == body, (size, status, len(echo), heads)
    return f"{size} bytes came back"


async def drain(client, folder):
    """Told to stop by a line of input, the server finishes what it serves, then says that it ends."""
    path, expected = max(site(folder).items(), key=lambda file: len(file[1]))
    stream = client.ask(path)
    await asyncio.wait_for(client.firsts[stream], WITHIN_S)
    print("begun", flush=True)
    await asyncio.wait_for(client.ends[stream], WITHIN_S)
    assert bytes(client.got[stream][1]) == expected, len(client.got[stream][1])
    await asyncio.wait_for(client.wait_closed(), WITHIN_S)
    assert client.closed.error_code == ErrorCode.H3_NO_ERROR, client.closed
    return "all came before the end"


async def main():
    config = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=HOST)
    config.load_verify_locations(CA)
    config.max_data, config.max_stream_data = 16 << 20, 16 << 20
    async with connect("127.0.0.1", int(PORT), configuration=config, create_protocol=Client) as client:
        print(await globals()[SCENARIO](client, pathlib.Path(*MORE)))


asyncio.run(main())
