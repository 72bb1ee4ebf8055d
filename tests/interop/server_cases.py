"""HTTP clients of others against `sakigake serve`."""

import os
import re
import signal
import subprocess
import time

from peers import HOST, ROOT, SITE, site_files
from suite import case, check, check_in

PAGE = (SITE / "index.html").read_bytes()


def curl(world, path, *options, server=None, **more):
    server = server or world.server
    trust = ["--cacert", world.ca, "--resolve", server.resolve, "--noproxy", "*"]
    url = path if path.startswith("https:") else server.url + path
    return world.run("curl", "-sS", "--max-time", "20", *trust, *options, url, **more)


def status(world, path, *options, server=None):
    done = curl(world, path, "-o", "/dev/null", "-w", "%{http_code}", *options, server=server)
    return int(done.stdout)


@case("curl")
def curl_reads_the_page_over_http2(world):
    done = curl(world, "/", "-w", "\n%{http_version} %{http_code} %{content_type}", text=False)
    body, _, facts = done.stdout.rpartition(b"\n")
    check(body == PAGE, "the page differs from the file")
    check(facts.startswith(b"2 200 text/html"), facts.decode())


@case("curl")
def curl_reads_every_file_of_the_site_unchanged(world):
    for path in site_files():
        body = curl(world, path, text=False).stdout
        check(body == (SITE / path[1:]).read_bytes(), f"{path} differs")


@case("curl")
def curl_reads_the_page_over_http_1_1(world):
    done = curl(world, "/", "--http1.1", "-w", "\n%{http_version} %{http_code}", text=False)
    body, _, facts = done.stdout.rpartition(b"\n")
    check(body == PAGE and facts == b"1.1 200", facts.decode())


@case("curl")
def curl_reads_the_page_over_http_1_0(world):
    check_http_1_0(curl(world, "/", "--http1.0", "--no-alpn", "-i", text=False))


@case("curl")
def curl_offering_http_1_0_alone_is_served_or_told_so(world):
    done = curl(world, "/", "--http1.0", "-i", text=False, status=None)
    if done.returncode:
        check_in("alert no application protocol", done.stderr.decode())
        return "no_application_protocol"
    return check_http_1_0(done)


def check_http_1_0(done):
    check(re.match(rb"HTTP/1\.[01] 200", done.stdout), done.stdout[:40])
    check(done.stdout.endswith(PAGE), "the page differs from the file")


@case("curl")
def curl_reads_the_page_without_alpn(world):
    body = curl(world, "/", "--http1.1", "--no-alpn", text=False).stdout
    check(body == PAGE, "the page differs from the file")


@case("curl")
def curl_sends_a_head_that_needs_continuation(world):
    # Curl's library cuts a block above 16,384 bytes; hex digits take some six bits each by Huffman's code.
    long = "".join(f"{number:08x}" for number in range(0x9e3779b9, 0x9e3779b9 + 0x01000193 * 3_750, 0x01000193))
    check(status(world, "/", "--http2", "-H", f"x-long: {long[:30_000]}") == 200, "refused")


@case("curl")
def curl_reads_ranges(world):
    for version in ("--http2", "--http1.1"):
        for spec, part in (("10-19", PAGE[10:20]), ("-7", PAGE[-7:]), (f"{len(PAGE) - 5}-", PAGE[-5:])):
            done = curl(world, "/", version, "-r", spec, "-w", "\n%{http_code}", text=False)
            check(done.stdout == part + b"\n206", f"{version} {spec}: {done.stdout[:80]}")
        beyond = status(world, "/", version, "-r", f"{len(PAGE)}-")
        check(beyond == 416, f"{version} beyond the end: {beyond}")


@case("curl")
def curl_asks_for_the_head_alone(world):
    for version in ("--http2", "--http1.1"):
        done = curl(world, "/", version, "-I")
        check_in(f"content-length: {len(PAGE)}", done.stdout.lower(), "the head")


