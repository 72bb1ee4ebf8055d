#!/usr/bin/env python3
"""What a server answers to a client that breaks the rules of QUIC and of TLS within it; the bytes are aioquic's, changed by hand.

    aioquic_quic_rules.py CA HOST PORT [WORD ...]

Runs the checks whose names have one of the words (all, if there are none) and prints how many there were. The first table is what
h3spec (kazu-yamamoto/h3spec, TransportError.hs) lists for QUIC, in its order; the second one goes beyond it."""

import copy
import sys
import time

from aioquic import tls
from aioquic.buffer import encode_uint_var as varint
from aioquic_liar import HANDSHAKE, INITIAL, ONE_RTT, ZERO_RTT, Liar

CA, HOST, PORT, *WORDS = sys.argv[1:]
WITHIN_S = 10
FLOW_CONTROL, STREAM_LIMIT, STREAM_STATE, FINAL_SIZE, FRAME_ENCODING, TRANSPORT_PARAMETER, ID_LIMIT, VIOLATION = range(3, 11)
CRYPTO_BUFFER, KEY_UPDATE = 0x0D, 0x0E
UNEXPECTED_MESSAGE, DECRYPT_ERROR, PROTOCOL_VERSION, MISSING_EXTENSION, NO_PROTOCOL = 0x10A, 0x133, 0x146, 0x16D, 0x178
PARAMETERS = tls.ExtensionType.QUIC_TRANSPORT_PARAMETERS
OVER_2_60 = "d000000000000001"
END_OF_EARLY_DATA, KEY_UPDATE_MESSAGE = bytes.fromhex("05000000"), bytes.fromhex("1800000101")
PREFERRED = bytes.fromhex("7f000001 01bb" + "00" * 18 + "08 0001020304050607") + bytes(range(16))


def later(text, reserved=0):
    """Frames in a 1-RTT packet, once the handshake is over."""
    return {"after": lambda liar: liar.packet(ONE_RTT, bytes.fromhex(text), reserved)}


def before(level, text, reserved=0):
    """Frames in a packet that leaves before anything else of its level."""
    return {"at": level, "say": lambda liar: liar.packet(level, bytes.fromhex(text), reserved)}


def parameter(number, value):
    """A transport parameter said so, or not at all."""
    return {"parameters": {number: value}}


def message(changed):
    """What TLS says at the handshake's level, changed: the client's Finished."""
    return {"messages": lambda level, said: changed(said) if level == HANDSHAKE and said else said}


def new_id(sequence, retire, length, more=""):
    return f"18 {sequence:02x} {retire:02x} {length:02x}" + "ab" * length + "cd" * 16 + more


# What the rule is about, where it stands, what answers it, and the lie that breaks it.
H3SPEC = [
    ("a STREAM frame with a large offset", "9000 4.1", FLOW_CONTROL, later("0e 00 85f5e100 06 474554202f0d0a")),
    ("a stream's id above the limit", "9000 4.6", STREAM_LIMIT, later("0a bb9aca00 01 61")),
    ("no initial_source_connection_id", "9000 7.3", TRANSPORT_PARAMETER, parameter(0x0F, None)),
    ("original_destination_connection_id of a client", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x00, b"DUMMY")),
    ("preferred_address of a client", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x0D, PREFERRED)),
    ("retry_source_connection_id of a client", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x10, b"DUMMY")),
    ("stateless_reset_token of a client", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x02, bytes(16))),
    ("max_udp_payload_size below 1200", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x03, varint(1199))),
    ("ack_delay_exponent above 20", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x0A, varint(21))),
    ("max_ack_delay of 2^14", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x0B, varint(1 << 14))),
    ("a frame of unknown type", "9000 12.4", FRAME_ENCODING, later("20")),
    ("a packet without frames", "9000 12.4", VIOLATION, {"after": lambda liar: liar.packet(ONE_RTT, b"", number_bytes=4)}),
    ("reserved bits in a Handshake packet", "9000 17.2", VIOLATION, before(HANDSHAKE, "01", reserved=0x08)),
    ("PATH_CHALLENGE in a Handshake packet", "9000 17.2.4", VIOLATION, before(HANDSHAKE, "1a 3031323334353637")),
    ("reserved bits in a 1-RTT packet", "9000 17.3.1", VIOLATION, later("01", reserved=0x08)),
    ("RESET_STREAM for a send-only stream", "9000 19.4", STREAM_STATE, later("04 03 00 00")),
    ("STOP_SENDING for a stream not yet created", "9000 19.5", STREAM_STATE, later("05 4065 00")),
    ("NEW_TOKEN of a client", "9000 19.7", VIOLATION, later("07 05 44554d4d59")),
    ("STREAM for a local stream not yet created", "9000 19.8", STREAM_STATE, later("0a 01 00")),
    ("STREAM for a send-only stream", "9000 19.8", STREAM_STATE, later("0a 03 00")),
    ("MAX_STREAM_DATA for a stream not yet created", "9000 19.10", STREAM_STATE, later("11 4065 800f4240")),
    ("MAX_STREAM_DATA for a receive-only stream", "9000 19.10", STREAM_STATE, later("11 02 800f4240")),
    ("MAX_STREAMS above 2^60", "9000 19.11", FRAME_ENCODING, later("12" + OVER_2_60)),
    ("STREAMS_BLOCKED above 2^60", "9000 19.14", (STREAM_LIMIT, FRAME_ENCODING), later("16" + OVER_2_60)),
    ("NEW_CONNECTION_ID that retires what follows it", "9000 19.15", FRAME_ENCODING, later(new_id(1, 11, 8))),
    ("NEW_CONNECTION_ID without an id", "9000 19.15", FRAME_ENCODING, later(new_id(9, 0, 0))),
    ("HANDSHAKE_DONE of a client", "9000 19.20", VIOLATION, later("1e")),
    ("KeyUpdate in a Handshake packet", "9001 6", UNEXPECTED_MESSAGE, message(lambda said: said + KEY_UPDATE_MESSAGE)),
    ("KeyUpdate in a 1-RTT packet", "9001 6", UNEXPECTED_MESSAGE, later("06 00 05" + KEY_UPDATE_MESSAGE.hex())),
    ("no application protocol that is known", "9001 8.1", NO_PROTOCOL, {"alpn": ["dummy"]}),
    ("no transport parameters", "9001 8.2", MISSING_EXTENSION, {"extensions": []}),
    ("transport parameters under the number of a draft", "9001 8.2", MISSING_EXTENSION, {"extensions": [0xFFA5]}),
    ("EndOfEarlyData", "9001 8.3", UNEXPECTED_MESSAGE, message(lambda said: END_OF_EARLY_DATA + said)),
    ("CRYPTO in a 0-RTT packet", "9001 8.3", VIOLATION, {"resumed": True, **before(ZERO_RTT, "06 00 06 080000020000")}),
]


