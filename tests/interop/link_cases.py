"""Real sockets over an emulated link of 50 ms: the round trip that the frame saves."""

import os
import pathlib
import re
import statistics
import subprocess

from peers import HOST, ROOT, SITE, TARGET
from suite import Failed, Skipped, case, check

RTT_MS = 50
PAIRS = 5
# What a load may take beside its round trips and what it takes over a link without delay.
SLACK_MS = 20


@case("ip", seconds=240)
def over_a_50_ms_link_the_frame_saves_one_round_trip_of_four(world):
    """A document and what it names, under 8 KB: four round trips, or three."""
    return saves_one_of(world, 4, "--http2")


@case("ip", seconds=240)
def over_a_50_ms_link_the_frame_saves_one_round_trip_of_three_over_http3(world):
    """The same over HTTP/3: three round trips, or two."""
    return saves_one_of(world, 3, "--http3-only")


def saves_one_of(world, most, version):
    site = depth_two_site(world)
    with_hints, without = medians(world, site, version)
    computing = max(medians(world, site, version, rtt_ms=0))
    saved = without - with_hints
    said = f"{with_hints:.0f} ms with hints, {without:.0f} ms without, {computing:.0f} ms without the link's delay"
    check(40 <= saved <= 60, f"{said}: {saved:.1f} ms saved")
    for trips, took in ((most - 1, with_hints), (most, without)):
        check(trips * RTT_MS <= took <= trips * RTT_MS + computing + SLACK_MS, said)
    return said


@case("ip", seconds=240)
def over_a_50_ms_link_the_example_site_comes_a_round_trip_sooner(world):
    """It is deeper: one sheet imports another, which names a picture."""
    with_hints, without = medians(world, SITE, "--http2")
    said = f"{with_hints:.0f} ms with hints, {without:.0f} ms without"
    check(without - with_hints >= 40, said)
    return said


@case("ip", seconds=240)
def a_lossy_and_slow_link_carries_the_page_whole(world):
    link = ["--delay", "10ms", "--jitter", "2ms", "--rate", "20mbit", "--queue", "25", "--loss", "2%"]
    for seed in (1, 2, 3):
        run_link(world, SITE, [*link, "--seed", seed], "sh", "-c", f"{fetch_line(world)} > /dev/null")


@case("ip", "curl", seconds=120)
def over_a_50_ms_link_no_fixed_window_holds_a_large_file_back(world):
    """8 MiB: about ten round trips of slow start, but 128 of them (6.4 s) with a window of 64 KiB that never grows. The
    best of three, since a busy machine makes any of them slow."""
    folder, target = world.folder("over-link"), world.scratch / "over-link.got"
    large = os.urandom(1 << 20) * 8
    (folder / "large.bin").write_bytes(large)
    url = f"https://{HOST}:8443/large.bin"
    where = ["--cacert", world.ca, "--resolve", f"{HOST}:8443:10.77.0.1", "-o", target]
    said = []
    for client in ([world.program("sakigake"), "fetch", url], [world.program("curl"), "-sS", url]):
        best = min(seconds_of_load(world, folder, target, large, *client, *where) for _ in range(3))
        said.append(f"{pathlib.Path(client[0]).name} {best:.2f} s")
        check(best < 2.5, said[-1])
    return ", ".join(said)


def seconds_of_load(world, folder, target, expected, *client):
    target.unlink(missing_ok=True)
    timed = ["bash", "-c", 'start=${EPOCHREALTIME/./}; "$@" >&2 || exit; echo $((${EPOCHREALTIME/./} - start))', "-"]
    done = run_link(world, folder, ["--delay", f"{RTT_MS / 2}ms", "--queue", 10000], *timed, *client)
    check(target.read_bytes() == expected, "the file differs")
    return int(done.stdout) / 1e6


def medians(world, site, version, rtt_ms=RTT_MS):
    """Milliseconds of a load with hints and without, as the waterfalls tell: from the first packet to the last byte.
    Medians of interleaved pairs, after one that is not counted."""
    lines = (fetch_line(world, version), fetch_line(world, version, "--no-preload", "--no-early-hints"))
    script = "\n".join(f"{line} || exit 1" for _ in range(PAIRS + 1) for line in lines)
    done = run_link(world, site, ["--delay", f"{rtt_ms / 2}ms"], "bash", "-c", script)
    heads = re.findall(rf"^https://{HOST}:8443/ +([0-9.]+) (ms|s)$", done.stdout, re.M)
    check(len(heads) == 2 * (PAIRS + 1), f"not all loads were timed: {done.stdout[:400]}")
    told = [float(number) * (1000 if unit == "s" else 1) for number, unit in heads]
    times = [told[0::2], told[1::2]]
    return [statistics.median(each[1:]) for each in times]


def fetch_line(world, *options, ca=None):
    program = world.program("sakigake")
    words = [program, "fetch", f"https://{HOST}:8443/", "--cacert", ca or world.ca]
    return " ".join(map(str, [*words, "--resolve", f"{HOST}:8443:10.77.0.1", *options]))


def run_link(world, site, options, *client, serve=()):
    server = [world.program("sakigake"), "serve", site, "--listen", "10.77.0.1:8443", *serve]
    return over_link(world, options, server, client)


def over_link(world, options, server, client, seconds=90):
    """Runs a client in the link's one namespace while a server listens on port 8443 of 10.77.0.1 in the other."""
    words = [link_program(), *options, "--ready", 8443, "--", *server, "::", *client]
    done = world.run(*words, seconds=seconds, status=None)
    if done.returncode == 77:
        raise Skipped(done.stdout.strip().removeprefix("skipped: "))
    if done.returncode:
        raise Failed(f"the link ended with {done.returncode}: {done.stderr[-600:]}")
    return done


def link_program():
    """Built here, since it is for development alone and not among what `cargo build` builds."""
    cargo = os.environ.get("CARGO", "cargo")
    build = [cargo, "build", "--release", "--locked", "--quiet", "--package", "sakigake-link"]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=200)
    if done.returncode:
        raise Failed(f"the link is not built: {done.stderr[-600:]}")
    return pathlib.Path(TARGET / "release/sakigake-link")


def depth_two_site(world, times=10):
    """A document and nine files, each of a line so many times."""
    folder = world.folder(f"depth-two-{times}")
    names = [f"{kind}-{index}.{kind}" for kind in ("css", "js", "svg") for index in range(3)]
    lines = {
        "css": '<link rel="stylesheet" href="{}">',
        "js": '<script src="{}" defer></script>',
        "svg": '<img src="{}" alt="">',
    }
    fill = {"css": "b{color:#123}\n", "js": "// nothing\n", "svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n'}
    body = "\n".join(lines[name.rsplit(".", 1)[1]].format(name) for name in names)
    (folder / "index.html").write_text(f"<!doctype html><title>Depth two</title>\n{body}\n")
    for name in names:
        (folder / name).write_text(fill[name.rsplit(".", 1)[1]] * times)
    return folder
