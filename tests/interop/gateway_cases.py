"""Chromium before `sakigake gateway`, which stands before `sakigake serve`."""

import subprocess

from browser_cases import chromium
from peers import HOST, Server, await_port, free_port
from suite import case, check


class Gateway(Server):
    """`sakigake gateway` on a free loopback port, before one of our servers."""

    def __init__(self, world, origin, *options):
        self.world, self.port = world, free_port()
        self.output = world.scratch / f"gateway-{self.port}.log"
        words = ["--to", origin.url, "--resolve", origin.resolve, "--cacert", world.ca, "--log", "json", *options]
        with open(self.output, "wb") as output:
            self.child = world.start(
                "sakigake", "gateway", "--listen", f"127.0.0.1:{self.port}", *words,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )
        await_port(self.port, self.child, self.output)
        self.url = f"https://{HOST}:{self.port}"
        self.resolve = f"{HOST}:{self.port}:127.0.0.1"


@case("chromium", "openssl", seconds=150)
def chromium_takes_from_the_gateway_what_only_the_frame_names(world):
    """The page does not name the sheet, and the origin says it in its frame alone: neither in a 103 of its own nor in Link."""
    site, hints = world.folder("behind-a-gateway"), world.scratch / "gateway.hints"
    (site / "index.html").write_text("<!doctype html><title>behind</title>")
    (site / "unnamed.css").write_text("p { color: black }")
    hints.write_text("</unnamed.css>; rel=preload; as=style\n")
    origin = world.serve(site, "--hints", hints, "--no-early-hints")
    for options, statuses in (((), [200]), (("--no-hints",), [])):
        gateway, mark = Gateway(world, origin, *options), origin.mark()
        chromium(world, "--dump-dom", server=gateway)
        asked = gateway.requests()
        documents = [entry for entry in asked if entry["path"] == "/"]
        sheets = [entry["status"] for entry in asked if entry["path"] == "/unnamed.css"]
        check([entry["status"] for entry in documents] == [200], f"the document: {documents}")
        check(sheets == statuses, f"with {options} the browser asked for the sheet: {sheets}")
        fetched = [entry["status"] for entry in origin.requests(mark) if entry["path"] == "/unnamed.css"]
        # Where the browser comes late, the gateway asks whether what it has is still good: it is sent once all the same.
        check([status for status in fetched if status != 304] == statuses, f"with {options} the origin gave {fetched}")
