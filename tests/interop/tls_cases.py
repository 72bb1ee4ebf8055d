"""TLS clients of others against `sakigake serve`, and a client that withholds its Finished."""

import re
import socket
import ssl
import subprocess
import time

from peers import HOST, SITE
from suite import Failed, case, check, check_in, shown

PAGE = (SITE / "index.html").read_bytes()
GET = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"


def s_client(world, *options, stdin="", status=0, sni=True, server=None):
    """openssl's client, trusting our CA and refusing what does not verify."""
    port = (server or world.server).port
    trust = ["-CAfile", world.ca, "-verify_return_error", "-verify_hostname", HOST]
    name = ["-servername", HOST] if sni else []
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *trust, *name, *options]
    return world.run(*words, stdin=stdin, status=status)


def hello(world, *options, **more):
    """What openssl tells of a handshake over which nothing is asked."""
    done = s_client(world, "-alpn", "h2", *options, **more)
    check_in("Verify return code: 0 (ok)", done.stdout)
    check_in("New, TLSv1.3", done.stdout)
    return done.stdout


@case("openssl")
def openssl_negotiates_h2_and_verifies_the_development_ca(world):
    said = hello(world)
    check_in("ALPN protocol: h2", said)
    check_in("Peer signature type: ECDSA", said)


@case("openssl")
def openssl_reads_the_page_over_http_1_1(world):
    done = s_client(world, "-alpn", "http/1.1", "-ign_eof", stdin=GET)
    check_in("ALPN protocol: http/1.1", done.stdout)
    check_in("HTTP/1.1 200", done.stdout)
    check_in(PAGE.decode(), done.stdout, "the page")


@case("openssl")
def openssl_offering_tls_1_2_alone_gets_protocol_version(world):
    done = s_client(world, "-tls1_2", status=None)
    check(done.returncode != 0, "the handshake went through")
    check_in("alert protocol version", done.stderr)


@case("openssl")
def openssl_offering_an_unknown_protocol_gets_no_application_protocol(world):
    done = s_client(world, "-alpn", "smtp", status=None)
    check(done.returncode != 0, "the handshake went through")
    check_in("alert no application protocol", done.stderr)


@case("openssl")
def openssl_uses_each_cipher_suite(world):
    for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        check_in(f"Cipher is {suite}", hello(world, "-ciphersuites", suite))


@case("openssl")
def openssl_uses_each_group(world):
    for group, said in (("X25519", "X25519"), ("P-256", "ECDH, prime256v1"), ("P-384", "ECDH, secp384r1")):
        check_in(f"Server Temp Key: {said}", hello(world, "-groups", group))


@case("openssl")
def a_share_that_we_do_not_take_is_answered_with_a_hello_retry_request(world):
    for group, said in (("P-384", "secp384r1"), ("P-256", "prime256v1"), ("X25519", "X25519")):
        text = hello(world, "-msg", "-groups", f"P-521:{group}")
        count = len(re.findall(r">>> TLS 1\.[0-3], Handshake .*ClientHello", text))
        check(count == 2, f"{group}: {count} ClientHello")
        check_in(said, re.search(r"Server Temp Key: (.*)", text)[1])


@case("openssl")
def no_group_in_common_is_handshake_failure(world):
    done = s_client(world, "-groups", "P-521", status=None)
    check(done.returncode != 0, "the handshake went through")
    check_in("alert handshake failure", done.stderr)


@case("openssl")
def openssl_asking_for_an_unknown_host_gets_the_default_certificate(world):
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{world.server.port}", "-CAfile", world.ca]
    done = world.run(*words, "-servername", "unknown.test", "-alpn", "h2", stdin="")
    check_in("Verify return code: 0 (ok)", done.stdout)


@case("openssl")
def http_1_0_without_alpn_or_sni_gets_the_page_and_close_notify(world):
    done = s_client(world, "-noservername", "-msg", "-ign_eof", sni=False, stdin="GET / HTTP/1.0\r\n\r\n")
    check_in(PAGE.decode(), done.stdout, "the page")
    check(re.search(r"<<< .*Alert.*warning close_notify", done.stdout), "there was no close_notify")


@case("openssl")
def head_and_small_body_come_in_one_record(world):
    folder = world.folder("small")
    (folder / "small.txt").write_text("a small body")
    server = world.serve(folder)
    request = GET.replace("GET /", "GET /small.txt")
    done = s_client(world, "-alpn", "http/1.1", "-trace", "-ign_eof", stdin=request, server=server)
    check_in("a small body", done.stdout)
    received = [part.split("Sent Record")[0] for part in done.stdout.split("Received Record")[1:]]
    data = [record for record in received if "Inner Content Type = ApplicationData" in record]
    check(len(data) == 1, f"{len(data)} records of application data")


@case("openssl")
def openssl_preferring_rsa_is_shown_the_rsa_certificate(world):
    said = hello(world, "-sigalgs", "RSA-PSS+SHA256")
    check_in("Peer signature type: RSA-PSS", said)
    check(re.search(r"Server public key is (\d+) bit", said)[1] in ("2048", "3072"), "the key is no RSA key")


@case("openssl")
def openssl_taking_ed25519_alone_is_refused(world):
    done = s_client(world, "-sigalgs", "ed25519", status=None)
    check(done.returncode != 0, "the handshake went through")
    check_in("alert handshake failure", done.stderr)


