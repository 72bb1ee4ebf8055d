#!/usr/bin/env python3
"""What a server answers to a client that breaks the rules of HTTP/3 or QPACK, byte by byte over aioquic's QUIC.

    aioquic_h3_rules.py CA HOST PORT rules|downgrade|resets

Prints how much went as it should, in a line; whatever did not ends it with an error. The first table is what h3spec
(kazu-yamamoto/h3spec, HTTP3Error.hs) lists, in its order; the second one goes beyond it, and the third one is what would be another
request, or two, were it passed on over HTTP/1.1."""

import sys

from aioquic_liar import Liar

CA, HOST, PORT, SCENARIO = sys.argv[1:]
WITHIN_S, HARMLESS_S = 10, 0.3

CREATION, CRITICAL, UNEXPECTED, FRAME, LOAD, ID, SETTINGS, MISSING = range(0x103, 0x10B)
CANCELLED, MESSAGE = 0x10C, 0x10E
DECOMPRESSION, ENCODER_STREAM, DECODER_STREAM = 0x200, 0x201, 0x202

# Static lines of RFC 9204, appendix A: GET, https, the path "/"; and the authority as a literal behind a name of the table.
GET, HTTPS, ROOT = "d1", "d7", "c1"
AUTHORITY = "5009 3132372e302e302e31"
CONTROL = "000400"


def literal(name, value):
    """A field line without any table."""
    assert 7 <= len(name) < 134 and len(value) < 127
    return f"27 {len(name) - 7:02x} {name.encode().hex()} {len(value):02x} {value.encode().hex()}"


def short(name, value):
    assert len(name) < 7
    return f"{0x20 | len(name):02x} {name.encode().hex()} {len(value):02x} {value.encode().hex()}"


def headers(*lines):
    """A HEADERS frame, its stream ends with it."""
    section = "0000" + "".join(lines).replace(" ", "")
    return f"01 {0x4000 | len(section) // 2:04x} {section}", True


