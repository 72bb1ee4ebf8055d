#!/usr/bin/env python3
"""Loads one page by Chromium through a gateway, with the origin's frame and with it ignored, in turns.

    gateway_pairs.py SETUP      a JSON object: see `main`

Runs where the link's client does, so that browser and gateway meet on loopback and the origin is behind the link. Each load has a
gateway that has just begun, which knows nothing and has no connection, and a browser context with nothing in its cache. Writes, a load
a line, what `performance` said of it, as JSON.
"""

import contextlib
import json
import os
import pathlib
import select
import subprocess
import sys
import time

from peers import is_listening

PATIENCE_SECONDS = 20


def main():
    setup = json.loads(sys.argv[1])
    with browser(setup) as chromium:
        # What is loaded first is slower, whichever it is: it is not counted.
        for number in range(setup["pairs"] + 1):
            arms = [("frame", []), ("ignored", ["--no-hints"])]
            for arm, options in arms if number % 2 else reversed(arms):
                with gateway(setup, options) as said:
                    timing = chromium.load(setup["url"])
                print(json.dumps({"arm": arm, "counted": number > 0, "gateway": said[-1], **timing}), flush=True)


@contextlib.contextmanager
def gateway(setup, options):
    """A gateway of its own; at its end it says what it did."""
    said, listen = [], setup["listen"]
    # It does not outlive this program, however that ends.
    words = ["setpriv", "--pdeathsig", "KILL", *setup["gateway"], "--listen", listen, *options]
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_listening(int(listen.rpartition(":")[2])):
        if child.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"the gateway does not listen: {child.stderr.read() if child.poll() is not None else ''}")
        time.sleep(0.01)
    try:
        yield said
    finally:
        child.terminate()
        _, errors = child.communicate(timeout=PATIENCE_SECONDS)
        said.append(errors.strip())


@contextlib.contextmanager
def browser(setup):
    """Chromium, told what to do by a pair of pipes; it ends where they do."""
    (theirs, orders), (answers, told) = os.pipe(), os.pipe()

    def place():
        os.dup2(theirs, 100)
        os.dup2(told, 101)
        os.dup2(100, 3)
        os.dup2(101, 4)

    words = [*setup["chromium"], "--remote-debugging-pipe", "about:blank"]
    log = open(setup["log"], "wb")
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False, preexec_fn=place)
    os.close(theirs)
    os.close(told)
    try:
        yield Chromium(orders, answers)
    finally:
        os.close(orders)
        os.close(answers)
        child.terminate()
        child.wait(timeout=PATIENCE_SECONDS)


class Chromium:
    def __init__(self, orders, answers):
        self.orders, self.answers, self.buffer, self.number = orders, answers, b"", 0

    def load(self, url):
        """Loads a page in a context of its own, to its load event."""
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable", session)
        time.sleep(0.3)  # A page that begins is not what is measured.
        frame = self.ask("Page.navigate", session, url=url)
        if "errorText" in frame:
            sys.exit(f"Chromium: {frame['errorText']}")
        self.until(lambda message: message.get("method") == "Page.loadEventFired")
        wanted = """(() => { const page = performance.getEntriesByType("navigation")[0];
            const files = performance.getEntriesByType("resource");
            return { complete_ms: page.loadEventStart, document_ms: page.responseEnd, hinted_ms: page.firstInterimResponseStart,
                protocol: page.nextHopProtocol, status: page.responseStatus,
                files: files.length, sizes: files.map((file) => file.encodedBodySize), last_ms: Math.max(...files.map((file) => file.responseEnd)) }; })()"""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            said = self.ask("Runtime.evaluate", session, expression=wanted, returnByValue=True)["result"]["value"]
            if said["complete_ms"] > 0:
                break
            if time.monotonic() > deadline:
                sys.exit(f"Chromium's page is not complete: {said}")
        self.ask("Target.disposeBrowserContext", browserContextId=context)
        return said

    def ask(self, method, session=None, **parameters):
        self.number += 1
        order = {"id": self.number, "method": method, "params": parameters}
        if session:
            order["sessionId"] = session
        os.write(self.orders, json.dumps(order).encode() + b"\0")
        answer = self.until(lambda message: message.get("id") == order["id"])
        if "error" in answer:
            sys.exit(f"{method}: {answer['error']}")
        return answer["result"]

    def until(self, is_wanted):
        """The first message that is wanted; others are nobody's business."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            while b"\0" in self.buffer:
                text, _, self.buffer = self.buffer.partition(b"\0")
                message = json.loads(text)
                if is_wanted(message):
                    return message
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                sys.exit("Chromium does not answer")
            more = os.read(self.answers, 1 << 16)
            if not more:
                sys.exit("Chromium has ended")
            self.buffer += more


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    main()
