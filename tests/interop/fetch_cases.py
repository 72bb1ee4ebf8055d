"""`fetch` as curl's users know it: methods, fields, redirects, exit codes; curl itself says what is expected."""

import gzip
import json
import subprocess
import time
import zlib

from client_cases import PAGE, caddy, fetch, nginx
from hostile import Blackhole, Proxy, Scripted, field, path_of, redirect, reply
from peers import HOST, await_port, free_port
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
            ("/404", ["-f"], 22), ("/404", [], 0), ("/short", [], 18), ("/empty", [], 52), ("/late", ["-m", "1"], 28),
        ]
        for path, options, code in rows:
            expected = curl(world, server.port, path, *options, "-o", target, status=None).returncode
            got = fetch(world, server.port, path, *options, "-o", target, status=None)
            check(expected == code, f"{path}: curl itself exits with {expected}")
            check(got.returncode == code, f"{path}: {got.returncode} {got.stderr}")
        for path in ("/nonsense", "/half-a-head"):
            got = fetch(world, server.port, path, "-i", status=None)
            check(got.returncode in (1, 8, 52, 56), f"{path}: {got.returncode} {got.stderr}")
        target.unlink(missing_ok=True)
        done = fetch(world, server.port, "/404", "-f", "-o", target, status=22)
        check(not target.exists() and "404" in done.stderr, "-f wrote a body")
        check(fetch(world, server.port, "/404", "-i").stdout.endswith("not here"), "the body is missing")
        full = fetch(world, server.port, "/404", "-o", "/dev/full", status=None)
        check(full.returncode == 23, f"{full.returncode}")
        fetch(world, server.port, "/404", "-o", world.scratch / "no/such/folder", status=23)
        check(fetch(world, server.port, "/404", "-i", trust=["--cacert", world.ca], status=60).stderr, "no words")
        fetch(world, server.port, "/404", "-d", "@/no/such/file", status=26)
        fetch(world, server.port, "/404", "-i", trust=["--cacert", "/no/such/file"], status=77)


@case()
def cookies_last_as_long_as_a_load(world):
    def script(request, _):
        path = path_of(request)
        if path == "/":
            fields = ["Set-Cookie: session=1; Path=/; HttpOnly", "Set-Cookie: deep=2; Path=/in", "Set-Cookie: wrong=3; Domain=test"]
            return reply(302, b"", "Location: /page", *fields)
        if path == "/page":
            page = f"<img src=/a.png><img src=/in/b.png><img src=https://localhost:{other.port}/c.png>"
            return reply(200, page, "Content-Type: text/html")
        if path == "/flood":
            many = [f"Set-Cookie: c{number}={'x' * 900}; Path=/" for number in range(80)]
            return reply(302, b"", "Location: /page", *many)
        return reply(200, b"", "Content-Type: image/png", "Set-Cookie: third=4; Path=/")

    with Scripted(world, script) as server, Scripted(world, script) as other:
        there = ["--resolve", f"localhost:{other.port}:127.0.0.1"]
        fetch(world, server.port, "/", *there)
        sent = {path_of(request): field(request, "cookie") for request in server.requests}
        expected = {"/": [], "/page": ["session=1"], "/a.png": ["session=1"], "/in/b.png": ["deep=2; session=1"]}
        check(all(sent[path][:1] == value or value and sent[path][0].startswith(value[0]) for path, value in expected.items()), f"{sent}")
        check(field(other.requests[-1], "cookie") == [], "another site got cookies")
        server.requests.clear()
        fetch(world, server.port, "/page", "-H", "Cookie: own=1", *there)
        check(field(server.requests[0], "cookie") == ["own=1"], "cookies outlived their load")
        server.requests.clear()
        fetch(world, server.port, "/flood", *there, status=None)
        (cookies,) = field(server.requests[1], "cookie")
        check(len(cookies) <= 16384, f"{len(cookies)} bytes of cookies")


