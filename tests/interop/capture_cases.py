"""Decrypted captures: what left in which flight."""

import signal
import subprocess
import time

from peers import HOST
from suite import Failed, Skipped, case, check, shown

SETTINGS, PRELOAD = 4, 240
FINISHED = 20


@case("tshark", "curl")
def a_capture_of_curl_shows_the_frame_in_the_servers_first_flight(world):
    server, keys = world.server, world.scratch / "server.keys"
    rows = captured(world, server.port, keys, lambda: world.run(
        "curl", "-sS", "--cacert", world.ca, "--resolve", server.resolve, "-o", "/dev/null", f"{server.url}/"
    ))
    check_first_flight(rows, server.port)


@case("tshark")
def a_capture_of_fetch_shows_the_frame_in_the_servers_first_flight(world):
    server, keys = world.server, world.scratch / "fetch.keys"
    rows = captured(world, server.port, keys, lambda: world.run(
        "sakigake", "fetch", f"{server.url}/", "--cacert", world.ca, "--resolve", server.resolve, "--keylog", keys
    ))
    check_first_flight(rows, server.port)


def check_first_flight(rows, port):
    ours = [row for row in rows if row["from"] == port]
    finished = [row["number"] for row in rows if row["from"] != port and FINISHED in row["handshake"]]
    check(finished, f"the capture has no client's Finished: {shown(repr(rows))}")
    first = [frame for row in ours if row["number"] < finished[0] for frame in row["frames"]]
    check(first[:2] == [(SETTINGS, 0), (PRELOAD, 0)], f"frames (type, stream) before the client's Finished: {first}")
    with_finished = [row for row in ours if FINISHED in row["handshake"]]
    check(
        (PRELOAD, 0) in with_finished[0]["frames"],
        f"the frame does not leave with the server's Finished: {with_finished}",
    )


def captured(world, port, keys, load):
    """The packets of a load that carry TLS, with the types of their handshake messages and HTTP/2 frames."""
    file = world.scratch / f"capture-{port}-{time.monotonic_ns()}.pcapng"
    capture = world.start(
        "tshark", "-Q", "-i", "lo", "-f", f"tcp port {port}", "-w", file,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )
    await_capture(capture, file)
    load()
    await_close(file)
    capture.send_signal(signal.SIGINT)
    capture.wait(timeout=10)
    wanted = ["frame.number", "tcp.srcport", "tls.handshake.type", "http2.type", "http2.streamid"]
    fields = [word for name in wanted for word in ("-e", name)]
    decode = ["-o", f"tls.keylog_file:{keys}", "-d", f"tcp.port=={port},tls"]
    done = world.run("tshark", "-r", file, *decode, "-Y", "tls", "-T", "fields", *fields)
    return [row(line) for line in done.stdout.splitlines()]


def await_capture(capture, file):
    """The file has its header as soon as the capture runs."""
    deadline = time.monotonic() + 10
    while not file.exists() or file.stat().st_size == 0:
        if capture.poll() is not None:
            said = capture.stderr.read().decode(errors="replace")
            if "permission" in said.lower():
                raise Skipped(f"no right to capture: {shown(said)}")
            raise Failed(f"tshark ended: {shown(said)}")
        check(time.monotonic() < deadline, "tshark did not begin to capture")
        time.sleep(0.05)
    time.sleep(0.5)


def await_close(file):
    """Waits until what is captured stops growing."""
    size = -1
    while size != file.stat().st_size:
        size = file.stat().st_size
        time.sleep(0.7)


def row(line):
    number, source, handshake, types, streams = (line.split("\t") + [""] * 5)[:5]
    frames = list(zip(numbers(types), numbers(streams)))
    return {"number": int(number), "from": int(source), "handshake": numbers(handshake), "frames": frames}


def numbers(text):
    return [int(part, 0) for part in text.split(",") if part]
