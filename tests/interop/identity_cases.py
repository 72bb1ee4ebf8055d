"""Clients that show a certificate of their own: others' to our server, ours to others' servers."""

from client_cases import nginx
from handshake_cases import PAGE, GoServer, OpensslServer, fetch, go_client
from peers import SITE
from suite import case, check, check_in
from tls_cases import GET, s_client


def alice(world):
    """A certificate for a client, and its key."""
    return world.authority.leaf("alice", usage="clientAuth")


def stranger(world):
    """One that nobody issued but its bearer."""
    cert, key = world.folder("stranger") / "cert.pem", world.scratch / "stranger" / "key.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=mallory"]
    ends = ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", cert, "-days", "2"]
    world.run("openssl", *words, *ends)
    return cert, key


def asking(world, *options):
    """Our server, which asks clients for certificates of the authority."""
    return world.serve(SITE, "--client-ca", world.authority.ca, *options)


def as_(identity):
    cert, key = identity
    return ["-cert", cert, "-key", key]


@case("openssl")
def openssl_shows_its_certificate_to_serve(world):
    server = asking(world)
    mark = server.mark()
    done = s_client(world, "-alpn", "http/1.1", "-ign_eof", *as_(alice(world)), stdin=GET, server=server)
    check_in("HTTP/1.1 200", done.stdout)
    check_in(PAGE.decode(), done.stdout, "the page")
    (line,) = server.requests(mark)
    check(line["identity"] == "CN=alice", f"the log says {line}")


@case("openssl")
def openssl_without_a_certificate_or_with_a_strangers_hears_why_serve_refuses(world):
    server = asking(world)
    for options, alert in (([], "alert certificate required"), (as_(stranger(world)), "alert unknown ca")):
        done = s_client(world, "-alpn", "http/1.1", "-ign_eof", *options, stdin=GET, server=server, status=None)
        check(done.returncode != 0 or "HTTP/1.1" not in done.stdout, f"{options}: it was served")
        check_in(alert, done.stderr.lower() + done.stdout.lower())


@case("openssl")
def serve_lets_anonymous_clients_in_where_certificates_are_optional(world):
    server = asking(world, "--client-optional")
    mark = server.mark()
    done = s_client(world, "-alpn", "http/1.1", "-ign_eof", stdin=GET, server=server)
    check_in("HTTP/1.1 200", done.stdout)
    (line,) = server.requests(mark)
    check("identity" not in line, f"the log says {line}")


@case("curl")
def curl_shows_its_certificate_to_serve(world):
    server = asking(world)
    cert, key = alice(world)
    words = ["curl", "-sS", "--cacert", world.ca, "--resolve", server.resolve, server.url + "/"]
    for version in ("--http2", "--http1.1"):
        done = world.run(*words, version, "--cert", cert, "--key", key)
        check(done.stdout == PAGE.decode(), f"{version}: another page")
    done = world.run(*words, status=None)
    check(done.returncode != 0 and not done.stdout, "it was served without a certificate")


@case("openssl")
def fetch_shows_its_certificate_to_openssl(world):
    cert, key = alice(world)
    verify = ["-Verify", "2", "-verify_return_error", "-CAfile", world.authority.ca]
    page = fetch(world, OpensslServer(world, "-www", *verify), "-E", cert, "--key", key).stdout
    check_in("alice", page, "openssl's page")
    done = fetch(world, OpensslServer(world, "-www", *verify), status=None)
    check(done.returncode != 0, "it was served without a certificate")


@case("openssl")
def fetch_shows_its_certificate_to_serve(world):
    server = asking(world)
    cert, key = alice(world)
    words = ["sakigake", "fetch", server.url + "/", "--cacert", world.ca, "--resolve", server.resolve, "-o", "-"]
    done = world.run(*words, "--cert", cert, "--key", key)
    check(done.stdout == PAGE.decode(), "another page")
    done = world.run(*words, status=None)
    check(done.returncode != 0 and not done.stdout, "it was served without a certificate")
    check_in("certificate_required", done.stderr)


@case("go", seconds=240)
def go_shows_its_certificate_to_serve(world):
    server = asking(world)
    cert, key = alice(world)
    mark = server.mark()
    (told,) = go_client(world, server, "-cert", cert, "-key", key)
    check_in(f"bytes={len(PAGE)}", told)
    (line,) = server.requests(mark)
    check(line["identity"] == "CN=alice", f"the log says {line}")


@case("go", seconds=240)
def fetch_shows_its_certificate_to_go(world):
    server = GoServer(world, "-clients", world.authority.ca)
    cert, key = alice(world)
    check_in("from Go", fetch(world, server, "--cert", cert, "--key", key).stdout)
    check_in('peer="alice"', server.told())


@case("nginx")
def fetch_shows_its_certificate_to_nginx(world):
    class Server:
        port = nginx(world, f"ssl_client_certificate {world.authority.ca}; ssl_verify_client on;")

    cert, key = alice(world)
    for version in ("--http2", "--http1.1"):
        done = fetch(world, Server, version, "--cert", cert, "--key", key)
        check(done.stdout == PAGE.decode(), f"{version}: another page")
        done = fetch(world, Server, version, "-i")
        check_in(" 400", done.stdout.splitlines()[0])