@case("curl")
def content_codings_are_undone_within_bounds(world):
    text = b"".join(b"line %d\n" % (number * number) for number in range(20000))
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = bomb.compress(bytes(1 << 26)) + bomb.compress(bytes(1 << 26)) + bomb.flush()
    squared = gzip.compress(bomb)

    def script(request, _):
        path = path_of(request)
        coded = {"/text": gzip.compress(text), "/bomb": bomb, "/cut": gzip.compress(text)[:-9], "/plain": b"plain"}
        coding = ["Content-Encoding: gzip"] if path != "/plain" else []
        if path == "/strange":
            return reply(200, b"x", "Content-Encoding: x-unheard-of")
        if path == "/twice":
            return reply(200, squared, "Content-Encoding: gzip, gzip")
        if path == "/page":
            return reply(200, gzip.compress(b"<img src=a.png>"), "Content-Type: text/html", *coding)
        return reply(200, coded.get(path, b""), "Content-Type: text/plain", *coding)

    with Scripted(world, script) as server:
        done = fetch(world, server.port, "/text", "-o", "-", text=False)
        check(done.stdout == gzip.compress(text) or gzip.decompress(done.stdout) == text, "-o alone is raw")
        check(field(server.requests[-1], "accept-encoding") == [], "a coding was asked for")
        done = fetch(world, server.port, "/text", "--compressed", "-o", "-", text=False)
        check(done.stdout == text, "the text differs")
        check(field(server.requests[-1], "accept-encoding") == ["zstd, br, gzip"], "no coding was asked for")
        check(fetch(world, server.port, "/plain", "--compressed", "-o", "-").stdout == "plain", "plain is plain")
        for path, code in (("/cut", 61), ("/strange", 61), ("/twice", 61)):
            expected = curl(world, server.port, path, "--compressed", "-o", "/dev/null", status=None).returncode
            check(fetch(world, server.port, path, "--compressed", "-o", "/dev/null", status=code).stderr, "no words")
            check(expected in (code, 56, 23, 0), f"curl exits with {expected}")
        done = fetch(world, server.port, "/bomb", "--compressed", "-o", "/dev/null", status=63)
        check_in("too many", done.stderr)
        check_in("a.png", fetch(world, server.port, "/page").stdout, "the waterfall")


@case()
def proxies_by_https_carry_tls_within_tls(world):
    with Scripted(world, lambda *_: reply(200, PAGE)) as server, Proxy(credential=world.authority.ecdsa) as proxy:
        through = {"HTTPS_PROXY": f"https://user:p%40ss@localhost:{proxy.port}"}
        for _ in range(3):
            done = fetch(world, server.port, "/", "-o", "-", text=False, env=through)
            check(done.stdout == PAGE, "the page differs")
        check(proxy.heads[-1].startswith(f"CONNECT {HOST}:{server.port} HTTP/1.1\r\n"), proxy.heads[-1])
        check_in("Proxy-Authorization: Basic dXNlcjpwQHNz", proxy.heads[-1])
        check(len(proxy.heads) == 3 and server.connections == 3, f"{len(proxy.heads)} tunnels")
        # Its certificate is not for this name.
        done = fetch(world, server.port, "/", "-i", "-x", f"https://127.0.0.2:{proxy.port}", status=None)
        check(done.returncode in (7, 60) and len(proxy.heads) == 3, done.stderr)
    with Scripted(world, lambda *_: reply(200, PAGE)) as plain:
        refuse = lambda head: b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"
        with Proxy(refuse, credential=world.authority.ecdsa) as closed:
            fetch(world, plain.port, "/", "-i", "-x", f"https://localhost:{closed.port}", status=56)


