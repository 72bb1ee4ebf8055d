"""Clients of others before `sakigake gateway`, which stands before `sakigake serve` or servers of others."""

import os
import subprocess

from browser_cases import chromium
from client_cases import caddy
from peers import HOST, SITE, Server, await_port, free_port, site_files
from suite import case, check


class Gateway(Server):
    """`sakigake gateway` on a free loopback port, before one of our servers."""

    def __init__(self, world, origin, *options):
        self.world, self.port = world, free_port()
        self.output = world.scratch / f"gateway-{self.port}.log"
        ca = getattr(origin, "ca", world.ca)
        words = ["--to", origin.url, "--resolve", origin.resolve, "--cacert", ca, "--log", "json", *options]
        with open(self.output, "wb") as output:
            self.child = world.start(
                "sakigake", "gateway", "--listen", f"127.0.0.1:{self.port}", *words,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )
        await_port(self.port, self.child, self.output)
        self.url = f"https://{HOST}:{self.port}"
        self.resolve = f"{HOST}:{self.port}:127.0.0.1"


@case("chromium", "openssl", seconds=150)
def chromium_takes_from_the_gateway_what_only_the_frame_names(world):
    """The page does not name the sheet, and the origin says it in its frame alone: neither in a 103 of its own nor in Link."""
    site, hints = world.folder("behind-a-gateway"), world.scratch / "gateway.hints"
    # Chromium drops what nobody has used when the page is complete: this one takes its time.
    busy = "<script>for (const end = Date.now() + 500; Date.now() < end;);</script>"
    (site / "index.html").write_text(f"<!doctype html><title>behind</title>{busy}")
    (site / "unnamed.css").write_text("p { color: black }")
    hints.write_text("</unnamed.css>; rel=preload; as=style\n")
    origin = world.serve(site, "--hints", hints, "--no-early-hints")
    for options, statuses in (((), [200]), (("--no-hints",), [])):
        gateway, mark = Gateway(world, origin, *options), origin.mark()
        chromium(world, "--dump-dom", server=gateway)
        asked = gateway.requests()
        documents = [entry for entry in asked if entry["path"] == "/"]
        sheets = [entry["status"] for entry in asked if entry["path"] == "/unnamed.css"]
        check([entry["status"] for entry in documents] == [200], f"the document: {documents}")
        check(sheets == statuses, f"with {options} the browser asked for the sheet: {sheets}")
        fetched = [entry["status"] for entry in origin.requests(mark) if entry["path"] == "/unnamed.css"]
        # Where the browser comes late, the gateway asks whether what it has is still good: it is sent once all the same.
        check([status for status in fetched if status != 304] == statuses, f"with {options} the origin gave {fetched}")


class Caddy:
    """caddy as an origin: the example site, or what was sent to it."""

    def __init__(self, world, echoes=False):
        self.port = echo(world) if echoes else caddy(world)
        self.url, self.resolve, self.ca = f"https://{HOST}:{self.port}", f"{HOST}:{self.port}:127.0.0.1", world.authority.ca


def echo(world):
    port, folder = free_port(), world.folder(f"caddy-{len(os.listdir(world.scratch))}")
    cert, key = world.authority.rsa
    head = f"{{\n admin off\n auto_https off\n storage file_system {folder}\n}}\n"
    site = f"https://{HOST}:{port} {{\n bind 127.0.0.1\n tls {cert} {key}\n respond \"{{http.request.body}}\"\n}}\n"
    (folder / "Caddyfile").write_text(head + site)
    output = folder / "output"
    with open(output, "wb") as file:
        words = ["caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]
        options = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file, "env": {"HOME": str(folder)}}
        await_port(port, world.start(*words, **options), output)
    return port


@case("caddy", "gtlsclient", "openssl", seconds=60)
def ngtcp2_reads_a_site_of_caddy_through_the_gateway_by_each_protocol(world):
    origin = Caddy(world)
    for number, option in enumerate(("--http1.1", "--http2", "--http3-only")):
        gateway, saved = Gateway(world, origin, option), world.folder(f"through-{number}")
        urls = [f"{gateway.url}{path}" for path in site_files()]
        words = ["-q", "--exit-on-all-streams-close", f"--download={saved}", f"--sni={HOST}"]
        world.run("gtlsclient", *words, "127.0.0.1", gateway.port, *urls)
        for path in site_files():
            same = (saved / path.rsplit("/", 1)[1]).read_bytes() == (SITE / path[1:]).read_bytes()
            check(same, f"{path} differs with {option}")
        protocols = {entry["protocol"] for entry in gateway.requests()}
        check(protocols == {"h3"}, protocols)


@case("caddy", "curl", "openssl", seconds=60)
def curl_posts_through_the_gateway_and_gets_it_back_by_each_protocol(world):
    """With its length told and without, more than the four mebibytes that a gateway once took."""
    origin, body = Caddy(world, echoes=True), os.urandom(3 << 20).hex()
    for option in ("--http1.1", "--http2", "--http3-only"):
        gateway = Gateway(world, origin, option)
        for words in (["--http2"], ["--http1.1"], ["--http1.1", "-H", "transfer-encoding: chunked"]):
            common = ["-sS", "--fail", "--cacert", world.ca, "--resolve", gateway.resolve, "-H", "expect:"]
            got = world.run("curl", *common, *words, "--data-binary", "@-", f"{gateway.url}/", stdin=body).stdout
            check(got == body, f"{len(got)} bytes came back of {len(body)} with {option} and {words}")
