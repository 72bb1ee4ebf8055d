"""Chromium and Firefox against `sakigake serve`."""

import base64
import hashlib
import json
import re
import subprocess

from peers import HOST, site_files
from suite import Failed, case, check, check_in

# Of a page whose 103 comes in time for the browser in about every second one.
LOADS = 12


@case("chromium", "openssl", seconds=150)
def chromium_loads_the_page_and_all_that_it_names_over_http2(world):
    server, mark, log = world.server, world.server.mark(), world.scratch / "net-log.json"
    shot = world.scratch / "page.png"
    # It takes our CA over QUIC only where that is forced; without the option it would try, and say so in its log.
    logging = [f"--log-net-log={log}", "--net-log-capture-mode=Everything", "--disable-quic"]
    chromium(world, *logging, f"--screenshot={shot}", "--window-size=1200,1600")
    check(shot.exists() and shot.read_bytes().startswith(b"\x89PNG"), "there is no screenshot")
    check(shot.stat().st_size > 20_000, f"the screenshot has {shot.stat().st_size} bytes: it is empty")
    entries = [entry for entry in server.requests(mark) if entry["status"] in (200, 304)]
    loaded = {entry["path"] for entry in entries if entry["protocol"].lower() in ("h2", "http/2", "http/2.0")}
    missing = set(site_files()) | {"/"}
    missing -= loaded
    check(not missing, f"not loaded over HTTP/2: {sorted(missing)}")
    errors = net_errors(log, f"https://{HOST}:{server.port}/")
    check(not errors, f"the net log shows {errors}")


@case("chromium", "openssl", seconds=150)
def chromium_builds_the_page_and_runs_its_scripts(world):
    dom = chromium(world, "--dump-dom", "--virtual-time-budget=3000").stdout
    check_in("The server<br>speaks first", dom, "the document")
    check(dom.count("<figure") == 5, f"{dom.count('<figure')} figures")
    # The page's own script writes this after it asked the browser how its files came.
    counted = re.search(r"Served by Sakigake over (\S+): (\d+) files", dom)
    check(counted, f"the page's script did not run: {dom[-300:]}")
    check(counted[1] == "h2" and int(counted[2]) >= len(site_files()), counted[0])
    return counted[0]


@case("chromium", "openssl", seconds=150)
def chromium_loads_early_what_a_103_names(world):
    """What a 103 names goes into its cache; the page's own element then asks whether that is still good, as our
    `cache-control: no-cache` wants it. Where the page comes close behind the 103, as it does here, its element may be
    first, and then nobody asks twice: one load of several has to show it."""
    site = world.folder("early")
    (site / "index.html").write_text('<!doctype html><title>early</title><link rel="stylesheet" href="page.css">')
    (site / "page.css").write_text("p { color: black }")
    early, plain = world.serve(site), world.serve(site, "--no-early-hints")
    for load in range(1, LOADS + 1):
        for server, possible in ((plain, ([200],)), (early, ([200], [200, 304]))):
            since = server.mark()
            chromium(world, "--dump-dom", server=server)
            asked = [entry["status"] for entry in server.requests(since) if entry["path"] == "/page.css"]
            check(asked in possible, f"the sheet was answered with {asked}")
            if asked == [200, 304]:
                return f"in load {load}"
    raise Failed(f"no load of {LOADS} asked for the sheet ahead of the page")


def chromium(world, *options, server=None):
    """A headless run that may trust our CA and may ask nobody but our server."""
    server = server or world.server
    profile = world.scratch / f"chromium-{len(list(world.scratch.glob('chromium-*')))}"
    words = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        "--disable-dev-shm-usage", "--hide-scrollbars", "--timeout=15000",
        f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP * ~NOTFOUND",
        f"--ignore-certificate-errors-spki-list={','.join(spki_hashes(world, server))}",
        f"--user-data-dir={profile}", *options, f"{server.url}/",
    ]
    out, said = (open(world.scratch / f"{profile.name}.{end}", "w+b") for end in ("out", "err"))
    child = world.start(*words, session=True, stdin=subprocess.DEVNULL, stdout=out, stderr=said)
    try:
        child.wait(timeout=90)
        out.seek(0)
        child_output = out.read().decode(errors="replace")
        said.seek(0)
        check(child.returncode == 0, f"chromium ended with {child.returncode}: {said.read()[-600:]!r}")
        return subprocess.CompletedProcess(words, 0, child_output, "")
    finally:
        out.close()
        said.close()


