"""Chromium and Firefox over HTTP/3 against `sakigake serve`."""

import json
import subprocess
import time

from browser_cases import chromium, firefox_profile, net_errors
from http3_capture import frame_comes
from peers import HOST, ROOT, SITE, site_files
from suite import CLIENT, FORCED, PASSED_OVER, Shown, case, check, check_in, shown

BIDI = ROOT / "tests/interop/firefox_bidi.py"
VISITS = 8
# Of a page whose 103 may come too late for the browser to be first.
LOADS = 4
DRIVER_SECONDS = 100
# Firefox does without HTTP/3 where somebody added an authority to its own, as a proxy may have; here it was we.
WITH_OUR_CA = {"network.http.http3.disable_when_third_party_roots_found": False}


@case("chromium", "openssl", seconds=150, peer="Chromium", side=CLIENT)
def chromium_loads_the_page_over_http3_and_passes_over_what_it_does_not_know(world):
    server, mark, log = world.server, world.server.mark(), world.scratch / "net-log-h3.json"
    force = ["--enable-quic", f"--origin-to-force-quic-on={HOST}:{server.port}"]
    chromium(world, *force, f"--log-net-log={log}", "--net-log-capture-mode=Everything", "--dump-dom")
    loaded = loaded_over_http3(server, mark)
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
    version = world.run("chromium", "--version", "--no-sandbox").stdout.split()[1]
    frame = f"sent, passed over: its net log names frame 240 on stream {unknown[0].get('stream_id')}"
    return Shown(f"{len(loaded)} files", FORCED, chromium_loads_early(world), frame, version)


def chromium_loads_early(world):
    """A sheet that the page itself does not name. The 103 has it loaded; the Link field of the response then has it asked whether that is
    still good, as our `cache-control: no-cache` wants it. Where both are turned off, nobody asks for it."""
    site, hints = world.folder("early-h3"), world.scratch / "early-h3.hints"
    (site / "index.html").write_text("<!doctype html><title>early</title>")
    (site / "unnamed.css").write_text("p { color: black }")
    hints.write_text("</unnamed.css>; rel=preload; as=style\n")
    for options, statuses in (([], [200, 304]), (["--no-early-hints"], [])):
        server = world.serve(site, "--hints", hints, *options)
        asked = []
        for _ in range(LOADS):
            mark = server.mark()
            chromium(world, "--enable-quic", f"--origin-to-force-quic-on={HOST}:{server.port}", "--dump-dom", server=server)
            asked.append([entry["status"] for entry in server.requests(mark) if entry["path"] == "/unnamed.css"])
            if asked[-1] == statuses:
                break
        check(asked[-1] == statuses, f"with {options} the sheet was answered with {asked}")
    return "a file loaded by it"


@case("firefox-esr", "certutil", "tshark", "python", seconds=200, peer="Firefox", side=CLIENT)
def firefox_finds_http3_by_alt_svc_and_loads_early_what_a_103_names(world):
    """The first visit is over HTTP/2, which brings Alt-Svc; nothing but that says where HTTP/3 is."""
    keys = world.scratch / "firefox-server.keys"
    server = world.serve(SITE, "--keylog", keys)
    visits = frame_comes(world, server, keys, lambda: firefox(world, server))
    first, last = visits[0], visits[-1]
    check(first["document"]["protocol"] == "h2", f"the first visit: {first['document']}")
    check(last["document"]["protocol"] == "h3", f"none of {len(visits)} visits was over HTTP/3: {last['document']}")
    documents = [entry for entry in server.requests() if entry["path"].startswith("/?visit=")]
    protocols = [(entry["protocol"], entry["status"]) for entry in documents]
    check(protocols[0] == ("h2", 200) and protocols[-1] == ("h3", 200), f"the server's log: {protocols}")
    check((SITE / "index.html").stat().st_size == last["document"]["bytes"], f"the document: {last['document']}")
    files = {entry["name"].removeprefix(server.url): entry for entry in last["files"]}
    missing = [path for path in site_files() if files.get(path, {}).get("protocol") != "h3"]
    check(not missing, f"not loaded over HTTP/3: {missing}")
    wrong = [path for path in site_files() if files[path]["bytes"] not in (0, (SITE / path[1:]).stat().st_size)]
    check(not wrong, f"of other lengths: {[files[path] for path in wrong]}")
    early = [path for path, entry in files.items() if entry["initiator"] == "early-hints"]
    check(early, f"nothing was loaded early: {shown(repr(files))}")
    check(documents[-1]["early_hints"] > 0, f"the server's log: {documents[-1]}")
    how = f"by Alt-Svc over HTTP/2, at visit {len(visits)}"
    return Shown(f"{len(site_files()) + 1} files", how, f"{len(early)} files loaded by it", PASSED_OVER, last["version"])


def loaded_over_http3(server, mark):
    """The paths that the server answered over HTTP/3 since then: the whole site to the last byte, or the case fails."""
    sizes = {"/": (SITE / "index.html").stat().st_size, **{path: (SITE / path[1:]).stat().st_size for path in site_files()}}
    loaded = {
        entry["path"]: entry["bytes"] for entry in server.requests(mark)
        if entry["protocol"] == "h3" and entry["status"] == 200 and entry["whole"]
    }
    wrong = {path: loaded.get(path) for path, size in sizes.items() if loaded.get(path) != size}
    check(not wrong, f"not loaded whole over HTTP/3: {wrong}")
    return loaded


def firefox(world, server):
    """Visits of a new profile that trusts our CA, as the browser tells of them."""
    profile = firefox_profile(world, WITH_OUR_CA)
    words = ["firefox-esr", "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
    environment = {"HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
    said = world.scratch / f"{profile.name}.out"
    with open(said, "wb") as out:
        child = world.start(*words, session=True, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
    port = bidi_port(child, profile / "WebDriverBiDiServer.json", said)
    driven = world.run("python", BIDI, port, server.url, VISITS, seconds=DRIVER_SECONDS).stdout
    return [json.loads(line) for line in driven.splitlines()]


def bidi_port(child, file, said, seconds=60):
    """Where it listens: it says so in its profile."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return json.loads(file.read_text())["ws_port"]
        except (FileNotFoundError, json.JSONDecodeError):
            check(child.poll() is None, f"firefox ended: {shown(said.read_text(errors='replace'))}")
            check(time.monotonic() < deadline, "firefox does not listen")
            time.sleep(0.1)
