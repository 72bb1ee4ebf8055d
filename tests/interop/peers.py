"""The programs on both sides of a case, their certificates, and their ends."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from suite import Failed, Skipped, find, shown

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SITE = ROOT / "examples/site"
HOST = "www.saki.test"
SECONDS = 30
# Programs of ours by stacks that others wrote, and how each is built; `cargo xtask interop http3` builds all of them.
STACKS = {
    "h3-client": "cargo build --release -p h3-client, in peers/, into the product's target folder",
    "quiche-h3": "the same in peers/quiche, with cmake, a C++ compiler and libclang",
}


class World:
    """What cases share: our server and its CA, a folder for scratch, and every child that was started."""

    def __init__(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="sakigake-interop-"))
        self.children = []
        self.case_children = []
        self._server = None
        self._authority = None
        self.environment = {**os.environ, "XDG_DATA_HOME": str(self.scratch / "data"), "NO_COLOR": "1"}
        self.environment.pop("SSLKEYLOGFILE", None)

    # Programs

    def program(self, name):
        """The path of a program; ours, of the environment's, or the system's."""
        if name == "sakigake":
            path = pathlib.Path(os.environ.get("SAKIGAKE_PROGRAM", TARGET / "release/sakigake"))
            if not path.exists():
                raise Failed(f"{path} is not built: cargo build --release")
            return str(path)
        if str(name).startswith("sakigake-example-"):
            path = TARGET / "release" / name
            if not path.exists():
                raise Failed(f"{path} is not built: cargo build --release -p {name}")
            return str(path)
        if name in STACKS:
            path = TARGET / "release" / name
            if not path.exists():
                raise Skipped(f"{name} is not built: {STACKS[name]}")
            return str(path)
        if name in ("go", "python", "sslyze"):
            path = TARGET / "interop/python/bin" / name
            if not path.exists():
                raise Skipped("the Python environment is not there: tests/interop/packages.sh")
            return str(path)
        return find(name)

    def go(self, package):
        """A program of `tests/interop/go`, built without a network; `package` is its folder there, "" for the first one."""
        build = self.folder("go-build")
        offline = {
            "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOSUMDB": "off", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0",
            "GOCACHE": str(TARGET / "interop/go-cache"), "GOPATH": str(build), "HOME": str(build),
        }
        program = build / (package or "load")
        if not program.exists():
            folder = ROOT / "tests/interop/go" / package
            self.run("go", "build", "-o", program, ".", cwd=folder, env=offline, seconds=200)
        return program

    def run(self, *words, stdin=b"", seconds=SECONDS, status=0, text=True, **more):
        """Runs a command to its end. `status` None takes any."""
        words = [self.program(words[0]), *map(str, words[1:])]
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        environment = {**self.environment, **more.pop("env", {})}
        try:
            done = subprocess.run(
                words, input=stdin, capture_output=True, timeout=seconds, env=environment, **more
            )
        except subprocess.TimeoutExpired as late:
            said = b"".join(part or b"" for part in (late.stdout, late.stderr))
            raise Failed(f"{short(words)} took over {seconds} s: {shown(said.decode(errors='replace'))}") from None
        if text:
            done.stdout, done.stderr = (part.decode(errors="replace") for part in (done.stdout, done.stderr))
        if status is not None and done.returncode != status:
            raise Failed(f"{short(words)} ended with {done.returncode}: {shown(done.stderr)}{shown(done.stdout)}")
        return done

    def start(self, *words, keep=False, session=False, **more):
        """Starts a command that is ended with the case, or with `keep` at the end of the run."""
        words = [self.program(words[0]), *map(str, words[1:])]
        environment = {**self.environment, **more.pop("env", {})}
        child = subprocess.Popen(words, env=environment, start_new_session=session, **more)
        child.leads_session = session
        (self.children if keep else self.case_children).append(child)
        return child

    def end_case(self):
        end(self.case_children)

    def end(self):
        end(self.case_children)
        end(self.children)
        shutil.rmtree(self.scratch, ignore_errors=True)

    # Our server and what it vouches with

    def serve(self, folder=SITE, *options, keep=False):
        return Server(self, folder, options, keep)

    @property
    def server(self):
        """Our server of the example site, with a key log, for all cases that need nothing special."""
        if self._server is None:
            self._server = self.serve(SITE, "--keylog", self.scratch / "server.keys", keep=True)
        self._server.check_alive()
        return self._server

    @property
    def ca(self):
        """The development CA's certificate, in a file."""
        path = self.scratch / "dev-ca.pem"
        if not path.exists():
            path.write_text(self.run("sakigake", "ca", "--pem").stdout)
        return path

    @property
    def authority(self):
        """A CA that is not ours, for servers that are not ours."""
        if self._authority is None:
            self._authority = Authority(self)
        return self._authority

    def folder(self, name):
        path = self.scratch / name
        path.mkdir(exist_ok=True)
        return path


