"""WebSockets over HTTP/2 (RFC 8441): frames by `websockets`, the connection by `h2`: PORT CA."""

import socket
import ssl
import sys

import h2.config
import h2.connection
import h2.events
import h2.settings
from websockets import frames

port, ca = int(sys.argv[1]), sys.argv[2]
trust = ssl.create_default_context(cafile=ca)
trust.set_alpn_protocols(["h2"])
pipe = trust.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=10), server_hostname="localhost")
http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
http.initiate_connection()
heads, data, ended = {}, {}, set()


def turn():
    """Sends what waits, reads once."""
    pipe.sendall(http.data_to_send())
    received = pipe.recv(65536)
    assert received, "the server ended the connection"
    for event in http.receive_data(received):
        if isinstance(event, h2.events.ResponseReceived):
            heads[event.stream_id] = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            data[event.stream_id] = data.get(event.stream_id, b"") + event.data
            http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            raise SystemExit(f"stream {event.stream_id} was reset: {event.error_code}")
    pipe.sendall(http.data_to_send())


def open_socket(path):
    stream = http.get_next_available_stream_id()
    fields = [
        (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", path),
        (":authority", f"localhost:{port}"), ("sec-websocket-version", "13"), ("origin", f"https://localhost:{port}"),
    ]
    http.send_headers(stream, fields)
    while stream not in heads:
        turn()
    assert heads[stream][":status"] == "200", heads[stream]
    assert "sec-websocket-accept" not in heads[stream] and "upgrade" not in heads[stream], heads[stream]
    return stream


def frame(opcode, payload):
    return frames.Frame(opcode, payload).serialize(mask=True)


while http.remote_settings.get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL) != 1:
    turn()
first, second = open_socket("/chat"), open_socket("/chat")
for stream, text in ((second, b"second"), (first, b"first"), (second, b"again")):
    data[stream] = b""
    http.send_data(stream, frame(frames.Opcode.TEXT, text))
    while len(data[stream]) < 2 + len(text):
        turn()
    assert data[stream] == bytes([0x81, len(text)]) + text, data[stream]
for stream in (first, second):
    data[stream] = b""
    http.send_data(stream, frame(frames.Opcode.CLOSE, (1000).to_bytes(2, "big")), end_stream=True)
    while stream not in ended:
        turn()
    assert data[stream][:2] == bytes([0x88, 2]) and data[stream][2:] == (1000).to_bytes(2, "big"), data[stream]
print("two sockets on one connection: echoed, closed")
