"""Our client over HTTP/3 against servers of others."""

import json
import os
import re
import subprocess

from client_cases import caddy, fetch
from peers import HOST, ROOT, SITE, debian_version, locked_version, site_files
from quic_cases import await_udp_port, free_udp_port
from suite import FORCED, SERVER, Shown, case, check, check_in

BIG_MIB = 5
SENDS_NONE = "sends none"
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def gtlsserver(world, folder=SITE):
    port, (certificate, key) = free_udp_port(), world.authority.ecdsa
    words = ["gtlsserver", "--quiet", "--htdocs", folder, "127.0.0.1", port, key, certificate]
    await_udp_port(port, world.start(*words, **QUIET))
    return port


def aioquic(world, folder=SITE):
    port, (certificate, key) = free_udp_port(), world.authority.ecdsa
    program = ROOT / "tests/interop/aioquic_h3_server.py"
    await_udp_port(port, world.start("python", program, certificate, key, port, folder, **QUIET))
    return port


def quiche(world, folder=SITE):
    port, (certificate, key) = free_udp_port(), world.authority.ecdsa
    await_udp_port(port, world.start("quiche-h3", "server", certificate, key, port, folder, **QUIET))
    return port


def data(world):
    """A user's folder of its own, so that nothing is remembered from elsewhere."""
    return {"XDG_DATA_HOME": str(world.folder(f"data-{len(os.listdir(world.scratch))}"))}


def check_page(world, port):
    """The page, cold and then on a connection that goes on from the first; and all its bytes. Gives back the cold one's waterfall."""
    home = data(world)
    pages = [fetch(world, port, "/", "--http3-only", env=home).stdout for _ in range(2)]
    for page in pages:
        missing = [path for path in site_files() if path.rsplit("/", 1)[1] not in page]
        check(not missing, f"not in the waterfall: {missing}: {page}")
        check_in(f"HTTP/3 with {HOST}:{port}", page, "the waterfall")
    for path in ("/index.html", *site_files()):
        body = fetch(world, port, path, "--http3-only", "-o", "-", text=False, env=home).stdout
        check(body == (SITE / path[1:]).read_bytes(), f"{path} differs: {len(body)} bytes came")
    done = fetch(world, port, "/index.html", "--http3-only", "-v", "-o", "-", env=home)
    check_in("QUIC: resumed", done.stderr, "what -v shows")
    return pages[0]


def loaded():
    return f"{len(site_files()) + 1} files, cold and resumed, and one of {BIG_MIB} MiB"


def check_file(world, serve):
    """A file that is larger than all windows."""
    folder, body = world.folder("big"), os.urandom(BIG_MIB << 20)
    (folder / "big.bin").write_bytes(body)
    done = fetch(world, serve(world, folder), "/big.bin", "--http3-only", "-o", "-", text=False, env=data(world))
    check(done.stdout == body, f"{len(done.stdout)} bytes came, of {len(body)}, or others")


@case("caddy", peer="caddy (quic-go)", side=SERVER)
def fetch_follows_the_alt_svc_of_caddy_and_loads_the_page_over_http3(world):
    port, home = caddy(world), data(world)
    for protocol in ("HTTP/2", "HTTP/3"):
        done = fetch(world, port, "/", env=home)
        check_in(f"{protocol} with {HOST}:{port}", done.stdout, "the waterfall")
    done = fetch(world, port, "/", "--http2", env=home)
    check_in(f"HTTP/2 with {HOST}:{port}", done.stdout, "the waterfall")
    check_page(world, port)
    files = f"{len(site_files()) + 1} files, cold and resumed"
    return Shown(files, "by Alt-Svc over HTTP/2", SENDS_NONE, SENDS_NONE, debian_version(world, "caddy"))


@case("gtlsserver", peer="gtlsserver (ngtcp2)", side=SERVER)
def fetch_loads_the_page_from_ngtcp2_over_http3(world):
    check_page(world, gtlsserver(world))
    check_file(world, gtlsserver)
    return Shown(loaded(), FORCED, SENDS_NONE, SENDS_NONE, debian_version(world, "ngtcp2-server"))


@case("python", peer="aioquic", side=SERVER)
def fetch_loads_the_page_from_aioquic_over_http3(world):
    check_page(world, aioquic(world))
    check_file(world, aioquic)
    version = world.run("python", "-c", "import aioquic; print(aioquic.__version__)").stdout
    return Shown(loaded(), FORCED, SENDS_NONE, SENDS_NONE, version)


@case("quiche-h3", peer="quiche", side=SERVER, is_apart=True)
def fetch_loads_the_page_from_quiche_over_http3_and_goes_by_its_103(world):
    page = check_page(world, quiche(world))
    hinted = re.findall(r"^◆ (\S+)", page, re.M)
    check(hinted and all(path.endswith(".css") for path in hinted), f"the 103 names the style sheets: {page}")
    check_file(world, quiche)
    version = locked_version("peers/quiche", "quiche")
    return Shown(loaded(), FORCED, f"sent, {len(hinted)} files loaded by it", SENDS_NONE, version)


@case("caddy", "gtlsserver", "python")
def bench_loads_caddy_ngtcp2_and_aioquic_over_http3(world):
    size = (SITE / "css/page.css").stat().st_size
    for name, server in (("caddy", caddy), ("ngtcp2", gtlsserver), ("aioquic", aioquic)):
        port = server(world)
        where = ["--cacert", world.authority.ca, "--resolve", f"{HOST}:{port}:127.0.0.1"]
        done = world.run("sakigake", "bench", f"https://{HOST}:{port}/css/page.css", "--http3", "-n", 300, "-c", 3, "-m", 10, "--json", *where)
        report = json.loads(done.stdout)
        counts = [report[key] for key in ("started", "succeeded", "failed", "errored", "body_bytes")]
        check(counts == [300, 300, 0, 0, 300 * size], f"{name}: {done.stdout}")
        check_in("ALPN h3", report["agreed"], name)


@case("python", "openssl")
def fetch_shows_the_frames_of_http3_that_pass_by(world):
    told = fetch(world, aioquic(world), "/index.html", "--http3-only", "-v", "-o", "-", env=data(world)).stderr
    for line in (
        "> stream=2 control", "> SETTINGS stream=2 length=", "> frame 0x", "> HEADERS stream=0 length=",
        "< stream=3 control", "< SETTINGS stream=3 length=", "< HEADERS stream=0 length=", "< DATA stream=0 length=",
        "QPACK_MAX_TABLE_CAPACITY=4096", " (reserved) stream=2 length=",
    ):
        check_in(line, told, "what -v shows")