@case("curl")
def curl_asks_on_condition(world):
    head = curl(world, "/", "-I").stdout
    for name, condition in (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")):
        found = re.search(rf"^{name}: (.*?)\r?$", head, re.I | re.M)
        check(found, f"the head has no {name}: {head}")
        for version in ("--http2", "--http1.1"):
            got = status(world, "/", version, "-H", f"{condition}: {found[1]}")
            check(got == 304, f"{version} {condition}: {got}")
    check(status(world, "/", "-H", 'If-None-Match: "other"') == 200, "another tag must not match")


@case("curl")
def nobody_gets_out_of_the_folder(world):
    folder = world.folder("closed")
    inside, secret = folder / "inside", folder / "secret.txt"
    inside.mkdir(exist_ok=True)
    secret.write_text("outside of the folder")
    (inside / "index.html").write_text("inside")
    (inside / ".hidden").write_text("outside of the folder")
    (inside / "link.txt").symlink_to(secret)
    (inside / "up").symlink_to("..")
    server = world.serve(inside)
    ways = """/../secret.txt /%2e%2e/secret.txt /%2E%2E%2Fsecret.txt /..%2fsecret.txt /..%5csecret.txt /x/../../secret.txt
              /link.txt /up/secret.txt /.hidden /%2ehidden //../secret.txt /%252e%252e/secret.txt /..%00/secret.txt
              /.%2e/secret.txt /%c0%ae%c0%ae/secret.txt /up/inside/.hidden""".split()
    for way in ways:
        for version in ("--http2", "--http1.1"):
            done = curl(world, way, version, "--path-as-is", "-w", "\n%{http_code}", server=server)
            check("outside" not in done.stdout, f"{way} over {version} leads out")
            check(done.stdout[-3:] in ("400", "403", "404"), f"{way} over {version}: {done.stdout[-3:]}")


@case("curl")
def curl_reads_a_large_file(world):
    folder = world.folder("large")
    large = os.urandom(1 << 20) * 32
    (folder / "large.bin").write_bytes(large)
    server = world.serve(folder)
    for version in ("--http2", "--http1.1"):
        target = world.scratch / "large.got"
        curl(world, "/large.bin", version, "-o", target, server=server)
        check(target.read_bytes() == large, f"{version}: the file differs")


@case("curl")
def curl_asks_a_hundred_times_on_one_connection(world):
    for version in ("--http2", "--http1.1"):
        done = curl(world, "/img/seal.svg?[1-100]", version, "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n")
        lines = done.stdout.split("\n")[:-1]
        check(lines == ["200 1"] + ["200 0"] * 99, f"{version}: {sorted(set(lines))}, {len(lines)} lines")


@case("curl")
def what_is_not_there_is_404_and_post_is_405(world):
    for version in ("--http2", "--http1.1"):
        check(status(world, "/nothing", version) == 404, "nothing is there")
        got = status(world, "/", version, "-d", "a=b")
        check(got == 405, f"{version} POST: {got}")


@case()
def serve_says_where_it_is_within_three_seconds_and_without_colour(world):
    start = time.monotonic()
    server = world.serve(SITE)
    url = f"https://localhost:{server.port}/"
    while url not in server.output.read_text():
        check(time.monotonic() - start < 3, f"{url} is not said: {server.output.read_text()}")
        time.sleep(0.05)
    said = server.output.read_text()
    check("\x1b" not in said, "there is colour in a file")
    check(re.search(r"\bhints?\s+\d+|\d+ hints?\b", said), f"how many hints there are is not said: {said}")


@case("curl")
def a_slow_reader_does_not_fill_the_servers_memory(world):
    folder = world.folder("slow")
    with open(folder / "huge.bin", "wb") as huge:
        huge.truncate(512 << 20)
    server = world.serve(folder)
    for version in ("--http2", "--http1.1"):
        slow = start_curl(world, server, "/huge.bin", version, "--limit-rate", "1M")
        time.sleep(2)
        check(slow.poll() is None, "the slow reader ended")
        text = open(f"/proc/{server.child.pid}/status").read()
        resident = int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) // 1024
        check(resident < 64, f"{version}: {resident} MiB resident")
        check(status(world, "/", server=server) < 500, "others wait for the slow reader")


@case("curl")
def a_server_that_is_told_to_stop_finishes_what_it_serves(world):
    folder = world.folder("draining")
    body = os.urandom(16 << 20)
    (folder / "large.bin").write_bytes(body)
    for version in ("--http2", "--http1.1"):
        server, target = world.serve(folder), world.scratch / "drained"
        slow = start_curl(world, server, "/large.bin", version, "--limit-rate", "8M", target=target)
        time.sleep(0.5)
        server.child.send_signal(signal.SIGTERM)
        check(slow.wait(timeout=15) == 0, f"{version}: curl ended with {slow.returncode}")
        check(target.read_bytes() == body, f"{version}: the file differs")
        check(server.child.wait(timeout=15) == 0, f"{version}: the server ended with {server.child.returncode}")


def start_curl(world, server, path, *options, target="/dev/null"):
    trust = ["--cacert", world.ca, "--resolve", server.resolve, "--noproxy", "*", "-o", target]
    return world.start("curl", "-sS", *trust, *options, server.url + path, stdin=subprocess.DEVNULL)


