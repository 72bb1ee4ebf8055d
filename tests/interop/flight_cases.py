"""Pages over HTTP/3 by real sockets, over a link of 50 ms and 20 Mbit/s: PRELOAD.md's table, by flights counted from qlog."""

import itertools

import flights
from link_cases import RTT_MS, depth_two_site, fetch_line, run_link
from suite import case, check

RATE_BITS_PER_MS = 20_000
LINK = ["--delay", f"{RTT_MS / 2}ms", "--rate", "20mbit"]
# What a load may take beside its round trips and its bytes.
SLACK_MS = 20
LOADS = 3
# A server that has just begun takes no early data for so long: it does not know what its predecessor took.
WINDOW_SECONDS = 13
# A client may send so much unasked, and twice as much each round trip.
SEGMENT_BYTES, SEGMENTS = 1_200, 10
HINTS = {"none": ["--no-preload", "--no-early-hints"], "103": ["--no-preload"], "PRELOAD": []}
# How a connection begins, and its options: afresh, by a ticket, or by one with requests in the first flight.
COLD, RESUMED, EARLY = "cold", "resumed", "0-RTT"
BEGINNINGS = {COLD: ["--no-tickets"], RESUMED: [], EARLY: ["--early-data"]}
TABLE = {
    (COLD, "none"): 3, (COLD, "103"): 3, (COLD, "PRELOAD"): 2,
    (RESUMED, "none"): 3, (RESUMED, "103"): 3, (RESUMED, "PRELOAD"): 2,
    (EARLY, "none"): 2, (EARLY, "103"): 2, (EARLY, "PRELOAD"): 1,
}


@case()
def flights_are_counted_from_what_left_behind_which_answer(_world):
    """Logs made by hand: of packets, when, and the streams in them."""
    sent, came = "packet_sent", "packet_received"
    for name, log, expected in (
        ("one by one", [(sent, 0), (came, 50), (sent, 51, 0), (came, 101, 0), (sent, 102, 4), (came, 152, 4)], [[], [0], [4]]),
        ("together", [(sent, 0), (came, 50), (sent, 51, 0), (sent, 60, 4), (came, 101, 0, 4)], [[], [0, 4]]),
        ("early", [(sent, 0, 0, 4), (came, 50), (came, 51, 0, 4)], [[0, 4]]),
        ("early, rejected", [(sent, 0, 0, 4), (came, 50), (sent, 51, 0, 4), (came, 101, 0, 4)], [[], [0, 4]]),
        ("early, and more", [(sent, 0, 0), (came, 50), (came, 51, 0), (sent, 52, 4), (came, 102, 4)], [[0], [4]]),
        ("too late", [(sent, 0), (came, 50), (sent, 51, 0), (came, 101, 0), (sent, 101, 4), (came, 151, 4)], [[], [0], [4]]),
    ):
        events = [event(kind, time, streams) for kind, time, *streams in log]
        found = flights.count(events)
        check(found.flights == expected, f"{name}: {found.flights}")
        check(found.took_ms == log[-1][1], f"{name}: {found.took_ms} ms")


def event(kind, time, streams):
    frames = [{"frame_type": "stream", "stream_id": stream, "offset": 0} for stream in streams] or [{"frame_type": "crypto"}]
    return {"name": f"quic:{kind}", "time": time, "data": {"frames": frames, "raw": {"length": 100}}}


@case("ip", seconds=240)
def pages_over_http3_take_as_many_flights_of_requests_as_the_table_says(world):
    """A document and nine files that it names, under 8 KB."""
    return hold_to_the_table(world, depth_two_site(world), "small")


@case("ip", seconds=240)
def larger_pages_over_http3_take_as_many_flights_of_requests(world):
    """The same with 200 KB: slow start binds, and the flights are the same."""
    return hold_to_the_table(world, depth_two_site(world, times=1_000), "large")


def hold_to_the_table(world, site, name):
    files, said = len([path for path in site.iterdir()]), []
    loads = loads_of(world, site, name)
    for cell, pages in loads.items():
        for page in pages:
            check(len(page.flights) == TABLE[cell], f"{' '.join(cell)}: {TABLE[cell]} flights, not {page.flights}")
            check(sum(map(len, page.flights)) == files, f"{' '.join(cell)}: {files} requests, not {page.flights}")
        best = min(pages, key=lambda page: page.took_ms)
        limit = TABLE[cell] * RTT_MS + best.came_bytes * 8 / RATE_BITS_PER_MS + slow_start_ms(best) + SLACK_MS
        check(TABLE[cell] * RTT_MS <= best.took_ms <= limit, f"{' '.join(cell)}: {best.took_ms:.1f} ms of {limit:.0f}")
        said.append(f"{' '.join(cell)} {TABLE[cell]} in {best.took_ms:.0f} ms")
    return ", ".join(said)


def slow_start_ms(page):
    """Round trips for which a window that doubles holds such a page back."""
    window, rounds, left = SEGMENT_BYTES * SEGMENTS, 0, page.came_bytes
    while left > window:
        left, window, rounds = left - window, window * 2, rounds + 1
    return rounds * RTT_MS


def loads_of(world, site, name):
    """All cells of the table, each loaded several times, in one link."""
    folder, lines, places = world.folder(f"qlog-{name}"), [], {cell: [] for cell in TABLE}
    for (begin, hints), number in itertools.product(TABLE, range(LOADS)):
        if begin == EARLY and not places[begin, hints] and hints == "none":
            lines.append(f"sleep {WINDOW_SECONDS}")
        place = folder / f"{begin}-{hints}-{number}"
        place.mkdir()
        places[begin, hints].append(place)
        options = ["--http3-only", *HINTS[hints], *BEGINNINGS[begin]]
        known = f"XDG_DATA_HOME={place / 'data'} "
        if begin != COLD:
            lines.append(f"{known}{fetch_line(world, *options)}")
        lines.append(f"{known}{fetch_line(world, *options, '--qlog', place)}")
    script = "\n".join(f"{line} || exit 1" for line in lines)
    run_link(world, site, LINK, "bash", "-c", script, serve=["--early-data"])
    return {cell: [only_page(place) for place in several] for cell, several in places.items()}


def only_page(place):
    logs = list(place.glob("*.sqlog"))
    check(len(logs) == 1, f"{place.name}: {len(logs)} connections")
    return flights.of(logs[0])
