"""Loads that go on while the server is reloaded, succeeded by a new process, and shut down: `serve`, then `run`.

SAKIGAKE_HANDOVER_SECONDS (10) is how long they last in all for each of the two. Over HTTP/2 h2load does not open connections anew, so that a
burst by time (-D) ends with them. Over HTTP/1.1 it does, and one that it opens while the time ends goes on for ever (1.52):
there bursts are by number (-n) and follow each other, but for the last one, after which nobody listens.
"""

import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import time

from peers import HOST, SITE, await_port, free_port
from suite import Failed, case, check, shown

SECONDS = int(os.environ.get("SAKIGAKE_HANDOVER_SECONDS", "10"))
BURST_SECONDS = 2
BY_TIME = ("-D", BURST_SECONDS)
BY_NUMBER = ("-n", "2000")


@case("h2load", seconds=SECONDS * 2 + 60)
def h2load_loses_nothing_to_reloads_successions_and_a_shutdown_of_serve(world):
    return loses_nothing(Family(world, lambda port, _: ("serve", SITE, "--listen", f"127.0.0.1:{port}", "--log", "off")))


@case("h2load", seconds=SECONDS * 2 + 60)
def h2load_loses_nothing_to_reloads_successions_and_a_shutdown_of_run(world):
    def command(port, folder):
        file = folder / "sakigake.toml"
        file.write_text(
            f'listen = "127.0.0.1:{port}"\n[log]\naccess = "off"\n[hosts."{HOST}"]\nfolder = "{SITE}"\n'
        )
        return "run", file

    return loses_nothing(Family(world, command))


def loses_nothing(family):
    world, rounds = family.world, max(SECONDS // BURST_SECONDS, 2)
    over_h2 = over_http1 = 0
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for number in range(1, rounds + 1):
            is_last = number == rounds
            load = bursts if not is_last else burst
            http1 = pool.submit(load, world, family.port, "--h1", *(BY_TIME if is_last else BY_NUMBER))
            http2 = pool.submit(burst, world, family.port, "-m", "10", *BY_TIME)
            time.sleep(BURST_SECONDS * 0.3)
            family.tell(signal.SIGHUP)
            time.sleep(BURST_SECONDS * 0.2)
            before = family.members()
            family.tell(signal.SIGTERM if is_last else signal.SIGUSR2)
            over_h2, over_http1 = over_h2 + http2.result(), over_http1 + http1.result()
            family.await_end_of(before, expected=0 if is_last else 1)
    return (
        f"{over_h2} over HTTP/2, {over_http1} over HTTP/1.1; "
        f"{rounds} reloads, {rounds - 1} successions, 1 shutdown"
    )


class Family:
    """A server and those who succeed it: the processes of one group."""

    def __init__(self, world, command):
        folder = world.folder("handover")
        self.world, self.port, self.output = world, free_port(), folder / "log"
        with open(self.output, "wb") as output:
            self.first = world.start(
                "sakigake", *command(self.port, folder),
                session=True, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )
        await_port(self.port, self.first, self.output)

    def members(self):
        """The ids of those who live."""
        self.first.poll()  # Who ended is no longer in the table then.
        members = set()
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group = path.read_text().rpartition(")")[2].split()[:3]
            except (FileNotFoundError, ProcessLookupError):
                continue  # It ended meanwhile.
            if int(group) == self.first.pid and state not in "ZX":
                members.add(int(path.parent.name))
        return members

    def tell(self, number):
        members = self.members()
        check(len(members) == 1, f"{len(members)} processes serve: {self.said()}")
        os.kill(*members, number)

    def await_end_of(self, before, expected, seconds=15):
        """Until those of `before` are gone, and as many as expected are there in their place."""
        deadline = time.monotonic() + seconds
        while (now := self.members()) & before or len(now) != expected:
            if time.monotonic() > deadline:
                raise Failed(f"{sorted(before)} should end, {sorted(now)} live: {self.said()}")
            time.sleep(0.05)

    def said(self):
        return shown(self.output.read_text(errors="replace"))


def bursts(world, port, *options):
    """Bursts that follow each other for as long as one by time lasts; how many requests were answered."""
    deadline, done = time.monotonic() + BURST_SECONDS, 0
    while time.monotonic() < deadline:
        done += burst(world, port, *options)
    return done


def burst(world, port, *options):
    """How many requests were answered; all have to be."""
    address = f"https://{HOST}:{port}/css/page.css"
    load = ["-t", "1", "-c", "20", *options, f"--connect-to=127.0.0.1:{port}"]
    said = world.run("h2load", *load, address, seconds=BURST_SECONDS + 20).stdout
    counts = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, .*", said)
    check(counts, f"h2load {options}: {shown(said)}")
    done, succeeded = int(counts[3]), int(counts[4])
    is_good = ", 0 failed, 0 errored, 0 timeout" in counts[0] and done == succeeded > 0
    check(is_good, f"h2load {options}: {counts[0]}")
    return succeeded