def late_update(liar):
    """New keys for a packet whose number is below that of one under the old keys."""
    connection = liar.connection
    connection._packet_number += 10
    liar.packet(ONE_RTT, b"\x01")
    connection._packet_number -= 9
    crypto = connection._cryptos[ONE_RTT]
    received = copy.copy(crypto.recv)
    crypto.update_key()
    liar.packet(ONE_RTT, b"\x01")
    crypto.recv = received  # The server does not follow.


BEYOND = [
    ("data behind a stream's end", "9000 4.5", FINAL_SIZE, later("0f 02 00 02 0004" + "0e 02 02 01 00")),
    ("two ends of a stream", "9000 4.5", FINAL_SIZE, later("0f 02 00 02 0004" + "0f 02 00 01 00")),
    ("a reset before data that came", "9000 4.5", FINAL_SIZE, later("0a 02 02 0004" + "04 02 00 01")),
    ("a reset with a size beyond the window", "9000 4.5", FLOW_CONTROL, later("04 02 00 bfffffff")),
    ("a stream beyond 2^62", "9000 19.8", (FLOW_CONTROL, FRAME_ENCODING), later("0e 02 ffffffffffffffff 01 61")),
    ("unidirectional streams above the limit", "9000 4.6", STREAM_LIMIT, later("0a 80010002 01 61")),
    ("STREAM in an Initial packet", "9000 12.4", VIOLATION, before(INITIAL, "0a 00 01 61")),
    ("STREAM in a Handshake packet", "9000 12.4", VIOLATION, before(HANDSHAKE, "0a 00 01 61")),
    ("CONNECTION_CLOSE of an application in a Handshake packet", "9000 12.5", VIOLATION, before(HANDSHAKE, "1d 00 00")),
    ("HANDSHAKE_DONE in a Handshake packet", "9000 12.4", VIOLATION, before(HANDSHAKE, "1e")),
    ("an unknown frame in a Handshake packet", "9000 12.4", FRAME_ENCODING, before(HANDSHAKE, "20")),
    ("reserved bits in an Initial packet", "9000 17.2", VIOLATION, before(INITIAL, "01", reserved=0x04)),
    ("a frame that is cut short", "9000 12.4", FRAME_ENCODING, later("04 00")),
    ("an acknowledgement of what was not sent", "9000 13.1", VIOLATION, later("02 bfffffff 00 00 00")),
    ("an acknowledgement below packet 0", "9000 19.3.1", FRAME_ENCODING, later("02 00 00 00 01")),
    ("CRYPTO beyond what is kept", "9000 7.5", CRYPTO_BUFFER, later("06 80100000 01 61")),
    ("CRYPTO beyond 2^62", "9000 19.6", (FRAME_ENCODING, CRYPTO_BUFFER), later("06 ffffffffffffffff 01 61")),
    ("RETIRE_CONNECTION_ID of what was not issued", "9000 19.16", VIOLATION, later("19 4064")),
    ("an id of 21 bytes", "9000 19.15", FRAME_ENCODING, later(new_id(9, 0, 21))),
    ("one sequence number, two ids", "9000 19.15", VIOLATION, later(new_id(1, 0, 8))),
    ("more ids than were asked for", "9000 5.1.1", ID_LIMIT, later("".join(new_id(8 + n, 0, 8 + n) for n in range(12)))),
    ("MAX_STREAM_DATA for a local stream not yet created", "9000 19.10", STREAM_STATE, later("11 01 4400")),
    ("STREAM_DATA_BLOCKED for a send-only stream", "9000 19.13", STREAM_STATE, later("15 03 00")),
    ("RESET_STREAM above the limit", "9000 4.6", STREAM_LIMIT, later("04 bb9aca00 00 00")),
    ("active_connection_id_limit of 1", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x0E, varint(1))),
    ("initial_max_streams_bidi above 2^60", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x08, bytes.fromhex(OVER_2_60))),
    ("initial_max_streams_uni above 2^60", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x09, bytes.fromhex(OVER_2_60))),
    ("another initial_source_connection_id", "9000 7.3", TRANSPORT_PARAMETER, parameter(0x0F, b"DUMMY")),
    ("disable_active_migration with a value", "9000 18.2", TRANSPORT_PARAMETER, parameter(0x0C, b"\1")),
    ("a number that is not one", "9000 18", TRANSPORT_PARAMETER, parameter(0x04, b"\1\2\3")),
    ("a transport parameter twice", "9000 7.4", TRANSPORT_PARAMETER, {"more_parameters": b"\x04\x01\x05"}),
    ("a transport parameter that is cut short", "9000 18", TRANSPORT_PARAMETER, {"more_parameters": b"\x40\x7f\x05"}),
    ("new keys before old ones", "9001 6.4", KEY_UPDATE, {"after": late_update}),
    ("no application protocol at all", "9001 8.1", NO_PROTOCOL, {"alpn": []}),
    ("an old session id", "9001 8.4", VIOLATION, {"tls": {"legacy_session_id": bytes(32)}}),
    ("TLS 1.2 alone", "9001 4.2", PROTOCOL_VERSION, {"tls": {"_supported_versions": [0x0303]}}),
    ("a Finished that is wrong", "9846 4.5.3", DECRYPT_ERROR, message(lambda said: said[:-1] + bytes([said[-1] ^ 1]))),
    ("a certificate that nobody asked for", "9846 4.5", UNEXPECTED_MESSAGE, message(lambda said: b"\x0b\0\0\4\0\0\0\0" + said)),
    ("a second ClientHello", "9846 4.1.1", UNEXPECTED_MESSAGE, message(lambda said: b"\x01\0\0\2\3\3" + said)),
    ("HANDSHAKE_DONE in a 0-RTT packet", "9000 12.5", VIOLATION, {"resumed": True, **before(ZERO_RTT, "1e")}),
    ("an acknowledgement in a 0-RTT packet", "9000 12.5", VIOLATION, {"resumed": True, **before(ZERO_RTT, "02 00 00 00 00")}),
]