@case("nginx", "caddy", "curl")
def proxies_carry_tls_and_say_who_they_are(world):
    port = nginx(world)
    refuse = lambda head: b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"
    with Proxy() as proxy, Proxy(refuse) as closed, Proxy(lambda head: b"SSH-2.0-what\r\n\r\n") as strange:
        through = {"https_proxy": f"http://user:p%40ss@127.0.0.1:{proxy.port}"}
        done = fetch(world, port, "/", "-o", "-", text=False, env=through)
        check(done.stdout == PAGE, "the page differs")
        check(proxy.heads[-1].startswith(f"CONNECT {HOST}:{port} HTTP/1.1\r\n"), proxy.heads[-1])
        check_in("Proxy-Authorization: Basic dXNlcjpwQHNz", proxy.heads[-1])
        fetch(world, caddy(world), "/", env=through)
        tunnels = len(proxy.heads)
        for more in ({"no_proxy": HOST}, {"NO_PROXY": ".saki.test"}, {"no_proxy": "*"}, {"https_proxy": ""}):
            fetch(world, port, "/", "-i", env={**through, **more})
        fetch(world, port, "/", "-i", "--noproxy", "a.test,www.saki.test", env=through)
        fetch(world, port, "/", "-i", "-x", "", env=through)
        check(len(proxy.heads) == tunnels, "somebody was asked who should not be")
        fetch(world, port, "/", "-i", "-x", f"127.0.0.1:{proxy.port}")
        check(len(proxy.heads) == tunnels + 1, "-x asked nobody")
        rows = [
            (f"http://127.0.0.1:{closed.port}", 56), ("http://127.0.0.1:1", 7), ("http://nobody.invalid:1", 5),
            (f"http://127.0.0.1:{strange.port}", None),
        ]
        for address, code in rows:
            theirs = curl(world, port, "/", "-x", address, "-o", "/dev/null", status=None).returncode
            done = fetch(world, port, "/", "-i", "-x", address, status=97 if code is None else code)
            check(code is None or theirs == code, f"curl exits with {theirs} for {address}")
            check_in(address.replace("http://", ""), done.stderr)
        done = fetch(world, port, "/", "-i", env={"HTTPS_PROXY": "ftp://a"}, status=5)
        check_in("HTTPS_PROXY: proxies by ftp://", done.stderr)


@case("nginx")
def addresses_are_raced(world):
    port = nginx(world)  # On 127.0.0.1 alone.
    def took(*addresses, status=0):
        where = ["--resolve", f"{HOST}:{port}:{','.join(addresses)}", "--cacert", world.authority.ca, "-o", "/dev/null"]
        start = time.monotonic()
        done = world.run("sakigake", "fetch", f"https://{HOST}:{port}/", *where, status=status)
        return time.monotonic() - start, done.stderr

    refused, _ = took("::1", "127.0.0.1")
    check(refused < 0.24, f"after a refusal it took {refused:.3f} s")
    with Blackhole("127.0.0.2", port):
        seconds, _ = took("127.0.0.2", "127.0.0.1")
        check(0.24 < seconds < 1, f"after a blackhole it took {seconds:.3f} s")
        _, words = took("::1", "127.0.0.3", status=7)
        check("[::1]" in words and "127.0.0.3" in words, words)
        fetch(world, port, "/", "-4", "-i")
        check_in("no address of the wanted kind", fetch(world, port, "/", "-6", "-i", status=6).stderr)
        where = ["--resolve", f"{HOST}:{port}:127.0.0.2", "--connect-timeout", "300ms"]
        done = world.run("sakigake", "fetch", f"https://{HOST}:{port}/", *where, status=28)
        check_in("no answer within 300ms", done.stderr)
    return f"{seconds * 1000:.0f} ms past a blackhole, {refused * 1000:.0f} ms past a refusal"


@case()
def a_page_over_http1_comes_by_six_connections_and_a_slow_one_ends_in_time(world):
    def script(request, connection):
        path = path_of(request)
        if path == "/":
            page = "".join(f"<img src={number}.png>" for number in range(20))
            return reply(200, page, "Content-Type: text/html")
        if path == "/slow":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.1)
            return None
        if path == "/endless":
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            for number in range(100000):
                connection.sendall(b"X-%d: %s\r\n" % (number, b"y" * 1000))
            return None
        time.sleep(0.05)
        return reply(200, b"", "Content-Type: image/png")

    with Scripted(world, script) as server:
        fetch(world, server.port, "/")
        check(server.connections == 6, f"{server.connections} connections")
        check(len(server.requests) == 21, f"{len(server.requests)} requests")
        start = time.monotonic()
        done = fetch(world, server.port, "/slow", "-i", "-m", "700ms", status=28)
        check(time.monotonic() - start < 2 and "within" in done.stderr, done.stderr)
        done = fetch(world, server.port, "/endless", "-i", status=None)
        check(done.returncode in (8, 56), f"{done.returncode} {done.stderr}")


