#!/usr/bin/env python3
"""What a server answers to a client that breaks the rules of HTTP/3, byte by byte over aioquic's QUIC.

    aioquic_h3_rules.py CA HOST PORT rules|resets

Prints how much went as it should, in a line; whatever did not is an exception."""

import asyncio
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated

CA, HOST, PORT, SCENARIO = sys.argv[1:]
WITHIN_S, HARMLESS_S = 10, 0.5

GET = "0108 0000 d1d7c1 500161"
CONTROL = "000400"
# What is said on which streams, whether a stream ends with it, and the code that answers it: none where no harm is done.
RULES = [
    ("DATA before HEADERS", {0: "0001 61"}, 0x105),
    ("a stream that ends within a frame", {0: ("0108 00", True)}, 0x106),
    ("PUSH_PROMISE of a client", {0: "0503 000000"}, 0x105),
    ("GOAWAY on a request stream", {0: "0701 00"}, 0x105),
    ("PRIORITY_UPDATE on a request stream", {0: "800f0700 01 00"}, 0x105),
    ("a frame of HTTP/2 on a request stream", {0: "0600"}, 0x105),
    ("a control stream without SETTINGS", {2: "00 0d0100"}, 0x10A),
    ("SETTINGS twice", {2: CONTROL + "0400"}, 0x105),
    ("two control streams", {2: CONTROL, 6: CONTROL}, 0x103),
    ("a control stream that ends", {2: (CONTROL, True)}, 0x104),
    ("HEADERS on the control stream", {2: CONTROL + "0100"}, 0x105),
    ("DATA on the control stream", {2: CONTROL + "0000"}, 0x105),
    ("a frame of HTTP/2 on the control stream", {2: CONTROL + "0600"}, 0x105),
    ("a setting of HTTP/2", {2: "000402 0201"}, 0x109),
    ("a setting twice", {2: "000404 06010601"}, 0x109),
    ("CANCEL_PUSH of what nobody promised", {2: CONTROL + "030100"}, 0x108),
    ("MAX_PUSH_ID that falls", {2: CONTROL + "0d0105 0d0104"}, 0x108),
    ("a push stream of a client", {2: "0100"}, 0x103),
    ("PRIORITY_UPDATE for a unidirectional stream", {2: CONTROL + "800f0700 01 02"}, 0x108),
    ("PRIORITY_UPDATE for a push", {2: CONTROL + "800f0701 01 00"}, 0x108),
    ("an encoder's capacity above the limit", {2: CONTROL, 6: "02 3fffffff7f"}, 0x201),
    ("a decoder's increment of nothing", {2: CONTROL, 6: "03 00"}, 0x202),
    ("a section that refers to what is not there", {2: CONTROL, 0: "0103 0000 80"}, 0x200),
    ("an encoder stream that ends", {2: CONTROL, 6: ("02", True)}, 0x104),
    ("what nobody knows", {2: CONTROL + "210161", 6: "21aa", 0: ("2100" + GET, True)}, None),
    ("PRELOAD of a client", {2: CONTROL + "40f0020000"}, None),
]


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.closed = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated) and not self.closed.done():
            self.closed.set_result(event.error_code)

    async def code(self, within_s):
        try:
            return await asyncio.wait_for(asyncio.shield(self.closed), within_s)
        except asyncio.TimeoutError:
            return None


def dial():
    config = QuicConfiguration(is_client=True, alpn_protocols=["h3"], server_name=HOST)
    config.load_verify_locations(CA)
    return connect("127.0.0.1", int(PORT), configuration=config, create_protocol=Client)


async def break_rule(name, streams, wanted):
    async with dial() as client:
        for stream, said in streams.items():
            text, ends = said if isinstance(said, tuple) else (said, False)
            client._quic.send_stream_data(stream, bytes.fromhex(text.replace(" ", "")), ends)
        client.transmit()
        code = await client.code(WITHIN_S if wanted else HARMLESS_S)
        if code != wanted:
            raise AssertionError(f"{name}: {code} in place of {wanted}")


async def rules():
    for name, streams, wanted in RULES:
        await break_rule(name, streams, wanted)
    print(f"{len(RULES)} rules")


async def resets():
    """Requests that are given up at once, until the server has had enough."""
    async with dial() as client:
        client._quic.send_stream_data(2, bytes.fromhex(CONTROL))
        count = 0
        while not client.closed.done() and count < 5_000:
            stream = client._quic.get_next_available_stream_id()
            client._quic.send_stream_data(stream, bytes.fromhex("010800 00d1".replace(" ", "")))
            client.transmit()
            client._quic.reset_stream(stream, 0x10C)
            client.transmit()
            count += 1
            if count % 50 == 0:
                await asyncio.sleep(0.02)
        code = await client.code(WITHIN_S)
        if code != 0x107 or count <= 1_000:
            raise AssertionError(f"{count} resets ended with {code}")
    print("closed for excessive load")


asyncio.run({"rules": rules, "resets": resets}[SCENARIO]())
