"""A TLS server that says exactly what a case wants, byte by byte; Python's ssl, so not ours."""

import socket
import ssl
import threading


class Listening:
    """A socket on loopback whose connections are served by `serve(socket)`, in a thread each, until the case ends."""

    def __init__(self):
        self.connections = 0
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
                client, _ = self.socket.accept()
            except OSError:
                return  # The case is over.
            self.connections += 1
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()


class Scripted(Listening):
    """Answers each connection by `script(request, connection)`, in a thread each, until the case ends.

    `script` gets a request's head and body as bytes and the TLS socket; it returns bytes to send, or None when it has done
    all itself. The connection is kept after a returned answer.
    """

    def __init__(self, world, script, kind="ecdsa", alpn=("http/1.1",)):
        cert, key = getattr(world.authority, kind)
        self.script, self.requests = script, []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.context.set_alpn_protocols(list(alpn))
        super().__init__()

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


class Proxy(Listening):
    """A CONNECT proxy of a few lines, within TLS where it has a `credential`. `answers` gives what is said instead of a tunnel,
    for a request's head, or None."""

    def __init__(self, answers=lambda head: None, credential=None):
        self.answers, self.heads, self.context = answers, [], None
        if credential is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*credential)
        super().__init__()

    def serve(self, client):
        try:
            if self.context is not None:
                client = self.context.wrap_socket(client, server_side=True)
        except OSError:
            return  # A client that does not trust it leaves.
        with client:
            head, _, _ = read_request(client, b"")
            if head is None:
                return
            self.heads.append(head.decode())
            answer = self.answers(head.decode())
            if answer is not None:
                client.sendall(answer)
                return
            place = head.split(b" ", 2)[1].decode()
            # Names are this proxy's to resolve, and all of them are this machine.
            with socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2]))) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                there = threading.Thread(target=carry, args=(client, server), daemon=True)
                there.start()
                carry(server, client)
                there.join(5)


def carry(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # Whoever left has been heard.


class Blackhole:
    """An address that takes no connection and refuses none: a listener whose queue is full."""

    def __init__(self, host, port):
        self.socket = socket.socket(socket.AF_INET)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, port))
        self.socket.listen(0)
        self.fillers = []
        for _ in range(4):
            filler = socket.socket(socket.AF_INET)
            filler.setblocking(False)
            filler.connect_ex((host, port))
            self.fillers.append(filler)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in [self.socket, *self.fillers]:
            one.close()
