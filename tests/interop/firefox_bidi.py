#!/usr/bin/env python3
"""Loads pages in a Firefox that listens for WebDriver BiDi.

    firefox_bidi.py PORT SITE VISITS

Visits SITE at most VISITS times, each time as another page, until its document came over HTTP/3. Prints a line of JSON a visit: what
the browser says of the document and of what it named. The second visit and those behind it come a second later each."""

import json
import sys
import time

from websockets.sync.client import connect

PORT, SITE, VISITS = sys.argv[1:]
WITHIN_S = 60
ENTRIES = """(() => {
    const told = entry => ({
        name: entry.name, protocol: entry.nextHopProtocol, initiator: entry.initiatorType,
        bytes: entry.decodedBodySize, interim: entry.firstInterimResponseStart,
    });
    return JSON.stringify({
        document: told(performance.getEntriesByType("navigation")[0]),
        files: performance.getEntriesByType("resource").map(told),
        title: document.title,
    });
})()"""


class Firefox:
    def __init__(self, socket):
        self.socket, self.commands = socket, 0

    def __call__(self, method, **parameters):
        self.commands += 1
        self.socket.send(json.dumps({"id": self.commands, "method": method, "params": parameters}))
        while True:
            said = json.loads(self.socket.recv(timeout=WITHIN_S))
            if said.get("id") == self.commands:
                assert said["type"] == "success", said
                return said["result"]


with connect(f"ws://127.0.0.1:{PORT}/session", proxy=None, max_size=None) as socket:
    firefox = Firefox(socket)
    version = firefox("session.new", capabilities={})["capabilities"]["browserVersion"]
    for visit in range(int(VISITS)):
        time.sleep(1 if visit else 0)
        tab = firefox("browsingContext.create", type="tab")["context"]
        firefox("browsingContext.navigate", context=tab, url=f"{SITE}/?visit={visit}", wait="complete")
        told = firefox("script.evaluate", expression=ENTRIES, target={"context": tab}, awaitPromise=False)
        told = json.loads(told["result"]["value"]) | {"version": version}
        print(json.dumps(told), flush=True)
        if told["document"]["protocol"] == "h3":
            break
    # Ends the browser too.
    socket.send(json.dumps({"id": 0, "method": "browser.close", "params": {}}))