@case("openssl")
def given_certificates_are_shown_by_signature_algorithm(world):
    (cert, key), (rsa_cert, rsa_key) = world.authority.ecdsa, world.authority.rsa
    server = world.serve(SITE, "--cert", cert, "--key", key, "--cert", rsa_cert, "--key", rsa_key)
    for algorithm, kind in (("ECDSA+SHA256", "ECDSA"), ("RSA-PSS+SHA256", "RSA-PSS")):
        words = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", world.authority.ca]
        more = ["-verify_return_error", "-verify_hostname", HOST, "-servername", HOST, "-sigalgs", algorithm]
        check_in(f"Peer signature type: {kind}", world.run(*words, *more, stdin="").stdout)


@case("openssl", seconds=20)
def openssl_updates_its_keys_and_asks_us_to(world):
    """Twice k (our peer's keys alone) and K (ours too), each before a request on the same connection."""
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{world.server.port}", "-CAfile", world.ca, "-msg"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    child = world.start(*words, "-servername", HOST, "-alpn", "http/1.1", **pipes)
    talk = Talk(child)
    talk.until(r"Verify return code: 0 \(ok\)")
    request = f"GET /img/seal.svg HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    for letter in "KkKk":
        talk.say(f"{letter}\n")
        talk.until(r">>> .*KeyUpdate")
        talk.say(request)
        if letter == "K":
            talk.until(r"<<< .*KeyUpdate")
        talk.until(r"HTTP/1\.1 200[\s\S]*</svg>")


class Talk:
    """A conversation with a program over pipes."""

    def __init__(self, child):
        self.child, self.heard = child, ""

    def say(self, text):
        self.child.stdin.write(text.encode())
        self.child.stdin.flush()

    def until(self, pattern):
        """Reads until the pattern came, and returns what it found; what came up to its end is done with."""
        while not (found := re.search(pattern, self.heard)):
            data = self.child.stdout.read1(65536)
            if not data:
                raise Failed(f"the end came before {pattern}: {shown(self.heard)}")
            self.heard += data.decode(errors="replace")
        self.heard = self.heard[found.end():]
        return found[found.re.groups and 1]


@case("gnutls-cli")
def gnutls_reads_the_page_with_each_group_and_suite(world):
    base = "NONE:+VERS-TLS1.3:+SIGN-ALL:+MAC-ALL:+COMP-NULL"
    suites, groups = "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305", "+GROUP-ALL"
    choices = [f"{base}:{suites}:+GROUP-{group}" for group in ("X25519", "SECP256R1", "SECP384R1")]
    choices += [f"{base}:{suite}:{groups}" for suite in suites.split(":")]
    for priority in choices:
        done = gnutls(world, f"--priority={priority}", "--alpn=http/1.1", stdin=GET)
        check_in("Status: The certificate is trusted", done.stdout)
        check_in("(TLS1.3", done.stdout)
        check_in("</html>", done.stdout, f"the page with {priority}")


@case("gnutls-cli")
def gnutls_is_retried_to_a_group_of_ours(world):
    priority = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-FFDHE2048:+GROUP-SECP384R1"
    done = gnutls(world, f"--priority={priority}", "--single-key-share", "--alpn=http/1.1", stdin=GET)
    check_in("(ECDHE-SECP384R1)", done.stdout)
    check_in("</html>", done.stdout, "the page")


@case("gnutls-cli")
def gnutls_takes_short_records(world):
    done = gnutls(world, "--recordsize=512", "--alpn=http/1.1", stdin=GET)
    check_in("</html>", done.stdout, "the page in records of 512 bytes")


def gnutls(world, *options, stdin):
    trust = [f"--x509cafile={world.ca}", f"--sni-hostname={HOST}", f"--verify-hostname={HOST}"]
    return world.run("gnutls-cli", *trust, "-p", world.server.port, *options, "127.0.0.1", stdin=stdin)


@case()
def a_client_that_withholds_its_finished_receives_settings_and_the_frame(world):
    frames = half_rtt_frames(world, ["h2"])
    check(frames[:2] == [(4, 0), (0xF0, 0)], f"frames (type, stream) before the client's Finished: {frames}")


@case()
def a_client_without_h2_that_withholds_its_finished_receives_nothing(world):
    frames = half_rtt_frames(world, ["http/1.1"])
    check(frames == [], f"frames before the client's Finished: {frames}")


def half_rtt_frames(world, alpn):
    """The HTTP/2 frames that the server sends while the client's Finished stays in our hands."""
    context = ssl.create_default_context(cafile=world.ca)
    context.set_alpn_protocols(alpn)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=HOST)
    with socket.create_connection(("127.0.0.1", world.server.port), timeout=5) as plain:
        sent_hello = False
        while not handshake_is_done(client):
            check(not sent_hello or outgoing.pending == 0, "the client has more to say before the server's Finished")
            plain.sendall(outgoing.read())
            sent_hello = True
            incoming.write(plain.recv(65536))
        check(client.version() == "TLSv1.3" and outgoing.pending > 0, "the client's Finished is not in our hands")
        return frames_within(client, incoming, plain, seconds=1.0)


def handshake_is_done(client):
    try:
        client.do_handshake()
        return True
    except ssl.SSLWantReadError:
        return False


def frames_within(client, incoming, plain, seconds):
    data, deadline = b"", time.monotonic() + seconds
    while True:
        try:
            data += client.read(65536)
            continue
        except ssl.SSLWantReadError:
            pass
        plain.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            more = plain.recv(65536)
        except TimeoutError:
            return frame_heads(data)
        check(more, "the server closed the connection")
        incoming.write(more)


def frame_heads(data):
    heads = []
    while len(data) >= 9:
        heads.append((data[3], int.from_bytes(data[5:9])))
        data = data[9 + int.from_bytes(data[:3]):]
    return heads
