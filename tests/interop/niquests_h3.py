#!/usr/bin/env python3
"""A page and all its files by niquests, over HTTP/3 (qh3) as soon as Alt-Svc has come over HTTP/2.

    niquests_h3.py CA HOST PORT FOLDER

Prints a line of JSON: what it is, and the statuses that came before the document's. Whatever went wrong is an exception."""

import json
import pathlib
import sys

import niquests

CA, HOST, PORT, FOLDER = sys.argv[1:]
HTTP2, HTTP3 = 20, 30
interim = []
hooks = {"early_response": [lambda early: interim.append((early.status_code, early.headers["link"]))]}


def get(session, path, version, **more):
    came = session.get(f"https://{HOST}:{PORT}{path}", verify=CA, timeout=30, **more)
    assert came.status_code == 200 and came.http_version == version, (path, came.status_code, came.http_version)
    return came.content


site = pathlib.Path(FOLDER)
navigation = {"headers": {"sec-fetch-mode": "navigate"}, "hooks": hooks}
with niquests.Session(resolver=f"in-memory://default/?hosts={HOST}:127.0.0.1") as session:
    first = get(session, "/", HTTP2)
    second = get(session, "/", HTTP3, **navigation)
    assert first == second == (site / "index.html").read_bytes(), (len(first), len(second))
    files = [path for path in site.rglob("*") if path.is_file()]
    for path in files:
        body = get(session, f"/{path.relative_to(site)}", HTTP3)
        assert body == path.read_bytes(), (path, len(body))
assert all("rel=preload" in links for _, links in interim), interim
print(json.dumps({"version": niquests.__version__, "files": len(files), "statuses": [*(status for status, _ in interim), 200]}))
