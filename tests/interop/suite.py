"""Cases: how they are named, run, skipped and counted."""

import dataclasses
import os
import shutil
import signal
import time
import traceback

CASES = []
CASE_SECONDS = 120
# What a stack is to ours, where a case is a row of the table of docs/interop.md.
CLIENT, GATEWAY, SERVER = "client", "gateway", "server"
# What several rows say.
FORCED, TOLD_ON, PASSED_OVER = "told to use it", "told to its caller", "sent, passed over"
NAVIGATES_NOT = "not sent, since it says of no request that it is a navigation"


class Failed(Exception):
    """What a case expected did not happen."""


class Skipped(Exception):
    """What a case needs is not here."""


@dataclasses.dataclass
class Case:
    function: object
    # Programs that it starts.
    needs: tuple
    seconds: int
    # The stack that it is a row of the table for, and what that is to ours.
    peer: str | None
    side: str | None
    # Whether it is run only where it was asked for, since what it needs takes long to build.
    is_apart: bool

    @property
    def name(self):
        return self.function.__name__


@dataclasses.dataclass
class Shown:
    """What a case showed of another HTTP/3 stack: the cells of its row."""

    loads: str
    # How the client came to know of HTTP/3.
    found: str = ""
    early_hints: str = ""
    preload: str = ""
    version: str = ""

    def __str__(self):
        cells = (("HTTP/3", self.found), ("103", self.early_hints), ("PRELOAD", self.preload))
        return "; ".join([self.loads, *(f"{name}: {cell}" for name, cell in cells if cell)])


def case(*needs, seconds=CASE_SECONDS, peer=None, side=None, is_apart=False):
    """Registers a function as a case. What it returns is noted in its line, and of `Shown` a row is made."""

    def register(function):
        CASES.append(Case(function, needs, seconds, peer, side, is_apart))
        return function

    return register


def check(condition, why):
    if not condition:
        raise Failed(why)


def check_in(part, text, of="the output"):
    """`part` occurs in `text`; of a long text the end is shown."""
    if part not in text:
        raise Failed(f"{part!r} is not in {of}: {shown(text)}")


def shown(text, limit=600):
    text = text if isinstance(text, str) else repr(text)
    return text if len(text) <= limit else f"... {text[-limit:]}"


def run_all(world, wanted, rows=None):
    """Runs the cases whose names contain one of `wanted` (all, if there are none), of those with a row if there is a file
    for them. Returns the exit status."""
    chosen = [each for each in CASES if any(word in each.name for word in wanted)]
    if not wanted:
        chosen = [each for each in CASES if rows or not each.is_apart]
    chosen = [each for each in chosen if each.peer or not rows]
    if not chosen:
        print(f"no case is called {' or '.join(wanted)}")
        return 1
    counts = {"ok": 0, "FAILED": 0, "skipped": 0}
    lines = []
    for each in chosen:
        start = time.monotonic()
        outcome, came = run_one(world, each)
        counts[outcome] += 1
        why = "" if not came else f" ({came})" if outcome == "ok" else f": {came}"
        print(f"{time.monotonic() - start:7.2f} s  {sentence(each.name)} ... {outcome}{why}", flush=True)
        lines.append(row(each, outcome, came))
    if rows:
        rows.write_text("".join(lines))
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped")
    return 1 if counts["FAILED"] else 0


def row(each, outcome, came):
    """A case, its peer, how it ended, what was shown, and why not."""
    shows, why = (came, "") if isinstance(came, Shown) else (Shown(""), str(came or ""))
    cells = (shows.version, shows.loads, shows.found, shows.early_hints, shows.preload, why)
    cells = (each.name, each.peer, each.side, outcome, *cells)
    return "\t".join(" ".join(str(cell).split()) for cell in cells) + "\n"


def run_one(world, each):
    """How a case ended, and what it came to: its note, or why it did not pass."""
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(each.seconds)
    try:
        for program in each.needs:
            world.program(program)
        return "ok", each.function(world)
    except Skipped as why:
        return ("FAILED" if os.environ.get("SAKIGAKE_REQUIRE") == "all" else "skipped"), why
    except Failed as why:
        return "FAILED", why
    except Exception as error:  # A case that breaks is a case that failed; the others still run.
        trace = "".join(traceback.format_exception(error)[-2:])
        return "FAILED", f"{type(error).__name__}: {shown(str(error))}\n{trace}"
    finally:
        signal.alarm(0)
        world.end_case()


def out_of_time(_signal, _frame):
    raise Failed("it took too long")


def sentence(name):
    return name.replace("_", " ")


def find(program):
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        raise Skipped(f"there is no {program} here")
    return path