@case("nghttp")
def nghttp_loads_the_page_with_assets_and_reads_past_the_unknown_frame(world):
    """It prints no frame that it does not know; that the frame came is shown by captures and by h2."""
    mark = world.server.mark()
    done = world.run("nghttp", "-nvay", f"https://localhost:{world.server.port}/")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    check_in("recv SETTINGS frame", plain)
    check(not re.search(r"RST_STREAM frame|error_code=(?!NO_ERROR)", plain), f"an error: {plain[-1500:]}")
    asked = {entry["path"] for entry in world.server.requests(mark) if entry["status"] == 200}
    missing = {path for path in site_files() if path not in asked} - {"/css/ink.css", "/img/wave.svg"}
    check(not missing, f"not asked for: {sorted(missing)} (nghttp reads no style sheets)")


@case("curl")
def curl_shows_a_103_before_the_page_where_it_navigates(world):
    navigate = ["-H", "Sec-Fetch-Mode: navigate"]
    rows = [("--http2", navigate, ["HTTP/2 103", "HTTP/2 200"]), ("--http2", [], ["HTTP/2 200"]), ("--http1.1", navigate, ["HTTP/1.1 200 OK"])]
    for version, options, expected in rows:
        said = curl(world, "/", version, *options, "-v", "-o", "/dev/null").stderr
        heads = [line[2:].strip() for line in said.splitlines() if line.startswith("< HTTP/")]
        check(heads == expected, f"{version} {options}: {heads}")
        links = re.findall(r"^< link: <https://\S+>; rel=preload; as=\w+", said, re.M)
        check(len(links) == 16 * len(expected), f"{version} {options}: {len(links)} links")


@case("h2load")
def h2load_gets_all_it_asks_for(world):
    port = world.server.port
    load = ["-n", "2000", "-c", "10", "-m", "10", f"--connect-to=127.0.0.1:{port}"]
    done = world.run("h2load", *load, f"https://{HOST}:{port}/", f"https://{HOST}:{port}/img/seal.svg", seconds=60)
    check_in("2000 succeeded, 0 failed, 0 errored, 0 timeout", done.stdout)
    check_in("status codes: 2000 2xx", done.stdout)
    world.server.check_alive()


@case("h2load")
def h2load_opens_many_connections(world):
    port = world.server.port
    done = world.run("h2load", "-n", "400", "-c", "100", "-m", "4", f"https://localhost:{port}/css/page.css", seconds=60)
    check_in("400 succeeded, 0 failed, 0 errored, 0 timeout", done.stdout)


@case("go", seconds=240)
def go_loads_the_page_over_http2_with_x25519mlkem768(world):
    load = world.go("")
    for curve in ("X25519MLKEM768", "X25519", "CurveP256", "CurveP384"):
        world_run = [load, world.ca, f"127.0.0.1:{world.server.port}", world.server.url, curve]
        lines = world.run(*world_run, *site_files()).stdout.splitlines()
        check(lines[0] == f"HTTP/2.0 200 {curve} {len(PAGE)}", f"{curve}: {lines[0]}")
        for path, line in zip(site_files(), lines[1:], strict=True):
            check(line == f"HTTP/2.0 200 {curve} {(SITE / path[1:]).stat().st_size}", f"{path}: {line}")


HTTPX = """
import asyncio, httpx, ssl, sys
async def main(url, ca, paths):
    trust = ssl.create_default_context(cafile=ca)
    async with httpx.AsyncClient(http2=True, verify=trust, trust_env=False) as client:
        answers = await asyncio.gather(*(client.get(url + path) for path in paths))
        for answer in answers:
            print(answer.http_version, answer.status_code, len(answer.content))
        print((await client.head(url + "/")).headers["content-length"])
asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
"""


@case("python")
def httpx_reads_every_file_over_http2_at_once(world):
    paths = ["/", *site_files()]
    url = f"https://localhost:{world.server.port}"
    lines = world.run("python", "-c", HTTPX, url, world.ca, *paths).stdout.splitlines()
    sizes = [(SITE / (path[1:] or "index.html")).stat().st_size for path in paths]
    check(lines[:-1] == [f"HTTP/2 200 {size}" for size in sizes], f"{lines}")
    check(lines[-1] == str(len(PAGE)), lines[-1])


@case("python")
def python_h2_reads_settings_then_the_frame_then_the_page(world):
    script = ROOT / "tests/interop/first_frames.py"
    done = world.run("python", script, HOST, world.server.port, world.ca)
    lines = done.stdout.splitlines()
    check(lines[0].startswith("first frames: 4 on 0, 240 on 0"), lines[0])
    hints = [line for line in lines if line.startswith("link: ")]
    check(len(hints) >= 12 and all("rel=preload" in hint for hint in hints), done.stdout)
    check(len(set(hints)) == len(hints), f"a hint came twice: {done.stdout}")
    check(lines[-1] == f"page: 200, {len(PAGE)} bytes", lines[-1])