# What the rule is about, where it stands, what is said on which streams (and whether that is a stream's end), and the code that
# answers it. Of a pair the code is a stream's, and the connection goes on; with None no harm is done.
H3SPEC = [
    ("DATA before HEADERS", "9114 4.1", {0: "0001 61"}, UNEXPECTED),
    ("a pseudo-header twice", "9114 4.1.2", {0: headers(GET, HTTPS, AUTHORITY, ROOT, GET)}, (0, MESSAGE)),
    ("no authority", "9114 4.3.1", {0: headers(GET, HTTPS, ROOT)}, (0, MESSAGE)),
    ("a pseudo-header that is none", "9114 4.3", {0: headers(GET, HTTPS, AUTHORITY, ROOT, short(":foo", "bar"))}, (0, MESSAGE)),
    ("a pseudo-header behind a field", "9114 4.3", {0: headers(GET, HTTPS, AUTHORITY, short("foo", "bar"), ROOT)}, (0, MESSAGE)),
    ("a control stream without SETTINGS", "9114 6.2.1", {2: "00 0d0101"}, MISSING),
    ("DATA on the control stream", "9114 7.2.1", {2: CONTROL + "0000"}, UNEXPECTED),
    ("HEADERS on the control stream", "9114 7.2.2", {2: CONTROL + "0100"}, UNEXPECTED),
    ("SETTINGS twice", "9114 7.2.4", {2: CONTROL + "0400"}, UNEXPECTED),
    # h3spec has this one in a comment: a server may answer it so.
    ("a setting twice", "9114 7.2.4", {2: "000404 06010601"}, SETTINGS),
    ("a setting of HTTP/2", "9114 7.2.4.1", {2: "00040e 074064 0240c8 015000 0680008000"}, SETTINGS),
    ("CANCEL_PUSH on a request stream", "9114 7.2.3", {0: "030100"}, UNEXPECTED),
    ("a static line that is not there", "9204 3.1", {0: headers(GET, HTTPS, AUTHORITY, ROOT, "ff24")}, DECOMPRESSION),
    ("an encoder's capacity above the limit", "9204 4.1.3", {2: CONTROL, 6: "02 3fe1c7afa025"}, ENCODER_STREAM),
    ("a control stream that ends", "9114 6.2.1", {2: (CONTROL, True)}, CRITICAL),
    ("a decoder's increment of nothing", "9204 4.4.3", {2: CONTROL, 6: "03 00"}, DECODER_STREAM),
]
BEYOND = [
    ("a stream that ends within a frame", "9114 7.1", {0: ("0108 00", True)}, FRAME),
    ("PUSH_PROMISE of a client", "9114 7.2.5", {0: "0503 000000"}, UNEXPECTED),
    ("GOAWAY on a request stream", "9114 7.2.6", {0: "0701 00"}, UNEXPECTED),
    ("MAX_PUSH_ID on a request stream", "9114 7.2.7", {0: "0d01 00"}, UNEXPECTED),
    ("SETTINGS on a request stream", "9114 7.2.4", {0: "0400"}, UNEXPECTED),
    ("PRIORITY_UPDATE on a request stream", "9218 7.2", {0: "800f0700 01 00"}, UNEXPECTED),
    ("a frame of HTTP/2 on a request stream", "9114 7.2.8", {0: "0600"}, UNEXPECTED),
    ("two control streams", "9114 6.2.1", {2: CONTROL, 6: CONTROL}, CREATION),
    ("two encoder streams", "9204 4.2", {2: CONTROL, 6: "02", 10: "02"}, CREATION),
    ("two decoder streams", "9204 4.2", {2: CONTROL, 6: "03", 10: "03"}, CREATION),
    ("a frame of HTTP/2 on the control stream", "9114 7.2.8", {2: CONTROL + "0600"}, UNEXPECTED),
    ("PUSH_PROMISE on the control stream", "9114 7.2.5", {2: CONTROL + "0503000000"}, UNEXPECTED),
    ("CANCEL_PUSH of what nobody promised", "9114 7.2.3", {2: CONTROL + "030100"}, ID),
    ("MAX_PUSH_ID that falls", "9114 7.2.7", {2: CONTROL + "0d0105 0d0104"}, ID),
    ("GOAWAY that rises", "9114 5.2", {2: CONTROL + "070104 070108"}, ID),
    ("GOAWAY with more than a number", "9114 7.1", {2: CONTROL + "07020000"}, FRAME),
    ("a push stream of a client", "9114 6.2.2", {2: "0100"}, CREATION),
    ("PRIORITY_UPDATE for a unidirectional stream", "9218 7.2", {2: CONTROL + "800f0700 01 02"}, ID),
    ("PRIORITY_UPDATE for a stream beyond the limit", "9218 7.2", {2: CONTROL + "800f0700 04 80010000"}, ID),
    ("PRIORITY_UPDATE for a push", "9218 7.2", {2: CONTROL + "800f0701 01 00"}, ID),
    ("a section that refers to what is not there", "9204 2.2", {2: CONTROL, 0: "0103 0000 80"}, DECOMPRESSION),
    ("a section that is cut short", "9204 2.2", {2: CONTROL, 0: headers("51")}, DECOMPRESSION),
    ("an instruction for a line that is not there", "9204 3.2.5", {2: CONTROL, 6: "02 3f01 00"}, ENCODER_STREAM),
    ("an acknowledgement of what nobody sent", "9204 4.4.1", {2: CONTROL, 6: "03 80"}, DECODER_STREAM),
    ("an increment of more than there is", "9204 4.4.3", {2: CONTROL, 6: "03 3f00"}, DECODER_STREAM),
    ("an encoder stream that ends", "9204 4.2", {2: CONTROL, 6: ("02", True)}, CRITICAL),
    ("a decoder stream that ends", "9204 4.2", {2: CONTROL, 6: ("03", True)}, CRITICAL),
    ("a field name with capitals", "9114 4.2", {0: headers(GET, HTTPS, AUTHORITY, ROOT, short("Foo", "bar"))}, (0, MESSAGE)),
    ("a field of the connection", "9114 4.2", {0: headers(GET, HTTPS, AUTHORITY, ROOT, literal("connection", "a"))}, (0, MESSAGE)),
    ("a response's pseudo-header", "9114 4.3", {0: headers(GET, HTTPS, AUTHORITY, ROOT, "d9")}, (0, MESSAGE)),
    ("an empty path", "9114 4.3.1", {0: headers(GET, HTTPS, AUTHORITY, "5100")}, (0, MESSAGE)),
    ("a length that is not the body's", "9114 4.1.2", {0: headers("d4", HTTPS, AUTHORITY, ROOT, "540135")}, (0, MESSAGE)),
    ("what nobody knows", "9114 9", {2: CONTROL + "210161", 6: "21aa", 0: ("2100" + "0108 0000 d1d7c1 500161", True)}, None),
    ("PRELOAD of a client", "9114 9", {2: CONTROL + "40f0020000"}, None),
]

