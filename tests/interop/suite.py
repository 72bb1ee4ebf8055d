"""Cases: how they are named, run, skipped and counted."""

import os
import shutil
import signal
import time
import traceback

CASES = []
CASE_SECONDS = 120


class Failed(Exception):
    """What a case expected did not happen."""


class Skipped(Exception):
    """What a case needs is not here."""


def case(*needs, seconds=CASE_SECONDS):
    """Registers a function as a case; `needs` are programs that it starts. What it returns is noted in its line."""

    def register(function):
        CASES.append((function, needs, seconds))
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


def run_all(world, wanted):
    """Runs the cases whose names contain one of `wanted` (all, if there are none). Returns the exit status."""
    chosen = [entry for entry in CASES if not wanted or any(word in entry[0].__name__ for word in wanted)]
    if not chosen:
        print(f"no case is called {' or '.join(wanted)}")
        return 1
    counts = {"ok": 0, "FAILED": 0, "skipped": 0}
    for function, needs, seconds in chosen:
        start = time.monotonic()
        outcome, why = run_one(world, function, needs, seconds)
        counts[outcome] += 1
        print(f"{time.monotonic() - start:7.2f} s  {sentence(function)} ... {outcome}{why}", flush=True)
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped")
    return 1 if counts["FAILED"] else 0


def run_one(world, function, needs, seconds):
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(seconds)
    try:
        for program in needs:
            world.program(program)
        note = function(world)
        return "ok", f" ({note})" if note else ""
    except Skipped as why:
        return ("FAILED" if os.environ.get("SAKIGAKE_REQUIRE") == "all" else "skipped"), f": {why}"
    except Failed as why:
        return "FAILED", f" {why}"
    except Exception as error:  # A case that breaks is a case that failed; the others still run.
        trace = "".join(traceback.format_exception(error)[-2:])
        return "FAILED", f" {type(error).__name__}: {shown(str(error))}\n{trace}"
    finally:
        signal.alarm(0)
        world.end_case()


def out_of_time(_signal, _frame):
    raise Failed("it took too long")


def sentence(function):
    return function.__name__.replace("_", " ")


def find(program):
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        raise Skipped(f"there is no {program} here")
    return path
