"""Origins that say byte for byte what a case wants, before them `sakigake gateway`, and before that curl and Python's ssl."""

import collections
import json
import socket
import ssl

from gateway_cases import Gateway
from hostile import Scripted, path_of, reply
from peers import HOST, ROOT
from suite import case, check

# How curl asks; of 1.0 by ALPN it would be refused. A client of 1.0 is told no length in chunks: for it a response without one ends with the connection.
WAYS = (("--http1.0", "--no-alpn"), ("--http1.1",), ("--http2",))
# What curl ends with when a response breaks off, by version: PARTIAL_FILE, RECV_ERROR, HTTP2_STREAM.
BROKEN = (18, 56, 92)


class Origin(Scripted):
    """Over HTTP/1.1, and how often it was asked for what. `before` looks at a request, and may have done all itself."""

    def __init__(self, world, answers, before=lambda request, connection: False):
        self.asked = collections.Counter()

        def script(request, connection):
            path = path_of(request)
            self.asked[f"{request[0].split()[0].decode()} {path}"] += 1
            if before(request, connection):
                return None
            answer, end = answers[path]
            if end == "kept":
                return answer
            connection.sendall(answer)
            if end == "closed":
                connection.settimeout(2)
                connection.unwrap()
            return None

        super().__init__(world, script)
        self.url, self.resolve, self.ca = f"https://{HOST}:{self.port}", f"{HOST}:{self.port}:127.0.0.1", world.authority.ca


def ask(world, gateway, path, *words):
    """What curl ends with, the status, and the body."""
    common = ["-sS", "--max-time", "20", "--cacert", world.ca, "--resolve", gateway.resolve, "-w", "\n%{json}", *words]
    done = world.run("curl", *common, f"{gateway.url}{path}", status=None)
    body, _, said = done.stdout.rpartition("\n")
    return done.returncode, json.loads(said)["http_code"], body


def ask_1_0(world, gateway, path):
    """Whether a client of HTTP/1.0 is told of the end, which is that of what it asked for, and the body. curl takes any end."""
    context = ssl.create_default_context(cafile=str(world.ca))
    plain = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
    with context.wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False) as client:
        client.sendall(f"GET {path} HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        said, is_told = b"", True
        try:
            while more := client.recv(65536):
                said += more
        except ssl.SSLEOFError:
            is_told = False
    return is_told, said.partition(b"\r\n\r\n")[2].decode()


def head(*fields):
    return "\r\n".join(["HTTP/1.1 200 OK", "Cache-Control: max-age=60", *fields]).encode() + b"\r\n\r\n"


@case("curl", "openssl", seconds=60)
def what_an_origin_cuts_short_is_whole_for_nobody(world):
    broken = {
        "/length": (head("Content-Length: 10") + b"01234", "closed"),
        "/chunked": (head("Transfer-Encoding: chunked") + b"5\r\n01234\r\n", "closed"),
        "/chunk": (head("Transfer-Encoding: chunked") + b"a\r\n01234", "closed"),
        # Its end is the connection's, which somebody between could have cut.
        "/cut": (head() + b"01234", "cut"),
    }
    with Origin(world, {**broken, "/whole": (head() + b"01234", "closed")}) as origin:
        gateway = Gateway(world, origin, "--http1.1")
        for path in broken:
            for way in ("--http1.1", "--http2"):
                code, _, body = ask(world, gateway, path, way)
                check(code in BROKEN and body == "01234", f"{path} by {way}: curl ended with {code}, {body!r}")
            got = ask_1_0(world, gateway, path)
            check(got == (False, "01234"), f"{path} in 1.0: {got}")
        for way in WAYS:
            check(ask(world, gateway, "/whole", *way) == (0, 200, "01234"), f"the whole one by {way}")
        check(ask_1_0(world, gateway, "/whole") == (True, "01234"), "the whole one in 1.0")
        # Nothing of it was kept, and nobody is told that it was whole.
        check({origin.asked[f"GET {path}"] for path in broken} == {3}, origin.asked)
        wrong = [entry for entry in gateway.requests() if entry["whole"] != (entry["path"] == "/whole")]
        check(not wrong, wrong)


@case("curl", "openssl", seconds=60)
def an_origins_length_is_read_in_one_way(world):
    chunks = b"5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"
    answers = {
        "/both": (head("Content-Length: 3", "Transfer-Encoding: chunked") + chunks, "kept"),
        "/both-turned": (head("Transfer-Encoding: chunked", "Content-Length: 20") + chunks, "kept"),
        "/twice": (head("Content-Length: 10", "Content-Length: 10") + b"0123456789", "kept"),
        "/other": (head("Content-Length: 10", "Content-Length: 3") + b"0123456789", "closed"),
        "/coded": (head("Transfer-Encoding: gzip, chunked") + chunks, "kept"),
    }
    with Origin(world, answers) as origin:
        gateway = Gateway(world, origin, "--http1.1")
        for way in WAYS:
            for path in ("/both", "/both-turned", "/twice"):
                got = ask(world, gateway, path, *way)
                check(got == (0, 200, "0123456789"), f"{path} by {way}: {got}")
            for path in ("/other", "/coded"):
                code, status, _ = ask(world, gateway, path, *way)
                check((code, status) == (0, 502), f"{path} by {way}: curl ended with {code}, {status}")


@case("curl", "openssl", seconds=60)
def what_an_origin_may_have_done_is_not_asked_for_twice(world):
    """It ends connections that it kept, as a request comes and without a word: what may be repeated is, once more than it needs to be."""
    served = set()

    def before(request, connection):
        is_used = connection in served
        served.add(connection)
        return is_used

    with Origin(world, {path: (reply(200, path), "kept") for path in ("/get", "/put", "/post")}, before) as origin:
        for method, path, status in (("GET", "/get", 200), ("PUT", "/put", 502), ("POST", "/post", 502)):
            gateway = Gateway(world, origin, "--http1.1")
            check(ask(world, gateway, "/get")[:2] == (0, 200), "the first")
            before_it = origin.asked[f"{method} {path}"]
            body = [] if method == "GET" else ["--data-binary", "1"]
            code, got, _ = ask(world, gateway, path, "-X", method, *body)
            times = origin.asked[f"{method} {path}"] - before_it
            expected = (0, status, 2 if method == "GET" else 1)
            check((code, got, times) == expected, f"{method}: curl ended with {code}, {got}, asked {times} times")


@case("python", "openssl", seconds=90)
def what_http_3_could_say_and_http_1_could_not_reaches_no_origin(world):
    with Origin(world, {"/": (reply(200, "ok"), "kept")}) as origin:
        gateway = Gateway(world, origin, "--http1.1")
        program = ROOT / "tests/interop/aioquic_h3_rules.py"
        count = int(world.run("python", program, world.ca, HOST, gateway.port, "downgrade", seconds=80).stdout)
        check(origin.asked == {"GET /": count}, origin.asked)
        heads = [head.decode().lower() for head, _ in origin.requests]
        wrong = [head for head in heads if any(part in head for part in ("evil", "x-a", "x-b", "b.test", "chunked"))]
        check(not wrong, wrong)
    return f"{count} requests"
