"""A WebSocket over HTTP/1.1, by the package `websockets`: PORT CA."""

import ssl
import sys

from websockets.sync.client import connect

port, ca = sys.argv[1:]
trust = ssl.create_default_context(cafile=ca)
messages = ["", "a text: これ", bytes(200_000), "x" * 70_000]
with connect(f"wss://localhost:{port}/chat", ssl=trust, max_size=None, proxy=None) as socket:
    for message in messages:
        socket.send(message)
        assert socket.recv(timeout=10) == message, f"{len(message)} came back otherwise"
print(f"echoed {len(messages)} messages, closed {socket.close_code}")