class Server:
    """`sakigake serve` on a free loopback port."""

    def __init__(self, world, folder, options, keep):
        self.world, self.port = world, free_port()
        self.output = world.scratch / f"serve-{self.port}.log"
        listen = f"127.0.0.1:{self.port}"
        with open(self.output, "wb") as output:
            self.child = world.start(
                "sakigake", "serve", folder, "--listen", listen, "--log", "json", *options,
                keep=keep, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )
        await_port(self.port, self.child, self.output)
        self.url = f"https://{HOST}:{self.port}"
        self.resolve = f"{HOST}:{self.port}:127.0.0.1"

    def check_alive(self):
        if self.child.poll() is not None:
            said = self.output.read_text(errors="replace")
            raise Failed(f"the server ended with {self.child.returncode}: {shown(said)}")

    def mark(self):
        """Where its log ends now."""
        return self.output.stat().st_size

    def until(self, pattern, seconds=20):
        """Waits until what it has written so far holds the pattern."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, said := self.output.read_text(errors="replace")):
            if time.monotonic() > deadline:
                raise Failed(f"{pattern} is not in what the server wrote: {shown(said)}")
            time.sleep(0.02)

    def requests(self, since=0):
        """What its access log says of requests from a mark on, as dictionaries, and nothing of connections that failed.
        A thread writes it: a line comes a moment behind its response."""
        time.sleep(0.2)
        lines = self.output.read_bytes()[since:].decode(errors="replace").splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        if lost := [entry for entry in entries if "lost" in entry]:
            raise Failed(f"the log lost lines: {lost}")
        return [entry for entry in entries if "path" in entry]


class Authority:
    """A CA and two leaves (P-256, RSA) for `www.saki.test`, localhost and 127.0.0.1, made by openssl."""

    def __init__(self, world):
        self.world, folder = world, world.folder("authority")
        self.ca, ca_key = folder / "ca.pem", folder / "ca.key"
        # Another CA that goes by the same name.
        self.namesake = folder / "namesake.pem"
        make_ca = ["-days", "2", "-subj", "/CN=Interop CA", "-addext", "keyUsage=critical,keyCertSign"]
        for key, ca in ((ca_key, self.ca), (folder / "namesake.key", self.namesake)):
            world.run("openssl", "req", "-x509", *P256, "-keyout", key, "-out", ca, *make_ca)
        extensions = folder / "leaf.cnf"
        extensions.write_text(
            f"subjectAltName=DNS:{HOST},DNS:localhost,IP:127.0.0.1\n"
            "extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\nbasicConstraints=CA:FALSE\n"
        )
        for kind, algorithm in (("ecdsa", P256), ("rsa", ("-newkey", "rsa:2048", "-nodes"))):
            key, request, leaf = (folder / f"{kind}.{end}" for end in ("key", "csr", "pem"))
            world.run("openssl", "req", *algorithm, "-keyout", key, "-out", request, "-subj", f"/CN={HOST}")
            sign = ["-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-extfile", extensions]
            world.run("openssl", "x509", "-req", "-in", request, "-out", leaf, *sign)
            setattr(self, kind, (leaf, key))

    def leaf(self, name, names=f"DNS:{HOST}", usage="serverAuth", dates=None):
        """Another leaf (P-256) and its key: for other names, for clients (`usage`), of another time (from, to)."""
        folder = self.ca.parent
        key, request, leaf, extensions = (folder / f"{name}.{end}" for end in ("key", "csr", "pem", "cnf"))
        if leaf.exists():
            return leaf, key
        subject = HOST if usage == "serverAuth" else name
        self.world.run("openssl", "req", *P256, "-keyout", key, "-out", request, "-subj", f"/CN={subject}")
        (folder / "issued").touch()
        extensions.write_text(
            f"[ca]\ndefault_ca=here\n[here]\ndatabase={folder}/issued\nnew_certs_dir={folder}\nrand_serial=yes\n"
            "unique_subject=no\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n"
            f"[leaf]\nsubjectAltName={names}\nextendedKeyUsage={usage}\nkeyUsage=digitalSignature\n"
        )
        time_of = ["-startdate", dates[0], "-enddate", dates[1]] if dates else ["-days", "2"]
        issue = ["-config", extensions, "-extensions", "leaf", "-cert", self.ca, "-keyfile", folder / "ca.key"]
        self.world.run("openssl", "ca", "-batch", "-notext", *issue, "-in", request, "-out", leaf, *time_of)
        return leaf, key


P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def end(children):
    """Ends children by their ids, the politest way that works, last started first."""
    while children:
        child = children.pop()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if child.poll() is None or child.leads_session:
                tell(child, number)
            try:
                child.wait(timeout=3)
                break
            except subprocess.TimeoutExpired:
                continue
        if child.leads_session:
            tell(child, signal.SIGKILL)


def tell(child, number):
    try:
        (os.killpg if child.leads_session else os.kill)(child.pid, number)
    except ProcessLookupError:
        pass  # It ended by itself meanwhile.


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port, child, output=None, seconds=10):
    """Waits until the kernel has a listener on the port; no connection is made, since some servers take just one."""
    deadline = time.monotonic() + seconds
    while not is_listening(port):
        said = shown(output.read_text(errors="replace")) if output else ""
        if child.poll() is not None:
            raise Failed(f"{short(child.args)} ended with {child.returncode}: {said}")
        if time.monotonic() > deadline:
            raise Failed(f"{short(child.args)} does not listen: {said}")
        time.sleep(0.02)


def is_listening(port):
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = [line.split() for line in open(table)][1:]
        except FileNotFoundError:
            continue
        if any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows):
            return True
    return False


def short(words):
    return " ".join([pathlib.Path(words[0]).name, *map(str, words[1:3])])


def site_files():
    """The example site's paths as requested, without the document."""
    files = (path.relative_to(SITE).as_posix() for path in SITE.rglob("*") if path.is_file())
    return sorted(f"/{name}" for name in files if name != "index.html")


def debian_version(world, package):
    """What upstream calls it; nothing where it is no package."""
    done = world.run("dpkg-query", "-W", "-f", "${Version}", package, status=None)
    return re.split(r"[+-]", done.stdout.strip())[0]


def locked_version(workspace, package):
    """Of a crate, as a workspace's lock has it."""
    lock = (ROOT / workspace / "Cargo.lock").read_text()
    return re.search(rf'name = "{package}"\nversion = "([^"]+)"', lock)[1]