def ticket():
    """A ticket of an honest visit, good for early data. It waits for SETTINGS."""
    with Liar(CA, HOST, PORT) as liar:
        liar.connection.send_stream_data(2, bytes.fromhex("000400"))
        if not liar.until(lambda: liar.tickets, WITHIN_S):
            raise AssertionError("no ticket came")
        if not liar.tickets[0].max_early_data_size:
            raise AssertionError("the ticket is not for early data")
        return liar.tickets[0]


def early_ticket():
    """The same, from a server that takes early data by now: none does before it has run for as long as a first flight may be late."""
    for _ in range(60):
        with Liar(CA, HOST, PORT, ticket=ticket()) as liar:
            liar.until(lambda: liar.is_confirmed, WITHIN_S)
            if liar.connection.tls.early_data_accepted:
                return ticket()
        time.sleep(1)
    raise AssertionError("no early data is taken")


def run(name, wanted, after=None, resumed=False, **lie):
    with Liar(CA, HOST, PORT, ticket=early_ticket() if resumed else None, **lie) as liar:
        if after is not None:
            if not liar.until(lambda: liar.is_confirmed, WITHIN_S):
                raise AssertionError(f"{name}: the handshake came to nothing, {liar.closed}")
            after(liar)
        liar.until(lambda: liar.closed, WITHIN_S)
        code, is_transport = liar.closed or (None, False)
        allowed = wanted if isinstance(wanted, tuple) else (wanted,)
        return None if is_transport and code in allowed else f"{name}: {code} in place of {allowed}"


def main():
    chosen = [row for row in (*H3SPEC, *BEYOND) if not WORDS or any(word in row[0] for word in WORDS)]
    said = [run(name, wanted, **lie) for name, _, wanted, lie in chosen]
    if any(said) or not said:
        sys.exit("\n".join(filter(None, said)) or "no such check")
    print(f"{len(chosen)} rules")


main()
