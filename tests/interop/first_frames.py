"""Run by the suite in its Python environment: HTTP/2 by the library h2, and what came before it asked for anything."""

import socket
import ssl
import sys

import h2.connection
import h2.events
import hpack

PRELOAD = 0xF0


def main():
    host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname=host) as secure:
            first, heard = first_frames(secure)
            print("first frames:", ", ".join(f"{kind} on {stream}" for kind, stream, _ in first))
            for kind, _, payload in first:
                if kind == PRELOAD:
                    print_hints(payload)
            load(secure, host, port, heard)


def first_frames(secure):
    """Whole frames that came without a request, at least two; and all bytes read."""
    heard = b""
    while True:
        frames, rest = split(heard)
        if len(frames) >= 2 and not rest:
            return frames, heard
        heard += secure.recv(65536)


def split(data):
    frames = []
    while len(data) >= 9:
        end = 9 + int.from_bytes(data[:3])
        if len(data) < end:
            break
        frames.append((data[3], int.from_bytes(data[5:9]) & 0x7FFF_FFFF, data[9:end]))
        data = data[end:]
    return frames, data


def print_hints(block):
    """The block stands alone: a decoder without history reads it, and its dynamic table stays empty."""
    decoder = hpack.Decoder()
    for name, value in decoder.decode(block):
        print(f"{name}: {value}")
    assert not decoder.header_table.dynamic_entries, "the block touches the dynamic table"


def load(secure, host, port, heard):
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    secure.sendall(connection.data_to_send())
    events = connection.receive_data(heard)
    stream = connection.get_next_available_stream_id()
    path = [(":method", "GET"), (":scheme", "https"), (":authority", f"{host}:{port}"), (":path", "/")]
    connection.send_headers(stream, path, end_stream=True)
    status, size = None, 0
    while True:
        secure.sendall(connection.data_to_send())
        for event in events:
            if isinstance(event, h2.events.ResponseReceived):
                status = dict((str_of(name), str_of(value)) for name, value in event.headers)[":status"]
            elif isinstance(event, h2.events.DataReceived):
                size += len(event.data)
                connection.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamEnded):
                print(f"page: {status}, {size} bytes")
                return
        data = secure.recv(65536)
        assert data, "the server closed early"
        events = connection.receive_data(data)


def str_of(text):
    return text.decode() if isinstance(text, bytes) else text


main()
