"""A TLS server that says exactly what a case wants, byte by byte; Python's ssl, so not ours."""

import socket
import ssl
import threading


class Scripted:
    """Answers each connection by `script(request, connection)`, in a thread each, until the case ends.

    `script` gets a request's head and body as bytes and the TLS socket; it returns bytes to send, or None when it has done
    all itself. The connection is kept after a returned answer.
    """

    def __init__(self, world, script, kind="ecdsa", alpn=("http/1.1",)):
        cert, key = getattr(world.authority, kind)
        self.script, self.requests, self.connections = script, [], 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.context.set_alpn_protocols(list(alpn))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def listen(self):
        while True:
            try:
                plain, _ = self.socket.accept()
            except OSError:
                return  # The case is over.
            self.connections += 1
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            with self.context.wrap_socket(plain, server_side=True) as connection:
                waiting = b""
                while True:
                    head, body, waiting = read_request(connection, waiting)
                    if head is None:
                        return
                    self.requests.append((head, body))
                    answer = self.script((head, body), connection)
                    if answer is None:
                        return
                    connection.sendall(answer)
        except OSError:
            pass  # Clients leave as they like; what they should have said is looked at by the case.


def read_request(connection, waiting):
    while b"\r\n\r\n" not in waiting:
        more = connection.recv(65536)
        if not more:
            return None, None, b""
        waiting += more
    head, _, rest = waiting.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(rest) < length:
        rest += connection.recv(65536)
    return head, rest[:length], rest[length:]


def path_of(request):
    return request[0].split(b" ", 2)[1].decode()


def field(request, name):
    """A request's field values, in order."""
    lines = (line.partition(b":") for line in request[0].split(b"\r\n")[1:])
    return [value.strip().decode() for key, _, value in lines if key.strip().lower() == name.encode()]


def reply(status=200, body=b"", *fields):
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Some Words", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(status, location):
    return reply(status, b"moved", f"Location: {location}")
