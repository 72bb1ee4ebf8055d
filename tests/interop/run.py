#!/usr/bin/env python3
"""Other people's clients against our server, our client against other people's servers.

    tests/interop/run.py                          runs all cases but those that are built apart
    tests/interop/run.py NAME...                  runs those whose names contain a NAME
    tests/interop/run.py --rows FILE [NAME...]    runs those that are rows of a table, and writes the rows

Needs `cargo build --release` and what packages.sh installs; a case that lacks its peer says so and is skipped, which is
a failure under SAKIGAKE_REQUIRE=all. Nothing leaves this machine: servers listen on loopback or in network namespaces.
"""

import pathlib
import signal
import sys

sys.dont_write_bytecode = True

import axum_cases  # noqa: F401, E402  (importing registers the cases)
import browser_cases  # noqa: F401, E402
import capture_cases  # noqa: F401, E402
import client_cases  # noqa: F401, E402
import fetch_cases  # noqa: F401, E402
import flight_cases  # noqa: F401, E402
import gateway_cases  # noqa: F401, E402
import gateway_link_cases  # noqa: F401, E402
import gateway_origin_cases  # noqa: F401, E402
import handover_cases  # noqa: F401, E402
import handshake_cases  # noqa: F401, E402
import http3_browser_cases  # noqa: F401, E402
import http3_cases  # noqa: F401, E402
import http3_client_cases  # noqa: F401, E402
import http3_server_cases  # noqa: F401, E402
import identity_cases  # noqa: F401, E402
import instruction_cases  # noqa: F401, E402
import link_cases  # noqa: F401, E402
import qpack_cases  # noqa: F401, E402
import quic_cases  # noqa: F401, E402
import scanner_cases  # noqa: F401, E402
import server_cases  # noqa: F401, E402
import tls_cases  # noqa: F401, E402
from peers import World  # noqa: E402
from suite import run_all  # noqa: E402


def arguments(words):
    if words[:1] != ["--rows"]:
        return words, None
    if len(words) < 2:
        sys.exit("--rows needs a file")
    return words[2:], pathlib.Path(words[1])


def main():
    world = World()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run_all(world, *arguments(sys.argv[1:]))
    finally:
        world.end()


if __name__ == "__main__":
    sys.exit(main())