EVIL = "GET /evil HTTP/1.1"
DOWNGRADE = {
    "a line in a value": [GET, HTTPS, AUTHORITY, ROOT, short("x-a", "1\r\nx-b: 2")],
    "an LF in a value": [GET, HTTPS, AUTHORITY, ROOT, short("x-a", "1\nx-b: 2")],
    "a CR in a value": [GET, HTTPS, AUTHORITY, ROOT, short("x-a", "1\rx-b: 2")],
    "a NUL in a value": [GET, HTTPS, AUTHORITY, ROOT, short("x-a", "1\0")],
    "a space before a value": [GET, HTTPS, AUTHORITY, ROOT, short("x-a", " 1")],
    "a line in a name": [GET, HTTPS, AUTHORITY, ROOT, literal("x-a: 1\r\nx-b", "2")],
    "a colon in a name": [GET, HTTPS, AUTHORITY, ROOT, short("x-a:", "1")],
    "a space in a name": [GET, HTTPS, AUTHORITY, ROOT, short("x a", "1")],
    "no name": [GET, HTTPS, AUTHORITY, ROOT, short("", "1")],
    "a coding": [GET, HTTPS, AUTHORITY, ROOT, literal("transfer-encoding", "chunked")],
    "an upgrade": [GET, HTTPS, AUTHORITY, ROOT, literal("upgrade", "websocket")],
    "a connection that is kept": [GET, HTTPS, AUTHORITY, ROOT, literal("keep-alive", "5")],
    "another word than trailers in TE": [GET, HTTPS, AUTHORITY, ROOT, short("te", "gzip")],
    "two lengths": [GET, HTTPS, AUTHORITY, ROOT, literal("content-length", "0"), literal("content-length", "5")],
    "a length without content": [GET, HTTPS, AUTHORITY, ROOT, literal("content-length", "5")],
    "a length with a sign": [GET, HTTPS, AUTHORITY, ROOT, literal("content-length", "+0")],
    "a request in the method": [literal(":method", f"{EVIL}\r\nx: "), HTTPS, AUTHORITY, ROOT],
    "a space in the method": [literal(":method", "GET /evil"), HTTPS, AUTHORITY, ROOT],
    "a request in the path": [GET, HTTPS, AUTHORITY, short(":path", f"/a HTTP/1.1\r\nhost: b\r\n\r\n{EVIL}")],
    "a space in the path": [GET, HTTPS, AUTHORITY, short(":path", "/a b")],
    "a path that is an authority's": [GET, HTTPS, AUTHORITY, short(":path", "evil.test/")],
    "a path twice": [GET, HTTPS, AUTHORITY, ROOT, short(":path", "/evil")],
    "a line in the authority": [GET, HTTPS, literal(":authority", "127.0.0.1\r\nx-b: 2"), ROOT],
    "another host beside the authority": [GET, HTTPS, AUTHORITY, ROOT, short("host", "b.test")],
    "a coding in trailers' place": [GET, HTTPS, AUTHORITY, ROOT, literal("transfer-encoding", "chunked"), literal("content-length", "0")],
}
# HEADERS with no more than ":status: 400" of the static table first.
BAD_REQUEST = bytes.fromhex("0000 ff04")


