"""HTTP/3 clients of others against `sakigake serve`."""

import json
import signal

from axum_cases import PROGRAM, axum
from browser_cases import chromium, net_errors
from handover_cases import Family
from peers import HOST, ROOT, SITE, site_files
from suite import case, check, check_in

CLIENT = ROOT / "tests/interop/aioquic_h3.py"
RULES = ROOT / "tests/interop/aioquic_h3_rules.py"
BIG_BYTES = 20 << 20


def aioquic(world, port, scenario, *more, host=HOST):
    return world.run("python", CLIENT, world.ca, host, port, scenario, *more, seconds=90).stdout.strip()


def big(world):
    folder = world.folder("big")
    (folder / "big.bin").write_bytes(bytes(range(256)) * (BIG_BYTES // 256))
    return folder


@case("gtlsclient")
def ngtcp2_reads_the_page_over_http3(world):
    server, mark, saved = world.server, world.server.mark(), world.folder("gtlsclient")
    urls = [f"{server.url}{path}" for path in ("/index.html", *site_files())]
    words = ["-q", "--exit-on-all-streams-close", f"--download={saved}", f"--sni={HOST}"]
    world.run("gtlsclient", *words, "127.0.0.1", server.port, *urls)
    for path in ("/index.html", *site_files()):
        check((saved / path.rsplit("/", 1)[1]).read_bytes() == (SITE / path[1:]).read_bytes(), f"{path} differs")
    protocols = {entry["protocol"] for entry in server.requests(mark)}
    check(protocols == {"h3"}, protocols)


@case("python")
def aioquic_reads_every_file_of_the_site_ten_times_at_once(world):
    return aioquic(world, world.server.port, "files", SITE)


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
        child = world.start(world.program("python"), CLIENT, world.ca, HOST, server.port, "drain", folder, stdout=out)
        while b"begun" not in said.read_bytes():
            check(child.poll() is None, "the client has ended")
        server.child.send_signal(signal.SIGTERM)
        check(child.wait(60) == 0 and server.child.wait(20) == 0, said.read_text())
    return said.read_text().splitlines()[-1]


@case("python")
def a_client_that_breaks_a_rule_of_http3_hears_which(world):
    return world.run("python", RULES, world.ca, HOST, world.server.port, "rules", seconds=90).stdout.strip()


@case("python")
def requests_over_http3_that_are_given_up_by_the_thousand_end_the_connection(world):
    return world.run("python", RULES, world.ca, HOST, world.server.port, "resets", seconds=90).stdout.strip()


@case("python")
def a_succession_ends_no_connection_over_http3_before_its_responses(world):
    folder = big(world)
    family = Family(world, lambda port, _: ("serve", folder, "--listen", f"127.0.0.1:{port}", "--log", "off"))
    outputs = [world.scratch / f"succession-{number}.out" for number in range(4)]
    words = [world.program("python"), CLIENT, world.ca, HOST, family.port, "drain", folder]
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


@case("chromium", "openssl", seconds=150)
def chromium_loads_the_page_over_http3_and_passes_over_what_it_does_not_know(world):
    server, mark, log = world.server, world.server.mark(), world.scratch / "net-log-h3.json"
    force = ["--enable-quic", f"--origin-to-force-quic-on={HOST}:{server.port}"]
    chromium(world, *force, f"--log-net-log={log}", "--net-log-capture-mode=Everything", "--dump-dom")
    loaded = {entry["path"] for entry in server.requests(mark) if entry["protocol"] == "h3"}
    missing = set(site_files()) | {"/"}
    check(missing <= loaded, f"not loaded over HTTP/3: {sorted(missing - loaded)}")
    check(not (errors := net_errors(log, f"https://{HOST}:{server.port}/")), f"the net log shows {errors}")
    text = log.read_text(errors="replace")
    net = json.loads(text if text.rstrip().endswith("}") else text.rstrip().rstrip(",") + "]}")
    kinds = {code: name for name, code in net["constants"]["logEventTypes"].items()}
    unknown = [
        entry["params"] for entry in net["events"]
        if kinds.get(entry["type"]) == "HTTP3_UNKNOWN_FRAME_RECEIVED"
    ]
    check_in("240", json.dumps([entry.get("frame_type") for entry in unknown]), "the unknown frames")
    check_in(":status: 103", text, "the net log")
    return f"{len(loaded)} files, frame 240 on stream {unknown[0].get('stream_id')}"
