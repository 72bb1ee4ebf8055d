"""What `sakigake gateway` saves a browser: Chromium before it, and an origin that thinks behind a link of 50 ms.

SAKIGAKE_GATEWAY_PAIRS (5) says how many pairs of loads each median is of.
"""

import base64
import hashlib
import json
import os
import pathlib
import statistics
import sys

from link_cases import RTT_MS, depth_two_site, over_link
from peers import HOST, ROOT, SITE, debian_version
from suite import GATEWAY, Shown, case, check, check_in

PAIRS = int(os.environ.get("SAKIGAKE_GATEWAY_PAIRS", "5"))
THINK_MS = 200
# How much sooner the page has to be complete.
SAVED_MS = 45
ORIGIN = "sakigake-example-thinking"
LISTEN = "127.0.0.1:9443"


@case("ip", "chromium", "openssl", "setpriv", ORIGIN, seconds=60 + PAIRS * 10, peer="Chromium", side=GATEWAY)
def through_the_gateway_a_page_of_depth_two_is_complete_a_round_trip_sooner(world):
    return row(world, "a page of depth two", is_sooner(world, depth_two_site(world)))


@case("ip", "chromium", "openssl", "setpriv", ORIGIN, seconds=60 + PAIRS * 10, peer="Chromium", side=GATEWAY)
def through_the_gateway_the_example_site_is_complete_two_round_trips_sooner(world):
    """It is deeper: one sheet imports another, which names a picture."""
    return row(world, "the example site", is_sooner(world, SITE, SAVED_MS + RTT_MS))


def row(world, page, said):
    version = debian_version(world, "chromium")
    said = f"{page}: {said}"
    return Shown(said, "not used here: HTTP/2 on both sides", "the gateway's, before the origin answers", "used by the gateway", version)


def is_sooner(world, site, least_ms=SAVED_MS):
    loads = loads_of(world, site)
    files = len([path for path in pathlib.Path(site).rglob("*") if path.is_file() and path.name != "index.html"])
    for load in loads:
        check(load["status"] == 200 and load["files"] >= files, f"not a whole page: {load}")
        told = 1 if load["arm"] == "frame" else 0
        check_in("1 navigation told early" if told else "0 navigations told early", load["gateway"], "what the gateway said")
    of = {arm: [load["complete_ms"] for load in loads if load["arm"] == arm and load["counted"]] for arm in ("frame", "ignored")}
    saved = sorted(slow - fast for fast, slow in zip(of["frame"], of["ignored"], strict=True))
    check(len(saved) == PAIRS, f"{len(saved)} pairs")
    median = statistics.median(saved)
    said = (
        f"{statistics.median(of['frame']):.0f} ms with the frame, {statistics.median(of['ignored']):.0f} ms without: "
        f"{median:.1f} ms saved, median of {PAIRS} ({saved[0]:.1f} to {saved[-1]:.1f})"
    )
    check(median >= least_ms, f"{said}; {loads}")
    return said


def loads_of(world, site):
    """Pairs of loads through gateways before an origin that thinks."""
    leaf, key = world.authority.ecdsa
    origin = f"https://{HOST}:8443"
    profile = world.folder("chromium-gateway")
    words = [world.program("sakigake"), "gateway", "--to", origin, "--resolve", f"{HOST}:8443:10.77.0.1", "--cacert", world.ca]
    setup = {
        "pairs": PAIRS,
        "url": f"https://{HOST}:{LISTEN.rpartition(':')[2]}/",
        "listen": LISTEN,
        "gateway": [*map(str, words), "--cert", str(leaf), "--key", str(key), "--log", "off"],
        "chromium": [
            world.program("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-quic",
            f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP * ~NOTFOUND",
            f"--ignore-certificate-errors-spki-list={spki_hash(world, leaf)}", f"--user-data-dir={profile}",
        ],
        "log": str(world.scratch / "chromium-gateway.log"),
    }
    server = [world.program(ORIGIN), site, "10.77.0.1:8443", THINK_MS]
    client = [sys.executable, ROOT / "tests/interop/gateway_pairs.py", json.dumps(setup)]
    done = over_link(world, ["--delay", f"{RTT_MS / 2}ms"], server, client, seconds=50 + PAIRS * 10)
    return [json.loads(line) for line in done.stdout.splitlines()]


def spki_hash(world, leaf):
    """SHA-256 of a certificate's public key."""
    key = world.run("openssl", "x509", "-noout", "-pubkey", "-in", leaf).stdout
    der = world.run("openssl", "pkey", "-pubin", "-outform", "der", stdin=key, text=False).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()
