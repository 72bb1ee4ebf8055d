"""Our client against servers of others."""

import json
import os
import subprocess

from peers import HOST, SITE, await_port, free_port, site_files
from suite import case, check, check_in
from tls_cases import Talk

PAGE = (SITE / "index.html").read_bytes()


def nginx(world, more=""):
    """nginx with HTTP/2 and HTTP/1.1, and what else its server is told; returns its port."""
    port, folder = free_port(), world.folder(f"nginx-{len(os.listdir(world.scratch))}")
    cert, key = world.authority.ecdsa
    config = folder / "nginx.conf"
    config.write_text(f"""
        daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr warn;
        events {{ worker_connections 128; }}
        http {{
            include /etc/nginx/mime.types; access_log {folder}/access.log;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
            uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            server {{
                listen 127.0.0.1:{port} ssl http2; server_name {HOST};
                ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
                {more} root {SITE}; location = /down {{ return 503; }}
            }}
        }}
    """)
    output = folder / "output"
    with open(output, "wb") as file:
        options = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file}
        child = world.start("nginx", "-p", folder, "-c", config, "-e", "stderr", **options)
    await_port(port, child, output)
    return port


def caddy(world):
    """caddy with a certificate of the interop CA; returns its port."""
    port, folder = free_port(), world.folder(f"caddy-{len(os.listdir(world.scratch))}")
    cert, key = world.authority.rsa
    (folder / "Caddyfile").write_text(f"""{{
    admin off
    auto_https off
    storage file_system {folder}
}}
https://{HOST}:{port} {{
    bind 127.0.0.1
    tls {cert} {key}
    root * {SITE}
    file_server
}}
""")
    output = folder / "output"
    with open(output, "wb") as file:
        options = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file, "env": {"HOME": str(folder)}}
        words = ["caddy", "run", "--adapter", "caddyfile", "--config", folder / "Caddyfile"]
        child = world.start(*words, **options)
    await_port(port, child, output)
    return port


def h2o(world):
    """h2o with a certificate of the interop CA; returns its port."""
    port, folder = free_port(), world.folder(f"h2o-{len(os.listdir(world.scratch))}")
    cert, key = world.authority.ecdsa
    config = folder / "h2o.conf"
    user = "user: root" if os.getuid() == 0 else ""  # Else it gives up its rights, and cannot read what is ours.
    config.write_text(f"""{user}
pid-file: {folder}/pid
access-log: {folder}/access.log
num-threads: 1
listen:
  host: 127.0.0.1
  port: {port}
  ssl: {{ certificate-file: {cert}, key-file: {key}, minimum-version: TLSv1.2 }}
hosts:
  "{HOST}:{port}":
    paths:
      "/": {{ file.dir: {SITE} }}
""")
    output = folder / "output"
    with open(output, "wb") as file:
        options = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file}
        child = world.start("h2o", "-m", "worker", "-c", config, **options)
    await_port(port, child, output)
    return port


def fetch(world, port, path, *options, trust=None, **more):
    trust = trust or ["--cacert", world.authority.ca]
    where = ["--resolve", f"{HOST}:{port}:127.0.0.1"]
    return world.run("sakigake", "fetch", f"https://{HOST}:{port}{path}", *trust, *where, *options, **more)


def check_page_load(world, port):
    """The waterfall names the page and all that it needs."""
    done = fetch(world, port, "/")
    missing = [path for path in site_files() if path.rsplit("/", 1)[1] not in done.stdout]
    check(not missing, f"not in the waterfall: {missing}: {done.stdout}")


@case("nginx")
def fetch_loads_the_page_from_nginx(world):
    check_page_load(world, nginx(world))


@case("caddy")
def fetch_loads_the_page_from_caddy(world):
    check_page_load(world, caddy(world))


@case("h2o")
def fetch_loads_the_page_from_h2o(world):
    check_page_load(world, h2o(world))


@case("nginx", "caddy", "h2o")
def bench_loads_nginx_caddy_and_h2o(world):
    rates = []
    for name, server in (("nginx", nginx), ("caddy", caddy), ("h2o", h2o)):
        port = server(world)
        for options in (("-n", 500, "-c", 4, "-m", 10), ("-n", 20, "-c", 2, "--http1.1")):
            where = ["--cacert", world.authority.ca, "--resolve", f"{HOST}:{port}:127.0.0.1"]
            url = f"https://{HOST}:{port}/css/page.css"
            done = world.run("sakigake", "bench", url, *options, "--json", *where)
            report = json.loads(done.stdout)
            counts = [report[key] for key in ("started", "succeeded", "failed", "errored")]
            check(counts == [options[1], options[1], 0, 0], f"{name} {options}: {done.stdout}")
            size = (SITE / "css/page.css").stat().st_size
            check(report["body_bytes"] == options[1] * size, f"{name} {options}: {done.stdout}")
            check("http/1.1" in report["agreed"] if "--http1.1" in options else "ALPN h2" in report["agreed"], done.stdout)
        rates.append(name)
    return ", ".join(rates)


@case("nginx", "caddy")
def fetch_o_writes_a_file_of_nginx_and_of_caddy_unchanged(world):
    for port in (nginx(world), caddy(world)):
        for path in ("/", "/css/page.css", "/img/fuji.svg"):
            target = world.scratch / "fetched"
            target.unlink(missing_ok=True)
            fetch(world, port, path, "-o", target)
            check(target.read_bytes() == (SITE / (path[1:] or "index.html")).read_bytes(), f"{path} differs")
        check(fetch(world, port, "/", "-o", "-", text=False).stdout == PAGE, "-o - differs")


