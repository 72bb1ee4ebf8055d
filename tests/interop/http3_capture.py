"""What a capture on loopback shows of HTTP/3: whether a client was sent the PRELOAD frame, and on which stream."""

import signal
import struct
import subprocess
import time

from capture_cases import await_capture, await_close
from suite import check, shown

SETTINGS, PRELOAD = 4, 240
# A server's first unidirectional stream.
CONTROL = 3
# What QUIC's datagrams have at the beginning, before anybody has found out whether more fits.
FIRST_BYTES = 1200
ETHERNET, IPV4, UDP = 14, 20, 8
RECORD = 16


def frame_comes(world, server, keys, load):
    """Does `load`, and checks that a client then had the frame on the server's control stream, behind SETTINGS. Gives back what
    `load` did."""
    file = world.scratch / f"capture-{server.port}-{time.monotonic_ns()}.pcap"
    capture = world.start(
        "tshark", "-Q", "-i", "lo", "-f", f"udp port {server.port}", "-F", "pcap", "-w", file,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )
    await_capture(capture, file)
    done = load()
    await_close(file)
    capture.send_signal(signal.SIGINT)
    capture.wait(timeout=10)
    file.write_bytes(cut(file.read_bytes(), server.port))
    sent = control_streams(world, file, server.port, keys)
    check(sent, "the capture has nothing of a control stream of the server's")
    # Whoever comes again over a ticket is told nothing twice.
    check(any(first_frames(stream)[:2] == [SETTINGS, PRELOAD] for stream in sent), f"control streams: {shown(repr(sent))}")
    return done


def control_streams(world, file, port, keys):
    """What the server's control streams carried, a connection each: decrypted by tshark, in the order of packets, since nothing is
    lost on loopback."""
    fields = [word for name in ("udp.dstport", "quic.stream.stream_id", "quic.stream_data") for word in ("-e", name)]
    decode = ["-o", f"tls.keylog_file:{keys}", "-d", f"udp.port=={port},quic"]
    wanted = f"quic.stream.stream_id == {CONTROL} and udp.srcport == {port}"
    streams = {}
    for line in world.run("tshark", "-r", file, *decode, "-Y", wanted, "-T", "fields", *fields).stdout.splitlines():
        client, ids, parts = (cell.split(",") for cell in line.split("\t"))
        data = [part for stream, part in zip(ids, parts) if int(stream, 0) == CONTROL]
        streams[client[0]] = streams.get(client[0], b"") + bytes.fromhex("".join(data))
    return [*streams.values()]


def first_frames(stream):
    """The types of a control stream's frames, whose first byte is the stream's own type."""
    kinds, at = [], 1
    while at < len(stream):
        kind, at = varint(stream, at)
        length, at = varint(stream, at)
        if at + length > len(stream):
            break
        kinds.append(kind)
        at += length
    return kinds


def varint(stream, at):
    """An integer of QUIC's, and where it ends."""
    length = 1 << (stream[at] >> 6)
    return int.from_bytes(stream[at:at + length], "big") & ((1 << 8 * length - 2) - 1), at + length


def cut(capture, port):
    """A capture on loopback has what leaves in one system call as one datagram. The first of a connection is cut into
    those that it is; of the others nothing is asked here."""
    out, at = [capture[:24]], 24
    order = "<" if capture[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    while at + RECORD <= len(capture):
        seconds, parts, length, _ = struct.unpack(f"{order}4I", capture[at:at + RECORD])
        packet = capture[at + RECORD:at + RECORD + length]
        at += RECORD + length
        head, payload = packet[:ETHERNET + IPV4 + UDP], packet[ETHERNET + IPV4 + UDP:]
        ip, udp = head[ETHERNET:ETHERNET + IPV4], head[ETHERNET + IPV4:]
        is_ours = int.from_bytes(udp[:2], "big") == port
        step = first_bytes(payload, is_ours)
        for begin in range(0, len(payload), step):
            segment = payload[begin:begin + step]
            of_ip, of_udp = (struct.pack(">H", size + len(segment)) for size in (IPV4 + UDP, UDP))
            whole = head[:ETHERNET] + ip[:2] + of_ip + ip[4:] + udp[:4] + of_udp + bytes(2) + segment
            out += [struct.pack(f"{order}4I", seconds, parts, len(whole), len(whole)), whole]
    return b"".join(out)


def first_bytes(payload, is_ours):
    """How long the datagrams are that begin with this one, where its first packet is an Initial. Our server's have what QUIC
    begins with; a client's next one begins with another Initial for the same connection ID."""
    if len(payload) <= FIRST_BYTES or payload[0] & 0xb0 != 0x80:
        return max(len(payload), 1)
    if is_ours:
        return FIRST_BYTES
    same = payload[1:6 + payload[5]]
    at = payload.find(same, FIRST_BYTES)
    return at - 1 if at > 0 and payload[at - 1] & 0xb0 == 0x80 else len(payload)