def run(name, streams, wanted):
    with Liar(CA, HOST, PORT) as liar:
        for stream, said in streams.items():
            text, ends = said if isinstance(said, tuple) else (said, False)
            liar.connection.send_stream_data(stream, bytes.fromhex(text), ends)
        if isinstance(wanted, int):
            liar.until(lambda: liar.closed, WITHIN_S)
            return None if liar.closed == (wanted, False) else f"{name}: {liar.closed} in place of {wanted:#x}"
        if wanted is not None:
            stream, code = wanted
            liar.until(lambda: liar.closed or stream in liar.stopped, WITHIN_S)
            if liar.stopped.get(stream) != code:
                return f"{name}: {liar.stopped}, {liar.closed} in place of {code:#x} on stream {stream}"
        # The connection goes on.
        liar.connection.send_stream_data(4, bytes.fromhex(headers(GET, HTTPS, AUTHORITY, ROOT)[0]), True)
        answered = liar.until(lambda: 4 in liar.heard, WITHIN_S)
        return None if answered and liar.closed is None else f"{name}: no answer behind it, {liar.closed}"


def rules():
    said = [run(name, streams, wanted) for name, _, streams, wanted in (*H3SPEC, *BEYOND)]
    if any(said):
        sys.exit("\n".join(filter(None, said)))
    print(f"{len(said)} rules")


def downgrade():
    """Each is refused, and behind it one honest request answered."""
    wrong = []
    for name, lines in DOWNGRADE.items():
        with Liar(CA, HOST, PORT) as liar:
            liar.connection.send_stream_data(0, bytes.fromhex(headers(*lines)[0]), True)
            liar.until(lambda: liar.closed or 0 in liar.stopped or 0 in liar.heard, WITHIN_S)
            is_refused = liar.stopped.get(0) == MESSAGE or BAD_REQUEST in liar.heard.get(0, b"")[:10]
            liar.connection.send_stream_data(4, bytes.fromhex(headers(GET, HTTPS, AUTHORITY, ROOT)[0]), True)
            if not is_refused or not liar.until(lambda: 4 in liar.heard, WITHIN_S):
                wrong.append(f"{name}: {liar.stopped}, {liar.heard}, {liar.closed}")
    if wrong:
        sys.exit("\n".join(wrong))
    print(len(DOWNGRADE))


def resets():
    """Requests that are given up at once, until the server has had enough."""
    with Liar(CA, HOST, PORT) as liar:
        connection = liar.connection
        connection.send_stream_data(2, bytes.fromhex(CONTROL))
        liar.until(lambda: liar.is_confirmed, WITHIN_S)
        count = 0
        while liar.closed is None and count < 5_000:
            stream = connection.get_next_available_stream_id()
            connection.send_stream_data(stream, bytes.fromhex("010800 00d1"))
            liar.send()
            connection.reset_stream(stream, CANCELLED)
            liar.send()
            count += 1
            if count % 50 == 0:
                liar.until(lambda: liar.closed, 0.02)
        liar.until(lambda: liar.closed, WITHIN_S)
        if liar.closed != (LOAD, False) or count <= 1_000:
            sys.exit(f"{count} resets ended with {liar.closed}")
    print("closed for excessive load")


{"rules": rules, "downgrade": downgrade, "resets": resets}[SCENARIO]()
