"""What hints cost in instructions: pages over HTTP/3, over a link of 50 ms and 20 Mbit/s, of a client and of a server under callgrind.

What both do before and beside a page (random numbers' seeds, keys, options) is left out: what runs in these functions is counted.
"""

import re
import shlex
import statistics

from flight_cases import BEGINNINGS, COLD, HINTS, LINK, RESUMED
from link_cases import depth_two_site, fetch_line, over_link
from suite import case, check

CLIENT, SERVER = "sakigake::on_this_thread*", "sakigake::server::worker::work"
# A client is a process a load, a server one for several.
CLIENTS, LOADS = 3, 7
# Instructions of a page with hints, by those of one without, at most.
RATIO = 1.05
BEGUN = (COLD, RESUMED)


@case("ip", "valgrind", "openssl", seconds=400)
def hints_cost_a_client_hardly_any_instructions(world):
    site, lines, logs = depth_two_site(world), [], {}
    for begin in BEGUN:
        for hints in HINTS:
            data = f"XDG_DATA_HOME={world.folder(f'counts-{begin}-{hints}')} "
            line = fetch_line(world, "--http3-only", *HINTS[hints], *BEGINNINGS[begin], ca=world.authority.ca)
            logs[begin, hints] = [world.scratch / f"counts-{begin}-{hints}.{number}" for number in range(CLIENTS)]
            lines += [f"{data}{line} > /dev/null"] * (begin == RESUMED)
            lines += [f"{data}{shlex.join(counted(CLIENT, log))} {line} > /dev/null" for log in logs[begin, hints]]
    over_link(world, LINK, serving(world, site), script(lines), seconds=380)
    counts = {cell: statistics.median(map(collected, several)) for cell, several in logs.items()}
    return hold(counts)


@case("ip", "valgrind", "openssl", seconds=400)
def hints_cost_a_server_hardly_any_instructions(world):
    site, counts = depth_two_site(world), {}
    for begin in BEGUN:
        for hints in HINTS:
            log = world.scratch / f"counts-server-{begin}-{hints}"
            data = f"XDG_DATA_HOME={world.folder(f'counts-of-{begin}-{hints}')} "
            line = fetch_line(world, "--http3-only", *HINTS[hints], *BEGINNINGS[begin], ca=world.authority.ca)
            server = [*counted(SERVER, log), *serving(world, site)]
            over_link(world, LINK, server, script([f"{data}{line} > /dev/null"] * LOADS), seconds=100)
            counts[begin, hints] = collected(log) / LOADS
    return hold(counts)


def hold(counts):
    ratios = {(begin, hints): count / counts[begin, "none"] for (begin, hints), count in counts.items()}
    said = ", ".join(f"{' '.join(cell)} {counts[cell] / 1e6:.2f} million ({ratio:.3f})" for cell, ratio in ratios.items())
    check(all(ratio <= RATIO for ratio in ratios.values()), said)
    return said


def serving(world, site):
    """A server that makes no keys as it begins, which takes long under callgrind."""
    leaf, key = world.authority.ecdsa
    shown = ["--cert", leaf, "--key", key]
    return [world.program("sakigake"), "serve", site, "--listen", "10.77.0.1:8443", "--log", "off", *shown]


def counted(function, log):
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]
    return [*words, f"--toggle-collect={function}", f"--log-file={log}"]


def collected(log):
    told = log.read_text()
    found = re.search(r"Collected : (\d+)", told)
    check(found, f"it did not end as it was told to: {told[-600:]}")
    check(int(found[1]) > 0, "nothing was counted: no function has the name that callgrind looks for")
    return int(found[1])


def script(lines):
    return ["bash", "-c", "\n".join(f"{line} || exit 1" for line in lines)]
