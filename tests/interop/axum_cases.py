"""An axum router on our server (examples/axum), and clients of others."""

import subprocess

from peers import ROOT, await_port, free_port
from suite import case, check, check_in

PROGRAM = "sakigake-example-axum"


def axum(world):
    """The example on a free port; returns the port."""
    port, output = free_port(), world.scratch / "axum.log"
    with open(output, "wb") as file:
        options = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file}
        child = world.start(PROGRAM, f"127.0.0.1:{port}", **options)
    await_port(port, child, output)
    return port


def curl(world, port, path, *options, **more):
    trust = ["--cacert", world.ca, "--resolve", f"localhost:{port}:127.0.0.1", "--noproxy", "*"]
    return world.run("curl", "-sS", "--max-time", "20", *trust, *options, f"https://localhost:{port}{path}", **more)


@case(PROGRAM, "curl")
def curl_talks_to_a_router_over_both_protocols(world):
    port, upload = axum(world), world.scratch / "upload"
    upload.write_bytes(bytes(range(256)) * 4096 * 8)
    for version, number in (("--http2", "2"), ("--http1.1", "1.1")):
        done = curl(world, port, "/json", version, "-w", "\n%{http_version}")
        check(done.stdout == f'{{"name":"sakigake","speaks":["h3","h2","http/1.1"]}}\n{number}', done.stdout)
        events = curl(world, port, "/events", version).stdout
        check([line for line in events.splitlines() if line] == ["data: 1", "data: 2", "data: 3"], events)
        for expect in ("Expect:", "Expect: 100-continue"):
            words = [version, "-H", expect, "--data-binary", f"@{upload}"]
            echo = curl(world, port, "/upload", *words, text=False).stdout
            check(echo == upload.read_bytes(), f"{version} {expect}: {len(echo)} bytes came back")
        gone = curl(world, port, "/nothing", version, "-o", "/dev/null", "-w", "%{http_code}").stdout
        check(gone == "404", gone)


@case(PROGRAM, "curl")
def events_come_while_they_happen(world):
    port = axum(world)
    for version in ("--http2", "--http1.1"):
        times = curl(world, port, "/events", version, "-o", "/dev/null", "-w", "%{time_starttransfer} %{time_total}")
        first, whole = map(float, times.stdout.split())
        check(whole - first > 0.15, f"{version}: the first byte after {first} s, the last after {whole} s")


@case(PROGRAM, "python")
def websockets_run_over_http_1_1(world):
    done = world.run("python", ROOT / "tests/interop/websocket_h1.py", axum(world), world.ca)
    check_in("echoed 4 messages, closed 1000", done.stdout)


@case(PROGRAM, "python")
def websockets_run_over_http_2(world):
    done = world.run("python", ROOT / "tests/interop/websocket_h2.py", axum(world), world.ca)
    check_in("two sockets on one connection: echoed, closed", done.stdout)


@case(PROGRAM, "python")
def websockets_run_over_http_3(world):
    done = world.run("python", ROOT / "tests/interop/websocket_h3.py", axum(world), world.ca)
    check_in("two sockets on one connection: echoed, closed", done.stdout)
