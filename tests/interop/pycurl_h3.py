#!/usr/bin/env python3
"""A page and all its files over HTTP/3 by curl, on one connection, as pycurl's wheel carries it.

    pycurl_h3.py CA HOST PORT FOLDER

Prints a line of JSON: what curl is, and the statuses that came before the document's. Whatever went wrong is an exception."""

import io
import json
import pathlib
import sys

import pycurl

CA, HOST, PORT, FOLDER = sys.argv[1:]
HTTP3 = 30


def get(curl, path, *fields):
    """All status lines of a request, and the body."""
    lines, body = [], io.BytesIO()
    curl.setopt(pycurl.URL, f"https://{HOST}:{PORT}{path}")
    curl.unsetopt(pycurl.HTTPHEADER)
    curl.setopt(pycurl.HTTPHEADER, list(fields))
    curl.setopt(pycurl.HEADERFUNCTION, lines.append)
    curl.setopt(pycurl.WRITEDATA, body)
    curl.perform()
    assert curl.getinfo(pycurl.INFO_HTTP_VERSION) == HTTP3, f"{path}: {lines[:1]}"
    return [int(line.split()[1]) for line in lines if line.startswith(b"HTTP/")], body.getvalue()


curl, site = pycurl.Curl(), pathlib.Path(FOLDER)
curl.setopt(pycurl.RESOLVE, [f"{HOST}:{PORT}:127.0.0.1"])
curl.setopt(pycurl.CAINFO, CA)
curl.setopt(pycurl.TIMEOUT, 30)
curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_3ONLY)
statuses, document = get(curl, "/", "sec-fetch-mode: navigate")
connections = curl.getinfo(pycurl.NUM_CONNECTS)
assert document == (site / "index.html").read_bytes() and connections == 1, (len(document), connections)
files = [path for path in site.rglob("*") if path.is_file()]
for path in files:
    came, body = get(curl, f"/{path.relative_to(site)}")
    assert came == [200] and body == path.read_bytes(), (path, came, len(body))
    assert curl.getinfo(pycurl.NUM_CONNECTS) == 0, f"{path}: another connection"
print(json.dumps({"version": pycurl.version_info()[1], "files": len(files), "statuses": statuses}))