@case("nginx")
def fetch_of_what_is_not_there_or_not_trusted_fails(world):
    port = nginx(world)
    target = world.scratch / "fetched"
    check(fetch(world, port, "/nothing", "-f", "-o", target, status=None).returncode != 0, "404 is no success")
    check(fetch(world, port, "/down", "-f", "-o", target, status=None).returncode != 0, "503 is no success")
    done = fetch(world, port, "/", trust=["--cacert", world.ca], status=None)
    check(done.returncode != 0, "a certificate of another CA was trusted")
    check(done.stderr.strip(), "no reason is given")
    check(fetch(world, port, "/", "-o", target, trust=["-k"]).returncode == 0, "-k trusts anybody")
    words = ["fetch", f"https://other.test:{port}/", "--cacert", world.authority.ca]
    done = world.run("sakigake", *words, "--resolve", f"other.test:{port}:127.0.0.1", status=None)
    check(done.returncode != 0, "a certificate of another name was trusted")


@case("openssl")
def fetch_speaks_to_a_server_without_alpn_or_says_why_not(world):
    port = s_server(world, "-WWW", cwd=SITE)
    target = world.scratch / "fetched"
    target.unlink(missing_ok=True)
    done = fetch(world, port, "/index.html", "-o", target, status=None)
    if done.returncode == 0:
        check(target.read_bytes() == PAGE, "the page differs")
    else:
        check(done.stderr.strip() and "panicked" not in done.stderr, f"no reason is given: {done.stderr}")


@case()
def fetch_loads_the_page_from_our_own_server_with_frames_with_a_103_and_without_hints(world):
    server = world.server
    for options in ([], ["--no-preload"], ["--no-preload", "--no-early-hints"]):
        picture = world.scratch / "waterfall.svg"
        picture.unlink(missing_ok=True)
        done = fetch(world, server.port, "/", *options, "--svg", picture, trust=["--cacert", world.ca])
        missing = [path for path in site_files() if path.rsplit("/", 1)[1] not in done.stdout]
        check(not missing, f"{options}: not in the waterfall: {missing}")
        check(picture.read_text().lstrip().startswith(("<svg", "<?xml")), "the waterfall's picture is no SVG")


# TLS alone

def s_server(world, *options, cwd=None, kind="ecdsa"):
    port = free_port()
    cert, key = getattr(world.authority, kind)
    words = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", cert, "-key", key, "-tls1_3"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = world.start(*words, *options, cwd=cwd, **quiet)
    await_port(port, child)
    return port


def tls_connect(world, port, *options, stdin="GET / HTTP/1.0\r\n\r\n", status=0):
    trust = ["--cacert", world.authority.ca, "--servername", HOST]
    return world.run("sakigake", "tls", "connect", f"127.0.0.1:{port}", *trust, *options, stdin=stdin, status=status)


@case("openssl")
def tls_connect_reads_from_openssl_s_server_with_each_kind_of_certificate(world):
    for kind in ("ecdsa", "rsa"):
        keys = world.scratch / f"connect-{kind}.keys"
        done = tls_connect(world, s_server(world, "-www", kind=kind), "--trace", "--keylog", keys)
        check_in("TLS_AES_", done.stdout, "s_server's report")
        for message in ("client_hello", "server_hello", "encrypted_extensions", "certificate_verify", "finished"):
            check_in(message, done.stderr, "the trace")
        check_in("CLIENT_HANDSHAKE_TRAFFIC_SECRET", keys.read_text(), "the key log")


@case("openssl")
def tls_connect_uses_each_suite_and_group_of_s_server(world):
    for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        done = tls_connect(world, s_server(world, "-www", "-ciphersuites", suite))
        check_in(suite, done.stdout, "s_server's report")
    for group in ("X25519", "P-256", "P-384"):
        check_in("HTTP/1.0 200", tls_connect(world, s_server(world, "-www", "-groups", group)).stdout)


@case("openssl")
def tls_connect_follows_a_hello_retry_request(world):
    done = tls_connect(world, s_server(world, "-www", "-groups", "P-384"), "--trace")
    check_in("HTTP/1.0 200", done.stdout)
    check_in("HelloRetryRequest", done.stderr, "the trace")
    check(done.stderr.count("client -> server: client_hello") == 2, "there is no second ClientHello in the trace")


@case("openssl")
def tls_connect_refuses_a_certificate_that_it_does_not_trust(world):
    port = s_server(world, "-www")
    done = world.run("sakigake", "tls", "connect", f"127.0.0.1:{port}", "--cacert", world.ca, status=None)
    check(done.returncode != 0 and done.stderr.strip(), "it was trusted, or no reason is given")


@case("openssl")
def openssl_s_client_talks_to_tls_accept(world):
    port = free_port()
    cert, key = world.authority.ecdsa
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    ours = world.start("sakigake", "tls", "accept", f"127.0.0.1:{port}", "--cert", cert, "--key", key, **pipes)
    await_port(port, ours)
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", world.authority.ca]
    client_pipes = {**pipes, "stderr": subprocess.STDOUT}
    theirs = world.start(*words, "-verify_return_error", "-servername", HOST, **client_pipes)
    there = Talk(theirs)
    there.until(r"Verify return code: 0 \(ok\)")
    there.say("from openssl\n")
    here = Talk(ours)
    here.until("from openssl")
    here.say("from sakigake\n")
    there.until("from sakigake")
