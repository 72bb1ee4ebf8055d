"""What `sakigake serve` and `run` do over HTTP/3 beside serving files, seen by aioquic."""

import pathlib
import shutil
import signal
import subprocess
import urllib.request

from axum_cases import PROGRAM, axum
from identity_cases import alice, stranger
from peers import HOST, ROOT, SITE, await_port, free_port, is_listening
from suite import case, check

VISITS = ROOT / "tests/interop/aioquic_h3_visits.py"
QUIET = '[log]\naccess = "off"\n'


def visit(world, port, scenario, *more, host=HOST, ca=None):
    words = [VISITS, ca or world.ca, host, port, scenario, *more]
    return world.run("python", *words, seconds=90, cwd=ROOT / "tests/interop").stdout.strip()


def large(world):
    folder = world.folder("large")
    (folder / "large.bin").write_bytes(bytes(range(256)) * (1 << 12))
    return folder


class Configured:
    """`sakigake run` with a file that may change."""

    def __init__(self, world, text):
        self.port, self.file = free_port(), world.folder("configured") / "sakigake.toml"
        self.write(text)
        output = world.scratch / "configured.log"
        with open(output, "wb") as said:
            options = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": subprocess.STDOUT}
            self.child = world.start("sakigake", "run", self.file, **options)
        await_port(self.port, self.child, output)

    def write(self, text):
        self.file.write_text(f'listen = "127.0.0.1:{self.port}"\n{text}{QUIET}')


class Meanwhile:
    """A visit during which something happens to the server."""

    def __init__(self, world, port, *words, ca=None):
        self.said = world.scratch / "meanwhile.out"
        words = [world.program("python"), VISITS, ca or world.ca, HOST, port, *words]
        with open(self.said, "wb") as out:
            self.child = world.start(*words, stdin=subprocess.PIPE, stdout=out)
        while b"begun" not in self.said.read_bytes():
            check(self.child.poll() is None, "the visit has ended")

    def end(self):
        self.child.stdin.write(b"go on\n")
        self.child.stdin.close()
        check(self.child.wait(60) == 0, self.said.read_text())
        return self.said.read_text().splitlines()[-1]


@case("python")
def a_request_in_the_first_flight_is_answered_early_unless_it_may_change_something(world):
    return visit(world, world.serve(SITE, "--early-data").port, "early")


@case("python")
def a_request_for_a_host_that_is_not_here_is_misdirected_over_http3(world):
    hosts = (f'[hosts."{name}"]\nfolder = "{SITE}"\n' for name in (HOST, "other.saki.test"))
    return visit(world, Configured(world, "".join(hosts)).port, "misdirected")


@case(PROGRAM, "python")
def trailers_go_both_ways_over_http3(world):
    return visit(world, axum(world), "trailers", host="localhost")


@case("python", "openssl")
def a_host_asks_over_http3_who_its_clients_are_and_another_one_does_not(world):
    asking, authority = "intern.saki.test", world.authority
    parts = []
    for name in (HOST, asking):
        chain, key = authority.leaf(name, f"DNS:{name}")
        parts.append(f'[hosts."{name}"]\nfolder = "{SITE}"\ncertificate = "{chain}"\nkey = "{key}"\n')
    server = Configured(world, parts[0] + parts[1] + f'client_certificates = {{ ca = "{authority.ca}" }}\n')
    names = []
    for name, (chain, key) in (("alice", alice(world)), ("mallory", stranger(world))):
        names.append(world.folder("shown") / name)
        shutil.copy(chain, f"{names[-1]}.pem")
        shutil.copy(key, f"{names[-1]}.key")
    return visit(world, server.port, "identities", asking, *names, ca=authority.ca)


@case("python", "openssl")
def a_reload_shows_new_connections_over_http3_another_certificate_and_other_limits(world):
    authority, folder = world.authority, world.folder("renewed")
    shown = folder / "shown.pem", folder / "shown.key"

    def show(name):
        for source, target in zip(authority.leaf(name), shown):
            shutil.copy(source, target)

    show("before")
    text = f'[tls]\ncertificate = "{shown[0]}"\nkey = "{shown[1]}"\n[hosts."{HOST}"]\nfolder = "{SITE}"\n'
    server = Configured(world, text)
    meanwhile = Meanwhile(world, server.port, "renewal", ca=authority.ca)
    show("after")
    server.write(text + '[limits]\nidle = "5s"\nstreams = 7\n')
    server.child.send_signal(signal.SIGHUP)
    await_reload(world, server, authority.ca)
    return meanwhile.end()


def await_reload(world, server, ca):
    """Until the server shows the other certificate."""
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", HOST, "-showcerts"]
    after = pathlib.Path(world.folder("renewed") / "shown.pem").read_text().strip()
    while after not in world.run(*words, stdin="", status=None).stdout:
        check(server.child.poll() is None, "the server has ended")


@case("python")
def workers_hand_each_other_what_clients_over_http3_send_from_new_ports(world):
    server = Configured(world, f'workers = 4\n[hosts."{HOST}"]\nfolder = "{SITE}"\n')
    return visit(world, server.port, "workers", 24)


@case("python")
def a_response_over_http3_that_nobody_takes_is_given_up(world):
    server = Configured(world, f'[limits]\nstall = "2s"\n[hosts."{HOST}"]\nfolder = "{large(world)}"\n')
    return visit(world, server.port, "slow", "/large.bin", 1.5, 12)


@case("python")
def a_client_over_http3_that_asks_for_nothing_is_told_goodbye(world):
    server = Configured(world, f'[limits]\nidle = "2s"\n[hosts."{HOST}"]\nfolder = "{SITE}"\n')
    return visit(world, server.port, "idle", 1.5, 12)


@case("python")
def a_request_over_http3_that_does_not_go_on_is_given_up(world):
    return visit(world, world.server.port, "half", 5, 20)


@case("python")
def newcomers_over_http3_hear_at_once_that_a_server_which_stops_takes_none(world):
    server = world.serve(large(world))
    meanwhile = Meanwhile(world, server.port, "drain", "/large.bin")
    server.child.send_signal(signal.SIGTERM)
    while is_listening(server.port):  # From then on it takes nobody by TCP either.
        check(server.child.poll() is None, "the server has ended")
    said = meanwhile.end()
    check(server.child.wait(20) == 0, "the server ended badly")
    return said


@case("python")
def aioquic_passes_over_what_means_nothing(world):
    return visit(world, world.server.port, "meaningless")


@case("python")
def ls_qpack_reads_the_block_of_the_preload_frame(world):
    return visit(world, world.server.port, "preload", SITE)


@case("python")
def what_clients_broke_over_http3_is_counted_by_its_code(world):
    port = free_port()
    server = world.serve(SITE, "--metrics", f"127.0.0.1:{port}")
    world.run("python", ROOT / "tests/interop/aioquic_h3_rules.py", world.ca, HOST, server.port, "rules", seconds=90)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as told:
        lines = told.read().decode().splitlines()
    counts = dict(line.rsplit(" ", 1) for line in lines if line.startswith(("sakigake_resets_total", "sakigake_goaways_total")))
    for family, code in (
        ('sakigake_goaways_total{direction="sent",code=', "H3_FRAME_UNEXPECTED"),
        ('sakigake_goaways_total{direction="sent",code=', "QPACK_DECODER_STREAM_ERROR"),
        ("sakigake_resets_total{code=", "H3_MESSAGE_ERROR"),
    ):
        check(int(counts.get(f'{family}"{code}"}}', 0)) > 0, f"{family} {code}: {counts}")
    check(not any('"other"' in name for name in counts), counts)
    return f"{len(counts)} codes"
