"""Handshakes with OpenSSL and Go, both ways: each case asks what the other side's program says of it."""

import re
import subprocess
import time

from peers import HOST, SITE, await_port, free_port
from suite import case, check, check_in, shown
from tls_cases import GET, Talk, gnutls, s_client

PAGE = (SITE / "index.html").read_bytes()


# Go, and OpenSSL's server, as peers

def go_client(world, server, *options, ca=None, status=0):
    """What Go's client says of its connections to a server of ours, a line of each."""
    where = ["-address", f"127.0.0.1:{server.port}", "-name", HOST, "-ca", ca or world.ca]
    return world.run(world.go("end"), "client", *where, *options, status=status).stdout.splitlines()


class GoServer:
    """Go's server of one answer a connection."""

    def __init__(self, world, *options, leaf=None):
        cert, key = leaf or world.authority.ecdsa
        self.port = free_port()
        words = [world.go("end"), "server", "-address", f"127.0.0.1:{self.port}", "-cert", cert, "-key", key]
        child = world.start(*words, *options, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.talk = Talk(child)
        await_port(self.port, child)

    def told(self):
        """What it says of the next connection."""
        return self.talk.until(r"(.*)\n")


class OpensslServer:
    """openssl's s_server; with -www it answers with a page that tells of the connection."""

    def __init__(self, world, *options, leaf=None):
        cert, key = leaf or world.authority.ecdsa
        self.port = free_port()
        words = ["openssl", "s_server", "-accept", f"127.0.0.1:{self.port}", "-cert", cert, "-key", key, "-tls1_3"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        child = world.start(*words, "-alpn", "http/1.1", *options, **pipes)
        self.talk = Talk(child)
        await_port(self.port, child)


def fetch(world, server, *options, name=HOST, ca=None, status=0):
    """Our client's body from a server that is not ours."""
    where = ["--cacert", ca or world.authority.ca, "--resolve", f"{name}:{server.port}:127.0.0.1"]
    words = ["sakigake", "fetch", f"https://{name}:{server.port}/", *where, "-o", "-"]
    return world.run(*words, *options, status=status)


# Full handshakes, and those after a HelloRetryRequest

@case("go", seconds=240)
def go_completes_a_full_handshake_with_us(world):
    (told,) = go_client(world, world.server)
    check_in("TLS 1.3 resumed=false retried=false group=X25519MLKEM768", told)
    check_in(f"alpn=http/1.1 peer=\"Sakigake development server\" bytes={len(PAGE)}", told)


@case("go", seconds=240)
def go_follows_our_hello_retry_request(world):
    # Its only share is of a group that we lack.
    for group in ("CurveP384", "X25519"):
        (told,) = go_client(world, world.server, "-groups", f"SecP256r1MLKEM768,{group}")
        check_in(f"resumed=false retried=true group={group}", told)


@case("go", seconds=240)
def fetch_completes_a_full_handshake_with_go(world):
    server = GoServer(world)
    check_in("from Go", fetch(world, server).stdout)
    check_in("TLS 1.3 resumed=false retried=false group=X25519MLKEM768", server.told())


@case("go", seconds=240)
def fetch_follows_gos_hello_retry_request(world):
    server = GoServer(world, "-groups", "CurveP384")
    check_in("from Go", fetch(world, server).stdout)
    check_in("TLS 1.3 resumed=false retried=true group=CurveP384", server.told())


@case("openssl")
def fetch_completes_a_full_handshake_with_openssl(world):
    check_in("New, TLSv1.3, Cipher is TLS_", fetch(world, OpensslServer(world, "-www")).stdout)


@case("openssl")
def fetch_follows_openssls_hello_retry_request(world):
    server = OpensslServer(world, "-www", "-msg", "-groups", "P-384")
    check_in("New, TLSv1.3", fetch(world, server).stdout)
    said = server.talk.until(r"[\s\S]*>>> TLS 1\.3, Handshake .*Finished")
    count = len(re.findall(r"<<< TLS 1\.[0-3], Handshake .*ClientHello", said))
    check(count == 2, f"openssl received {count} ClientHello: {shown(said)}")


# Resumption

@case("openssl")
def openssl_resumes_with_us_and_begins_anew_under_another_name(world):
    server, session = world.server, world.scratch / "openssl.session"
    session.unlink(missing_ok=True)
    page = ["-alpn", "http/1.1", "-ign_eof"]

    def said(*options):
        done = s_client(world, *page, *options, stdin=GET)
        check_in("HTTP/1.1 200", done.stdout)
        return done.stdout

    check_in("New, TLSv1.3", said("-sess_out", session))
    check_in("Reused, TLSv1.3", said("-sess_in", session))
    retried = said("-sess_in", session, "-groups", "P-521:P-384", "-msg")
    check_in("Reused, TLSv1.3", retried)
    count = len(re.findall(r">>> TLS 1\.[0-3], Handshake .*ClientHello", retried))
    check(count == 2, f"there was no HelloRetryRequest: {count} ClientHello")
    # Its own store does not look at the name: that the ticket is for another one is ours to see.
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", world.ca, *page]
    done = world.run(*words, "-servername", "localhost", "-sess_in", session, stdin=GET)
    check_in("New, TLSv1.3", done.stdout)


@case("openssl")
def openssl_resumes_with_a_new_process_of_ours_under_keys_in_a_file_alone(world):
    """The certificate is the same one too: tickets rest on it, and a development CA's leaf is a new one at each start."""
    folder, port = world.folder("tickets"), free_port()
    cert, key = world.authority.ecdsa
    for keys, after in (("", "New, TLSv1.3"), ('[tickets]\nkeys = "tickets.keys"\n', "Reused, TLSv1.3")):
        config, session = folder / "sakigake.toml", folder / "session"
        hosts = f'[hosts."{HOST}"]\nfolder = "{SITE}"\ncertificate = "{cert}"\nkey = "{key}"\n'
        config.write_text(f'listen = "127.0.0.1:{port}"\n{keys}{hosts}')
        for option, expected in (("-sess_out", "New, TLSv1.3"), ("-sess_in", after)):
            child = world.start("sakigake", "run", config, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            await_port(port, child)
            words = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", world.authority.ca, "-servername", HOST]
            done = world.run(*words, "-alpn", "http/1.1", "-ign_eof", option, session, stdin=GET)
            check_in(expected, done.stdout, f"what openssl says with {keys or 'keys in memory'}")
            child.terminate()
            child.wait(timeout=20)


@case("go", seconds=240)
def go_resumes_with_us_after_a_hello_retry_request_too(world):
    for groups, retried in (("X25519MLKEM768", "false"), ("SecP256r1MLKEM768,CurveP384", "true")):
        told = go_client(world, world.server, "-times", 3, "-groups", groups)
        for line, resumed in zip(told, ("false", "true", "true"), strict=True):
            check_in(f"TLS 1.3 resumed={resumed} retried={retried}", line)
            check_in(f"bytes={len(PAGE)}", line)


@case("gnutls-cli")
def gnutls_resumes_with_us(world):
    done = gnutls(world, "-r", "--waitresumption", "--alpn=http/1.1", stdin="")
    check_in("*** This is a resumed session", done.stdout)


# Our client comes again

def fetch_twice(world, server, *options):
    """What a first and a second run of `fetch -v` say of their handshakes; tickets are kept in the data folder."""
    said = [fetch(world, server, "-v", *options).stderr for _ in range(2)]
    return [re.search(r"TLS: (.*)", notes)[1] for notes in said]


@case("openssl")
def fetch_resumes_with_openssl(world):
    server = OpensslServer(world, "-www")
    check(fetch_twice(world, server) == ["full handshake", "resumed"], "fetch did not resume")
    check_in("Reused, TLSv1.3, Cipher is TLS_", fetch(world, server).stdout)
    check_in("New, TLSv1.3, Cipher is TLS_", fetch(world, server, "--no-tickets").stdout)
    retrying = OpensslServer(world, "-www", "-groups", "P-384")
    check(fetch_twice(world, retrying) == ["full handshake", "resumed"], "fetch did not resume after a retry")


@case("go", seconds=240)
def fetch_resumes_with_go(world):
    for options, retried in (((), "false"), (("-groups", "CurveP384"), "true")):
        server = GoServer(world, "-times", "2", *options)
        check(fetch_twice(world, server) == ["full handshake", "resumed"], "fetch did not resume")
        check_in(f"TLS 1.3 resumed=false retried={retried}", server.told())
        check_in(f"TLS 1.3 resumed=true retried={retried}", server.told())


# Early data

@case("openssl")
def openssl_hears_what_became_of_its_early_data(world):
    """A server that begins refuses it for some seconds: it cannot know what came before."""
    folder, port = world.folder("early"), free_port()
    config, session, early = folder / "sakigake.toml", folder / "session", folder / "early"
    config.write_text(
        f'listen = "127.0.0.1:{port}"\n[tickets]\nearly_data = true\n[hosts."{HOST}"]\nfolder = "{SITE}"\n'
    )
    early.write_text(GET)
    child = world.start("sakigake", "run", config, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await_port(port, child)
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", world.ca, "-servername", HOST]
    words += ["-alpn", "http/1.1", "-ign_eof"]

    def ask(*options, stdin=GET):
        """Asks for a session, then for the page in early data of a connection that goes on with it."""
        world.run(*words, "-sess_out", session, stdin=GET)
        said = world.run(*words, "-sess_in", session, "-early_data", early, *options, stdin=stdin).stdout
        check_in("Reused, TLSv1.3", said)
        return said

    check_in("Early data was rejected", ask("-groups", "P-521:P-384"), "what openssl says after a HelloRetryRequest")
    deadline = time.monotonic() + 60
    while "Early data was rejected" in (said := ask()):
        check(time.monotonic() < deadline, "early data is refused for ever")
        time.sleep(1)
    check_in("Early data was accepted", said)
    check_in("HTTP/1.1 200", said)
    check_in(PAGE.decode(), said, "the page")


@case("openssl")
def openssl_gets_our_early_data_once(world):
    """It takes it, or refuses it by a HelloRetryRequest: then it comes again when the handshake is over."""
    early = world.folder("our-early-data") / "early"
    early.write_text("first words\n")
    trust = ["--cacert", world.authority.ca, "--servername", HOST, "--alpn", "http/1.1"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # Its register would use up the session at the first ClientHello, and not know it at the second.
    taking = ["-early_data", "-max_early_data", "1000", "-no_anti_replay"]
    for group, heard, told in (("X25519", "received:", "accepted"), ("P-384", "was rejected", "rejected")):
        server = OpensslServer(world, *taking, "-groups", group)
        words = ["sakigake", "tls", "connect", f"127.0.0.1:{server.port}", *trust, "--tickets", "--early-data", early]
        for visit in range(2):
            child = world.start(*words, **pipes)
            server.talk.say("an answer\n")
            check(child.stdout.readline() == b"an answer\n", "no answer came")
            child.stdin.write(b"last words\n")
            child.stdin.close()
            said = server.talk.until(r"(?s)(.*)last words\n")
            check(said.count("first words\n") == 1, f"it came {said.count('first words')} times: {said}")
            check_in(f"Early data {heard}" if visit else "No early data received", said)
            notes = child.stderr.read().decode()
            check(("early data " + told in notes) == bool(visit), notes)
            child.wait()


# Certificates that are refused

# What is wrong with a leaf, what openssl says of it, and the alerts that openssl, Go and we send.
WRONG = (
    ("expired", "certificate has expired", "certificate_expired", "bad_certificate", "certificate_expired"),
    ("other-name", "hostname mismatch", "bad_certificate", "bad_certificate", "bad_certificate"),
    ("unknown-ca", "unable to get local issuer certificate", "unknown_ca", "bad_certificate", "unknown_ca"),
)
# The same alerts as openssl and Go name what they receive.
NAMES = {
    "certificate_expired": ("sslv3 alert certificate expired", "expired certificate"),
    "bad_certificate": ("sslv3 alert bad certificate", "bad certificate"),
    "unknown_ca": ("tlsv1 alert unknown ca", "unknown certificate authority"),
    "unsupported_certificate": ("sslv3 alert unsupported certificate", "unsupported certificate"),
    "certificate_required": ("tlsv13 alert certificate required", "certificate required"),
}


def wrong_leaf(world, wrong):
    """A leaf with what is wrong with it, and the CA that the other side is told to trust."""
    authority = world.authority
    if wrong == "expired":
        return authority.leaf("expired", dates=("20200101000000Z", "20200201000000Z")), authority.ca
    if wrong == "other-name":
        return authority.leaf("other-name", names="DNS:other.test"), authority.ca
    return authority.ecdsa, world.ca


@case("openssl", "go", seconds=240)
def openssl_and_go_refuse_our_certificate_and_we_name_their_alerts(world):
    for wrong, why, of_openssl, of_go, _ in WRONG:
        leaf, ca = wrong_leaf(world, wrong)
        server = Accept(world, leaf)
        words = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", HOST]
        verify = ["-CAfile", ca, "-verify_return_error", "-verify_hostname", HOST]
        done = world.run(*words, *verify, stdin="", status=None)
        check(done.returncode != 0, f"{wrong}: openssl took it")
        check_in(why, done.stdout.lower() + done.stderr.lower(), f"{wrong}: what openssl says")
        server.ends_with(of_openssl)
        server = Accept(world, leaf)
        told = go_client(world, server, ca=ca)
        check(told[0].startswith("error: tls: failed to verify certificate: x509: "), f"{wrong}: Go says {told}")
        server.ends_with(of_go)


class Accept:
    """`tls accept` of one connection: unlike `serve` it shows an expired certificate too."""

    def __init__(self, world, leaf):
        cert, key = leaf
        self.port = free_port()
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        words = ["sakigake", "tls", "accept", f"127.0.0.1:{self.port}", "--cert", cert, "--key", key]
        self.child = world.start(*words, "--alpn", "http/1.1", **pipes)
        await_port(self.port, self.child)

    def ends_with(self, alert):
        said = self.child.stdout.read().decode()
        check_in(f"the peer ended the connection with the alert {alert}\n", said)


@case("openssl", "go", seconds=240)
def fetch_refuses_certificates_of_openssl_and_go_which_name_our_alerts(world):
    for wrong, _, _, _, alert in WRONG:
        leaf, ca = wrong_leaf(world, wrong)
        in_openssl, in_go = NAMES[alert]
        server = OpensslServer(world, "-www", leaf=leaf)
        refused(fetch(world, server, ca=ca, status=None), wrong)
        server.talk.until(re.escape(f":{in_openssl}:"))
        server = GoServer(world, leaf=leaf)
        refused(fetch(world, server, ca=ca, status=None), wrong)
        told = server.told()
        check(told == f"error: remote error: tls: {in_go}", f"{wrong}: Go says {told}")


def refused(done, wrong):
    check(done.returncode != 0, f"{wrong}: it was taken")
    check_in("we refused the peer's certificate", done.stderr, f"{wrong}: what fetch says")


# Client certificates that are refused (those that are taken: identity_cases.py)

# What is wrong with the client's certificate, and the alerts that openssl and Go send.
WRONG_CLIENTS = (
    ("none", "certificate_required", "certificate_required"),
    ("of-a-ca-that-is-not-asked-for", "certificate_required", "certificate_required"),
    ("expired", "certificate_expired", "certificate_expired"),
    ("of-a-namesake", "unknown_ca", "unknown_ca"),
    ("for-servers", "unsupported_certificate", "bad_certificate"),
)


@case("openssl", "go", seconds=240)
def openssl_and_go_refuse_our_clients_certificate_and_we_name_their_alerts(world):
    for wrong, of_openssl, of_go in WRONG_CLIENTS:
        cert, key, ca = wrong_client(world, wrong)
        ours = ["--cert", cert, "--key", key] if cert else []
        required = ["-Verify", "1", "-verify_return_error", "-CAfile", ca]
        said = refusal(world, OpensslServer(world, "-www", *required), *ours)
        check_in(f"the peer ended the connection with the alert {of_openssl}\n", said, f"{wrong}: openssl")
        server = GoServer(world, "-clients", ca)
        said = refusal(world, server, *ours)
        check_in(f"the peer ended the connection with the alert {of_go}\n", said, f"{wrong}: Go")
        check_in("error: tls: ", server.told(), f"{wrong}: what Go says")


@case("openssl", "go", seconds=240)
def openssl_and_go_hear_why_we_refuse_their_certificate(world):
    for wrong, *_ in WRONG_CLIENTS:
        cert, key, ca = wrong_client(world, wrong)
        server = world.serve(SITE, "--client-ca", ca)
        verify = ["-CAfile", world.ca, "-verify_return_error", "-servername", HOST, "-alpn", "http/1.1", "-ign_eof"]
        theirs = ["-cert", cert, "-key", key] if cert else []
        words = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}"]
        done = world.run(*words, *verify, *theirs, stdin=GET, status=None)
        check_in("Requested Signature Algorithms: ", done.stdout, f"{wrong}: what openssl says")
        (told,) = go_client(world, server, *theirs)
        in_openssl, in_go = NAMES[OUR_ALERTS[wrong]]
        check_in(f":{in_openssl}:", done.stderr, f"{wrong}: what openssl says")
        check(told == f"error: remote error: tls: {in_go}", f"{wrong}: Go says {told}")


# What we tell a client that shows this. It is not told the names of our authorities, and shows what it has. A namesake's
# signature is wrong, which is worse than unknown.
OUR_ALERTS = {
    "none": "certificate_required",
    "of-a-ca-that-is-not-asked-for": "unknown_ca",
    "expired": "certificate_expired",
    "of-a-namesake": "bad_certificate",
    "for-servers": "unsupported_certificate",
}


def wrong_client(world, wrong):
    """A client's certificate with what is wrong with it, its key, and the CA that the server trusts."""
    authority = world.authority
    if wrong == "none":
        return None, None, authority.ca
    client = {"names": "email:a@saki.test", "usage": "clientAuth"}
    if wrong == "expired":
        dates = ("20200101000000Z", "20200201000000Z")
        return *authority.leaf("an-expired-client", dates=dates, **client), authority.ca
    if wrong == "of-a-ca-that-is-not-asked-for":
        return *authority.leaf("a-client", **client), world.ca
    if wrong == "of-a-namesake":
        # Of the same name, or our client would show nothing.
        return *authority.leaf("a-client", **client), authority.namesake
    return *authority.ecdsa, authority.ca


def refusal(world, server, *options):
    """What `tls connect` says in the end. It says nothing to the server: who closes with data unread resets the connection."""
    trust = ["--cacert", world.authority.ca, "--servername", HOST, "--alpn", "http/1.1"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    words = ["sakigake", "tls", "connect", f"127.0.0.1:{server.port}", *trust, *options]
    return world.start(*words, **pipes).stderr.read().decode()
