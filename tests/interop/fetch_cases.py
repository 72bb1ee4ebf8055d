"""`fetch` as curl's users know it: methods, fields, redirects, exit codes; curl itself says what is expected."""

from client_cases import fetch
from hostile import Scripted, field, path_of, redirect, reply
from peers import HOST
from suite import case, check, check_in


def curl(world, port, path, *options, **more):
    where = ["--resolve", f"{HOST}:{port}:127.0.0.1", "--cacert", world.authority.ca, "-sS", "--http1.1"]
    return world.run("curl", f"https://{HOST}:{port}{path}", *where, *options, **more)


def echo(request, _):
    head, body = request
    return reply(200, head + b"\n" + body, "X-One: 1")


def words(request):
    """What matters of a request: its line, and its fields but for those that tell the clients apart."""
    lines = request[0].decode().split("\r\n")
    fields = sorted(line.lower().replace(": ", ":", 1) for line in lines[1:] if not line.lower().startswith("user-agent: "))
    return lines[0], fields, request[1]


@case("curl")
def fetch_asks_as_curl_asks(world):
    file = world.scratch / "form"
    file.write_bytes(b"line one\r\nline two\n")
    options = [
        ["-X", "DELETE"], ["-d", "a=1"], ["-d", "a=1", "-d", "b=2"], ["-d", f"@{file}"], ["--data-binary", f"@{file}"],
        ["-X", "PUT", "-d", "x"], ["--json", '{"a":1}'], ["-d", ""], ["-I"], ["-i"], ["-H", "Accept: a/b", "-i"],
        ["-H", "Accept:", "-H", "X-Empty;", "-i"], ["-H", "X: 1", "-H", "X: 2", "-i"], ["-H", f"Host: other.test", "-i"],
        ["-d", "a", "-H", "Content-Type: text/plain"], ["-A", "somebody", "-i"],
    ]
    with Scripted(world, echo) as server:
        for given in options:
            curl(world, server.port, "/a?b=c", *given)
            ours = fetch(world, server.port, "/a?b=c", *given)
            expected, got = map(words, server.requests[-2:])
            check(expected == got, f"{given}: curl asks {expected}, we ask {got}")
            if given[-1] in ("-i", "-I"):
                check(ours.stdout.startswith("HTTP/1.1 200\r\n"), f"{given}: {ours.stdout[:80]!r}")
                check_in("x-one: 1\r\n\r\n", ours.stdout, "the head")
                check(ours.stdout.endswith("\r\n\r\n") == ("-I" in given), f"{given}: {ours.stdout!r}")
        done = fetch(world, server.port, "/", "-d", "@-", stdin="from a pipe")
        check(server.requests[-1][1] == b"from a pipe", f"{server.requests[-1]}: {done.stderr}")


@case("curl")
def fetch_follows_redirects_as_fetch_says_and_gives_up_where_curl_does(world):
    def script(request, _):
        path = path_of(request)
        if path == "/loop":
            return redirect(302, "/loop")
        if path.startswith("/to/"):
            return redirect(int(path[4:7]), "/end")
        if path == "/down":
            return redirect(301, f"http://{HOST}/")
        if path == "/away":
            return redirect(302, f"https://localhost:{other.port}/end")
        if path == "/nowhere":
            return redirect(302, "mailto:a@b.test")
        return reply(200, request[0].split(b" ")[0] + b" " + request[1])

    with Scripted(world, script) as server, Scripted(world, script) as other:
        for status, method in ((301, "GET "), (302, "GET "), (303, "GET "), (307, "POST x"), (308, "POST x")):
            done = fetch(world, server.port, f"/to/{status}", "-L", "-d", "x")
            check(done.stdout == method, f"{status}: {done.stdout}")
            check(not field(server.requests[-1], "content-type") or method != "GET ", "a GET tells of a body")
        check(fetch(world, server.port, "/to/302", "-I").stdout.startswith("HTTP/1.1 302"), "-I follows by itself")
        done = fetch(world, server.port, "/to/302", "-o", "-")
        check(done.stdout == "moved" and "-L follows" in done.stderr, f"{done}")
        before = len(server.requests)
        done = fetch(world, server.port, "/loop", "-L", "-o", "-", "--max-redirs", "5", status=47)
        check_in("too many redirects", done.stderr)
        check(len(server.requests) - before == 6, f"{len(server.requests) - before} requests")
        check(fetch(world, server.port, "/loop", status=47).stdout == "", "a page that never comes is drawn")
        check(len(server.requests) - before == 17, "a page follows ten")
        check_in("in the clear", fetch(world, server.port, "/down", status=1).stderr)
        fetch(world, server.port, "/nowhere", "-L", "-i", status=3)
        secrets = ["-H", "Authorization: Bearer x", "-H", "Cookie: a=b", "-H", "X-Plain: c"]
        fetch(world, server.port, "/away", "-L", "-i", *secrets, "--resolve", f"localhost:{other.port}:127.0.0.1")
        check(field(server.requests[-1], "authorization") == ["Bearer x"], "it did not go where it should")
        last = other.requests[-1]
        leaked = field(last, "authorization") + field(last, "cookie")
        check(not leaked and field(last, "x-plain") == ["c"], f"{last}")


@case("curl")
def fetch_exits_with_the_number_that_curl_exits_with(world):
    def script(request, connection):
        path = path_of(request)
        answers = {
            "/404": reply(404, b"not here"),
            "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
            "/empty": b"",
            "/nonsense": b"what is this\r\n\r\n",
            "/half-a-head": b"HTTP/1.1 200 OK\r\nContent-Le",
        }
        if path == "/late":
            connection.recv(1)  # Until the client has had enough.
            return None
        connection.sendall(answers[path])
        if path == "/404":
            return b""
        connection.unwrap()
        return None

    with Scripted(world, script) as server:
        target = world.scratch / "exit"
        rows = [
            ("/404", ["-f"], 22), ("/404", [], None), ("/short", [], 18), ("/empty", [], 52), ("/late", ["-m", "1"], 28),
        ]
        for path, options, code in rows:
            ours = [option if option != "1" else "1s" for option in options]
            expected = curl(world, server.port, path, *options, "-o", target, status=None).returncode
            got = fetch(world, server.port, path, *ours, "-o", target, status=None)
            check(code is None or expected == code, f"{path}: curl itself exits with {expected}")
            check(got.returncode == (22 if code is None else code), f"{path}: {got.returncode} {got.stderr}")
        for path in ("/nonsense", "/half-a-head"):
            got = fetch(world, server.port, path, "-i", status=None)
            check(got.returncode in (1, 8, 52, 56), f"{path}: {got.returncode} {got.stderr}")
        target.unlink(missing_ok=True)
        done = fetch(world, server.port, "/404", "-f", "-o", target, status=22)
        check(not target.exists() and "404" in done.stderr, "-f wrote a body")
        check(fetch(world, server.port, "/404", "-i", status=22).stdout.endswith("not here"), "the body is missing")
        full = fetch(world, server.port, "/404", "-o", "/dev/full", status=None)
        check(full.returncode in (22, 23), f"{full.returncode}")
        fetch(world, server.port, "/404", "-o", world.scratch / "no/such/folder", status=23)
        check(fetch(world, server.port, "/404", "-i", trust=["--cacert", world.ca], status=60).stderr, "no words")
        fetch(world, server.port, "/404", "-d", "@/no/such/file", status=26)
        fetch(world, server.port, "/404", "-i", trust=["--cacert", "/no/such/file"], status=77)
