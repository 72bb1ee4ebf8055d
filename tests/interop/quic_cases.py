"""GnuTLS with ngtcp2 over QUIC, both ways. Debian builds its programs for HTTP/3 alone: what is carried are a request and a
response in HTTP/3's frames, written here by hand, since `sakigake quic` knows nothing of what its stream holds."""

import os
import re
import socket
import subprocess
import time

from suite import Failed, case, check, check_in, shown

BODY_BYTES = 3_000_000
DATA, HEADERS = 0, 1
ALPN = ("--alpn", "h3")
# H3_NO_ERROR, with which gtlsclient ends.
NO_ERROR = "application error 0x100"


@case("sakigake", "gtlsserver")
def gtlsserver_serves_our_client(world):
    """The handshake, whose ClientHello fills two datagrams, and a file."""
    folder, body = world.folder("gtlsserver"), os.urandom(BODY_BYTES)
    (folder / "large.bin").write_bytes(body)
    (certificate, key), port = world.authority.ecdsa, free_udp_port()
    server = world.start(
        "gtlsserver", "--quiet", "--htdocs", folder, "127.0.0.1", port, key, certificate,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    await_udp_port(port, server)
    done = world.run(
        "sakigake", "quic", "connect", *ALPN, "--cacert", world.authority.ca, "--servername", "localhost",
        f"127.0.0.1:{port}", stdin=request("/large.bin"), text=False,
    )
    heads, came = frames(done.stdout)
    check(heads == 1 and came == body, f"{heads} header blocks and {len(came)} bytes came, of {len(body)}")
    return agreed(done.stderr.decode())


@case("sakigake", "gtlsclient")
def gtlsclient_fetches_from_our_server(world):
    """The handshake, its request, and a file."""
    folder, body = world.folder("gtlsclient"), os.urandom(BODY_BYTES)
    (folder / "response").write_bytes(frame(HEADERS, b"\x00\x00\xd9") + frame(DATA, body))
    certificate, key = world.authority.ecdsa
    said = folder / "accept.log"
    with open(folder / "response", "rb") as response, open(said, "wb") as log, open(folder / "request", "wb") as out:
        server = world.start(
            "sakigake", "quic", "accept", *ALPN, "--cert", certificate, "--key", key, "127.0.0.1:0",
            stdin=response, stdout=out, stderr=log,
        )
    port = until(said, r"waiting for one connection on 127\.0\.0\.1:(\d+)")
    url = f"https://localhost:{port}/large.bin"
    world.run("gtlsclient", "--quiet", "--exit-on-all-streams-close", f"--download={folder}", "127.0.0.1", port, url)
    check((folder / "large.bin").read_bytes() == body, "another file came")
    server.wait(timeout=20)
    check_in(NO_ERROR, said.read_text(), "what our server said")
    asked = (folder / "request").read_bytes()
    check(asked[:1] == bytes([HEADERS]) and frames(asked)[0] == 1, f"no request came: {asked!r}")
    return agreed(said.read_text())


def request(path):
    """GET: two fields of QPACK's static table, and two values under its names."""
    values = [(0x51, path), (0x50, "localhost")]
    fields = b"".join(bytes([name, len(value)]) + value.encode() for name, value in values)
    return frame(HEADERS, b"\x00\x00\xd1\xd7" + fields)


def frame(kind, payload):
    return bytes([kind]) + (len(payload) | 2 << 30).to_bytes(4, "big") + payload


def frames(stream):
    """How many header blocks a stream has, and its body."""
    heads, body, at = 0, b"", 0

    def number():
        nonlocal at
        length = 1 << (stream[at] >> 6)
        value = int.from_bytes(stream[at:at + length], "big") & ((1 << 8 * length - 2) - 1)
        at += length
        return value

    while at < len(stream):
        kind, length = number(), number()
        heads += kind == HEADERS
        body += stream[at:at + length] if kind == DATA else b""
        at += length
    return heads, body


def agreed(said):
    """The facts of the handshake, of those that `sakigake quic` prints."""
    found = re.search(r"suite: (\d+), group: (\d+)", said)
    if found is None:
        raise Failed(f"no handshake is told of: {shown(said)}")
    return "suite {:#06x}, group {:#06x}".format(*map(int, found.groups()))


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_udp_port(port, child, seconds=20):
    deadline = time.monotonic() + seconds
    while not any(line.split()[1].endswith(f":{port:04X}") for line in list(open("/proc/net/udp"))[1:]):
        if child.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"it does not listen (status {child.returncode})")
        time.sleep(0.02)


def until(path, pattern, seconds=20):
    """The first group of a pattern that a file is to hold soon."""
    deadline = time.monotonic() + seconds
    while not (found := re.search(pattern, path.read_text(errors="replace"))):
        if time.monotonic() > deadline:
            raise Failed(f"{pattern} is not in {shown(path.read_text(errors='replace'))}")
        time.sleep(0.02)
    return found.group(1)