@case("firefox-esr", "certutil", seconds=150)
def firefox_loads_the_page_and_all_that_it_names_over_http2(world):
    server, mark, shot = world.server, world.server.mark(), world.scratch / "firefox.png"
    profile = firefox_profile(world)
    words = [
        "firefox-esr", "--headless", "--no-remote", "--profile", profile, "--window-size", "1200,1600",
        "--screenshot", shot, f"{server.url}/",
    ]
    with open(world.scratch / "firefox.out", "w+b") as said:
        environment = {"HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
        child = world.start(
            *words, session=True, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment
        )
        child.wait(timeout=100)
        said.seek(0)
        check(child.returncode == 0, f"firefox ended with {child.returncode}: {said.read()[-600:]!r}")
    check(shot.exists() and shot.stat().st_size > 20_000, "there is no screenshot, or an empty one")
    loaded = {
        entry["path"] for entry in server.requests(mark)
        if entry["status"] in (200, 304) and entry["protocol"].lower() in ("h2", "http/2", "http/2.0")
    }
    missing = (set(site_files()) | {"/"}) - loaded
    check(not missing, f"not loaded over HTTP/2: {sorted(missing)}")


def firefox_profile(world, more=None):
    """A profile that trusts our CA, finds every name on loopback and asks nobody else."""
    profile = world.folder(f"firefox-{len(list(world.scratch.glob('firefox-*')))}")
    world.run("certutil", "-N", "-d", f"sql:{profile}", "--empty-password")
    world.run("certutil", "-A", "-d", f"sql:{profile}", "-n", "saki", "-t", "C,,", "-i", world.ca)
    preferences = {
        "network.dns.forceResolve": "127.0.0.1",
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "app.normandy.enabled": False,
        "extensions.update.enabled": False,
        "browser.safebrowsing.malware.enabled": False,
        "browser.safebrowsing.phishing.enabled": False,
        "browser.shell.checkDefaultBrowser": False,
        "security.OCSP.enabled": 0,
        "toolkit.telemetry.enabled": False,
        **(more or {}),
    }
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items())
    (profile / "user.js").write_text("".join(lines))
    return profile


def spki_hashes(world, server):
    """SHA-256 of the public keys of the CA and of the leaf that is shown now."""
    address = f"127.0.0.1:{server.port}"
    shown = world.run("openssl", "s_client", "-connect", address, "-servername", HOST, stdin="").stdout
    leaf = re.search(r"-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n", shown)[0]
    for certificate in (leaf, world.ca.read_text()):
        key = world.run("openssl", "x509", "-noout", "-pubkey", stdin=certificate).stdout
        der = world.run("openssl", "pkey", "-pubin", "-outform", "der", stdin=key, text=False).stdout
        yield base64.b64encode(hashlib.sha256(der).digest()).decode()


def net_errors(path, origin):
    """Errors of requests for our origin and of our HTTP/2 sessions, by name."""
    text = path.read_text(errors="replace")
    try:
        log = json.loads(text)
    except json.JSONDecodeError:  # A browser that ended early left the list of events open.
        log = json.loads(text.rstrip().rstrip(",") + "]}")
    names = {number: name for name, number in log["constants"]["netError"].items()}
    kinds = {number: name for name, number in log["constants"]["logEventTypes"].items()}
    ours, errors = set(), []
    for event in log["events"]:
        kind, params = kinds[event["type"]], event.get("params", {})
        source = event["source"]["id"]
        if params.get("url", "").startswith(origin) or params.get("host", "").startswith(HOST):
            ours.add(source)
        error = params.get("net_error", 0)
        # What ends with the browser (ABORTED) or waits (IO_PENDING) is no fault of anybody.
        if source in ours and error and names.get(error) not in ("ERR_ABORTED", "ERR_IO_PENDING", "ABORTED"):
            errors.append(f"{kind}: {names.get(error, error)}")
        if kind in ("HTTP2_SESSION_RECV_INVALID_HEADER", "HTTP2_STREAM_ERROR"):
            errors.append(f"{kind}: {params}")
    check(ours, f"the net log has no request for {origin}")
    return errors
