"""HTTP/3 clients of others against `sakigake serve`."""

import json
import signal

from axum_cases import PROGRAM, axum
from handover_cases import Family
from http3_capture import frame_comes
from peers import HOST, ROOT, SITE, debian_version, free_port, locked_version, site_files
from suite import CLIENT, FORCED, NAVIGATES_NOT, PASSED_OVER, TOLD_ON, Shown, case, check

PROGRAMS = ROOT / "tests/interop"
AIOQUIC = PROGRAMS / "aioquic_h3.py"
RULES = PROGRAMS / "aioquic_h3_rules.py"
QUIC_RULES = PROGRAMS / "aioquic_quic_rules.py"
BIG_BYTES = 20 << 20


def aioquic(world, port, scenario, *more, host=HOST):
    return world.run("python", AIOQUIC, world.ca, host, port, scenario, *more, seconds=90).stdout.strip()


def big(world):
    folder = world.folder("big")
    (folder / "big.bin").write_bytes(bytes(range(256)) * (BIG_BYTES // 256))
    return folder


@case("gtlsclient", "tshark", peer="gtlsclient (ngtcp2)", side=CLIENT)
def ngtcp2_reads_the_page_over_http3(world):
    server, mark, saved = world.server, world.server.mark(), world.folder("gtlsclient")
    urls = [f"{server.url}{path}" for path in ("/index.html", *site_files())]
    words = ["-q", "--exit-on-all-streams-close", f"--download={saved}", f"--sni={HOST}"]
    watched(world, lambda: world.run("gtlsclient", *words, "127.0.0.1", server.port, *urls))
    for path in ("/index.html", *site_files()):
        check((saved / path.rsplit("/", 1)[1]).read_bytes() == (SITE / path[1:]).read_bytes(), f"{path} differs")
    check_protocol(server, mark)
    return Shown(f"{len(urls)} files", FORCED, NAVIGATES_NOT, PASSED_OVER, debian_version(world, "ngtcp2-client"))


@case("python", "tshark", peer="aioquic", side=CLIENT)
def aioquic_reads_every_file_of_the_site_ten_times_at_once(world):
    server, mark = world.server, world.server.mark()
    files = watched(world, lambda: aioquic(world, server.port, "files", SITE))
    check_protocol(server, mark)
    version = world.run("python", "-c", "import aioquic; print(aioquic.__version__)").stdout
    return Shown(files, FORCED, NAVIGATES_NOT, PASSED_OVER, version)


@case("python", "tshark", peer="pycurl (curl, ngtcp2)", side=CLIENT)
def pycurl_reads_the_page_over_http3_and_shows_the_103(world):
    server, mark = world.server, world.server.mark()
    told = watched(world, lambda: world.run("python", PROGRAMS / "pycurl_h3.py", world.ca, HOST, server.port, SITE))
    told = json.loads(told.stdout)
    check(told["statuses"] == [103, 200], f"the document's statuses: {told['statuses']}")
    check_protocol(server, mark)
    return Shown(f"{told['files']} files", FORCED, TOLD_ON, PASSED_OVER, told["version"])


@case("python", "tshark", peer="niquests (qh3)", side=CLIENT)
def niquests_finds_http3_by_alt_svc_and_shows_the_103(world):
    """It takes no CA that is good for servers alone, as our development CA is: the server shows another's."""
    server, keys = of_another_ca(world)
    words = ["python", PROGRAMS / "niquests_h3.py", world.authority.ca, HOST, server.port, SITE]
    told = json.loads(frame_comes(world, server, keys, lambda: world.run(*words)).stdout)
    check(told["statuses"] == [103, 200], f"the document's statuses: {told['statuses']}")
    protocols = [entry["protocol"] for entry in server.requests()]
    check(protocols == ["h2", *["h3"] * (told["files"] + 1)], f"the server's log: {protocols}")
    return Shown(f"{told['files']} files", "by Alt-Svc over HTTP/2", TOLD_ON, PASSED_OVER, told["version"])


@case("h3-client", "tshark", peer="h3 (quinn)", side=CLIENT)
def h3_reads_the_page_and_its_files_at_once(world):
    server, mark = world.server, world.server.mark()
    told = watched(world, lambda: world.run("h3-client", world.ca, HOST, server.port, SITE)).stdout.strip()
    files = told.removesuffix(", [103, 200]")
    check(files != told, f"the document's statuses: {told}")
    check_protocol(server, mark)
    return Shown(files, FORCED, TOLD_ON, PASSED_OVER, locked_version("peers", "h3"))


@case("quiche-h3", "tshark", peer="quiche", side=CLIENT, is_apart=True)
def quiche_reads_the_page_and_its_files_at_once(world):
    """BoringSSL does not know addresses in a CA's name constraints, as our development CA has them: the server shows another's."""
    server, keys = of_another_ca(world)
    words = ["quiche-h3", "client", world.authority.ca, HOST, server.port, SITE]
    told = frame_comes(world, server, keys, lambda: world.run(*words)).stdout.strip()
    files = told.removesuffix(", [103, 200]")
    check(files != told, f"the document's statuses: {told}")
    check_protocol(server, 0)
    return Shown(files, FORCED, TOLD_ON, PASSED_OVER, locked_version("peers/quiche", "quiche"))


def of_another_ca(world):
    """Our server with a certificate of the suite's own authority, and its key log."""
    keys, (certificate, key) = world.scratch / f"server-{free_port()}.keys", world.authority.ecdsa
    return world.serve(SITE, "--keylog", keys, "--cert", certificate, "--key", key), keys


def watched(world, load):
    """Loads from the server that cases share, and is sent the frame."""
    return frame_comes(world, world.server, world.scratch / "server.keys", load)


def check_protocol(server, mark):
    protocols = {entry["protocol"] for entry in server.requests(mark)}
    check(protocols == {"h3"}, protocols)


@case("python")
def aioquic_is_refused_what_is_not_there(world):
    return aioquic(world, world.server.port, "refusals")


@case("python")
def aioquic_gives_large_files_up_and_harms_nobody(world):
    folder = big(world)
    return aioquic(world, world.serve(folder).port, "reset", folder)


@case("python")
def a_server_that_is_told_to_stop_finishes_what_it_serves_over_http3(world):
    folder = big(world)
    server, said = world.serve(folder), world.scratch / "drain.out"
    with open(said, "wb") as out:
        child = world.start(world.program("python"), AIOQUIC, world.ca, HOST, server.port, "drain", folder, stdout=out)
        while b"begun" not in said.read_bytes():
            check(child.poll() is None, "the client has ended")
        server.child.send_signal(signal.SIGTERM)
        check(child.wait(60) == 0 and server.child.wait(20) == 0, said.read_text())
    return said.read_text().splitlines()[-1]


@case("python")
def a_client_that_breaks_a_rule_of_http3_hears_which(world):
    return world.run("python", RULES, world.ca, HOST, world.server.port, "rules", seconds=90).stdout.strip()


@case("python")
def a_client_that_breaks_a_rule_of_quic_hears_which(world):
    server = world.serve(SITE, "--early-data")
    return world.run("python", QUIC_RULES, world.ca, HOST, server.port, seconds=90).stdout.strip()


@case("python")
def requests_over_http3_that_are_given_up_by_the_thousand_end_the_connection(world):
    return world.run("python", RULES, world.ca, HOST, world.server.port, "resets", seconds=90).stdout.strip()


@case("python")
def a_succession_ends_no_connection_over_http3_before_its_responses(world):
    folder = big(world)
    family = Family(world, lambda port, _: ("serve", folder, "--listen", f"127.0.0.1:{port}", "--log", "off"))
    outputs = [world.scratch / f"succession-{number}.out" for number in range(4)]
    words = [world.program("python"), AIOQUIC, world.ca, HOST, family.port, "drain", folder]
    children = [world.start(*words, stdout=output.open("wb")) for output in outputs]
    while not all(b"begun" in output.read_bytes() for output in outputs):
        check(all(child.poll() is None for child in children), "a client has ended")
    before = family.members()
    family.tell(signal.SIGUSR2)
    check(all(child.wait(60) == 0 for child in children), [output.read_text() for output in outputs])
    family.await_end_of(before, expected=1)
    return f"{len(children)} clients, {aioquic(world, family.port, 'files', folder)} from the successor"


@case(PROGRAM, "python")
def aioquic_posts_to_a_router_and_gets_it_back(world):
    return aioquic(world, axum(world), "upload", host="localhost")