def two_names(world, folder, condition=""):
    """nginx for www.saki.test and localhost, one certificate for both, on two addresses; returns its port."""
    port = free_port()
    cert, key = world.authority.ecdsa
    config = folder / "nginx.conf"
    config.write_text(f"""
        daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr warn;
        events {{ worker_connections 128; }}
        http {{
            types {{ text/html html; image/png png; }} access_log off;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
            uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            server {{
                listen 127.0.0.1:{port} ssl http2; listen 127.0.0.2:{port} ssl http2;
                ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
                root {folder}; {condition}
            }}
        }}
    """)
    images = "".join(f"<img src=https://localhost:{port}/{number}.png>" for number in range(5))
    (folder / "index.html").write_text(f"<!doctype html>{images}")
    for number in range(5):
        (folder / f"{number}.png").write_bytes(b"png")
    output = folder / "output"
    with open(output, "wb") as file:
        options = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file}
        child = world.start("nginx", "-p", folder, "-c", config, "-e", "stderr", **options)
    await_port(port, child, output)
    return port


@case("nginx")
def a_connection_serves_what_its_certificate_and_addresses_allow(world):
    def connections(port, address, **trust):
        done = fetch(world, port, "/", "-v", "--resolve", f"localhost:{port}:{address}", **trust)
        check("6 requests" in done.stdout and "failed" not in done.stdout, done.stdout)
        return done.stderr.count("connected to"), done

    port = two_names(world, world.folder("shared"))
    count, done = connections(port, "127.0.0.1")
    check(count == 1, f"{count} connections where one would do: {done.stderr}")
    count, _ = connections(port, "127.0.0.2")
    check(count == 2, f"{count} connections, though the other name is elsewhere")
    count, _ = connections(port, "127.0.0.1", trust=["-k"])
    check(count == 2, f"{count} connections, though nobody checked the certificate")
    picky = two_names(world, world.folder("picky"), "if ($ssl_server_name != $host) { return 421; }")
    count, done = connections(picky, "127.0.0.1")
    check(count == 2, f"{count} connections after a 421: {done.stderr}")
    check(" 421 " not in done.stdout, done.stdout)


HAR_KEYS = {
    "entry": {"pageref", "startedDateTime", "time", "request", "response", "cache", "timings"},
    "request": {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"},
    "response": {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize"},
    "timings": {"blocked", "dns", "connect", "ssl", "send", "wait", "receive"},
}


@case("nginx", "python")
def an_archive_of_a_load_is_read_by_others(world):
    port, archive = nginx(world), world.scratch / "load.har"
    fetch(world, port, "/", "--har", archive)
    log = json.loads(archive.read_text())["log"]
    check(log["version"] == "1.2" and len(log["pages"]) == 1, "it is no archive")
    check(len(log["entries"]) == 19, f"{len(log['entries'])} entries")
    for entry in log["entries"]:
        for part, keys in HAR_KEYS.items():
            lacks = keys - set(entry if part == "entry" else entry[part])
            check(not lacks, f"an entry's {part} lacks {lacks}")
        known = [value for name, value in entry["timings"].items() if value >= 0 and name != "ssl"]
        check(abs(sum(known) - entry["time"]) < 0.01, f"{entry['timings']} is not {entry['time']}")
        check(entry["response"]["status"] == 200 and "text" not in entry["response"]["content"], "a body is in it")
    fetch(world, port, "/", "--har", archive, "--har-bodies")
    first = json.loads(archive.read_text())["log"]["entries"][0]
    check(first["response"]["content"]["text"].encode() == PAGE, "the body differs")
    script = (
        "import json, sys; from haralyzer import HarParser\n"
        "page = HarParser(json.load(open(sys.argv[1]))).pages[0]\n"
        "print(len(page.entries), page.actual_page.response.status, page.get_load_time() > 0)"
    )
    said = world.run("python", "-c", script, archive).stdout
    check(said == "19 200 True\n", f"haralyzer says {said}")
