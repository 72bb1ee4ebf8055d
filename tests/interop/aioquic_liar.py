"""A QUIC client of aioquic's that can be told to send what is forbidden: frames and packets made by hand under its own keys,
transport parameters and TLS messages changed on their way out."""

import socket
import time

from aioquic.buffer import Buffer, encode_uint_var
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, StopSendingReceived, StreamDataReceived, StreamReset
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import Epoch

INITIAL, ZERO_RTT, HANDSHAKE, ONE_RTT = Epoch.INITIAL, Epoch.ZERO_RTT, Epoch.HANDSHAKE, Epoch.ONE_RTT
LONG_HEADERS = {INITIAL: 0xC0, ZERO_RTT: 0xD0, HANDSHAKE: 0xE0}
SMALLEST_INITIAL = 1200


class Connection(QuicConnection):
    """What a lie changes within the connection: `parameters` (a number's value as bytes, None to leave it out), `extensions` (of the
    ClientHello, instead of the transport parameters), `messages` (a function of a level and of what TLS says there)."""

    def __init__(self, lie, **more):
        self.lie, self.heard = lie, None
        super().__init__(**more)

    def _handle_connection_close_frame(self, context, frame_type, buf):
        is_first = self._close_event is None
        super()._handle_connection_close_frame(context, frame_type, buf)
        if is_first:
            self.heard = (self._close_event.error_code, self._close_event.frame_type is not None)

    def _initialize(self, peer_cid):
        super()._initialize(peer_cid)
        if "extensions" in self.lie:
            parameters = self._serialize_transport_parameters()
            self.tls.handshake_extensions = [(number, parameters) for number in self.lie["extensions"]]
        for name, value in self.lie.get("tls", {}).items():
            setattr(self.tls, name, value)

    def _serialize_transport_parameters(self):
        said, entries = Buffer(data=super()._serialize_transport_parameters()), {}
        while not said.eof():
            number, length = said.pull_uint_var(), said.pull_uint_var()
            entries[number] = said.pull_bytes(length)
        entries.update(self.lie.get("parameters", {}))
        coded = [(encode_uint_var(number), value) for number, value in entries.items() if value is not None]
        listed = b"".join(number + encode_uint_var(len(value)) + value for number, value in coded)
        return listed + self.lie.get("more_parameters", b"")

    def _push_crypto_data(self):
        for level, buffer in self._crypto_buffers.items():
            said = buffer.data
            buffer.seek(0)
            buffer.push_bytes(self.lie.get("messages", lambda _, said: said)(level, said))
        super()._push_crypto_data()


class Liar:
    """One connection and its socket, driven until something is heard. `at` is the level at which `say` gets its turn first: the moment
    when that level's keys are there, before anything else leaves under them."""

    def __init__(self, ca, host, port, alpn=("h3",), at=None, say=None, ticket=None, settings=None, **lie):
        config = QuicConfiguration(is_client=True, alpn_protocols=list(alpn) or None, server_name=host, session_ticket=ticket)
        config.load_verify_locations(ca)
        config.supported_versions = [QuicProtocolVersion.VERSION_1]
        for name, value in (settings or {}).items():
            setattr(config, name, value)
        self.tickets, self.stopped, self.heard = [], {}, {}
        self.at, self.say, self.is_silent = at, say, False
        self.connection = Connection(lie, configuration=config, session_ticket_handler=self.tickets.append)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.address = ("127.0.0.1", int(port))
        self.connection.connect(self.address, now=time.monotonic())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.closed is None:
            self.connection.close(0x100)
            self.leave()
        self.socket.close()

    def send(self):
        """What aioquic has to say leaves, behind the lie if it is its time."""
        if self.at is not None and self.connection._cryptos[self.at].send.is_valid():
            if self.at == ZERO_RTT:
                self.leave()
            self.at = None
            self.say(self)
        self.leave()

    def leave(self):
        if self.is_silent:
            return
        for datagram, _ in self.connection.datagrams_to_send(now=time.monotonic()):
            self.socket.sendto(datagram, self.address)

    def packet(self, level, payload, reserved=0, number_bytes=2):
        """One packet made by hand, in a datagram of its own; `reserved` goes into its first byte."""
        connection = self.connection
        number = connection._packet_number
        connection._packet_number += 1
        payload += bytes(max(0, 4 - number_bytes - len(payload)))
        if level == INITIAL:
            payload += bytes(SMALLEST_INITIAL - len(payload))
        crypto, peer, own = connection._cryptos[level], connection._peer_cid.cid, connection.host_cid
        first = LONG_HEADERS[level] if level != ONE_RTT else 0x40 | crypto.key_phase << 2
        header = bytes([first | reserved | number_bytes - 1])
        if level == ONE_RTT:
            header += peer
        else:
            header += bytes.fromhex("00000001") + bytes([len(peer)]) + peer + bytes([len(own)]) + own
            header += b"\0" if level == INITIAL else b""
            header += encode_uint_var(len(payload) + number_bytes + crypto.aead_tag_size)
        header += (number & 0xFFFF).to_bytes(number_bytes, "big")
        self.socket.sendto(crypto.encrypt_packet(header, payload, number), self.address)

    @property
    def closed(self):
        """The code by which the server closed the connection, and whether it is one of QUIC's own."""
        return self.connection.heard

    def hear(self, event):
        """For those who want to know more."""

    def move(self):
        """Goes on from another port, as behind a NAT that forgot."""
        self.socket.close()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    @property
    def is_confirmed(self):
        return self.connection._handshake_confirmed

    def until(self, done, seconds):
        """Goes on until `done` says so, or for so long. Returns what `done` says."""
        deadline = time.monotonic() + seconds
        self.send()
        while not done() and (left := deadline - time.monotonic()) > 0:
            timer = self.connection.get_timer()
            self.socket.settimeout(max(0.001, min(left, (timer or deadline) - time.monotonic())))
            try:
                datagram, address = self.socket.recvfrom(65536)
                self.connection.receive_datagram(datagram, address, now=time.monotonic())
            except TimeoutError:
                self.connection.handle_timer(now=time.monotonic())
            self.note()
            self.send()
        return done()

    def note(self):
        while (event := self.connection.next_event()) is not None:
            self.hear(event)
            if isinstance(event, ConnectionTerminated) and self.closed is None:
                raise ConnectionError(f"aioquic gave up: {event.error_code:#x} {event.reason_phrase}")
            elif isinstance(event, StreamReset | StopSendingReceived):
                self.stopped[event.stream_id] = event.error_code
            elif isinstance(event, StreamDataReceived):
                self.heard[event.stream_id] = self.heard.get(event.stream_id, b"") + event.data
