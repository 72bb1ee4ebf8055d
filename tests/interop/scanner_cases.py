"""Scanners of others against `sakigake serve`: what they find fault with is what `scanners.expected` says, line by line."""

import json
import pathlib
import re

from peers import HOST, SITE
from suite import case, check

EXPECTED = pathlib.Path(__file__).with_name("scanners.expected")

# What gnutls-cli-debug rates is the reader's to know: these questions are better answered with yes, and those with no.
BETTER_YES = r"TLS 1\.3 \(RFC8446\)|known TLS or SSL protocols|understands TLS closure alerts|default record size"
BETTER_NO = (
    r"required\.\.\.|need to disable|rollback bug|SSL 3\.0 \(|TLS 1\.[01] \(|heartbeat|anonymous|RSA key exchange"
    r"|ignores the RSA PMS|AES-CBC|CAMELLIA-CBC|3DES|ARCFOUR|MD5 MAC|SHA1 MAC|AES-CCM-8"
)


@case("testssl", seconds=300)
def testssl_finds_nothing_that_is_not_expected(world):
    server, report = world.serve(SITE), world.scratch / "testssl.json"
    quiet = ["--quiet", "--color", "0", "--warnings", "batch", "-n", "none"]
    where = ["--ip", "127.0.0.1", "--add-ca", world.ca, f"https://{HOST}:{server.port}/"]
    findings, asked = [], set()
    # By itself it asks everything but how a server bears odd hellos.
    for checks in ([], ["-g"]):
        report.unlink(missing_ok=True)
        world.run("testssl", *quiet, *checks, "--jsonfile", report, *where, seconds=280, status=None)
        for row in json.loads(report.read_text()):
            asked.add(row["id"])
            if row["severity"] not in ("OK", "INFO") and not has_hung_up(row):
                findings.append((f"{row['id']} {row['severity']}", row["finding"]))
    missing = {"TLS1_3", "heartbleed", "cert_chain_of_trust <cert#1>", "clientsimulation-openssl_303", "GREASE"} - asked
    check(not missing, f"it did not ask for {sorted(missing)}, but for {sorted(asked)}")
    return compare("testssl", findings, len(asked))


def has_hung_up(row):
    """testssl's openssl has no input, so it leaves as soon as the handshake is over: where that is before a ticket came, there is
    nothing to come back with, and testssl blames the connection. Others that resume stay longer (handshake_cases.py)."""
    return row["id"] == "sessionresumption_ticket" and "connect problem" in row["finding"]


@case("sslyze")
def sslyze_finds_nothing_that_is_not_expected(world):
    server, report = world.serve(SITE), world.scratch / "sslyze.json"
    checks = """--certinfo --sslv2 --sslv3 --tlsv1 --tlsv1_1 --tlsv1_2 --tlsv1_3 --fallback --heartbleed --robot
        --openssl_ccs --reneg --compression --ems --elliptic_curves --early_data --resum --http_headers""".split()
    trust = ["--certinfo_ca_file", world.ca, "--mozilla_config", "modern", "--sni", HOST]
    where = ["--json_out", report, f"127.0.0.1:{server.port}"]
    said = world.run("sslyze", *checks, *trust, *where, seconds=100, status=None).stdout
    check("configuration. See" in said, f"nothing is compared with Mozilla's configuration: {said[-400:]}")
    findings = [(f"mozilla-modern {line[0]}", line[1]) for line in re.findall(r"^ +\* (\w+): (.+)$", said, re.M)]
    result = json.loads(report.read_text())["server_scan_results"][0]
    check(result["scan_status"] == "COMPLETED", f"it did not complete: {result['connectivity_error_trace']}")
    for name, part in result["scan_result"].items():
        if part["status"] != "COMPLETED":
            findings.append((f"{name} {part['status']}", part["error_reason"]))
        else:
            findings += [(f"{name} {what}", "") for what in faults(name, part["result"])]
    return compare("sslyze", findings, len(result["scan_result"]))


def faults(name, result):
    """sslyze rates nothing in its report: what its documentation calls a fault, or merely lacking, by its own names."""
    if name == "certificate_info":
        yield from certificate_faults(result["certificate_deployments"])
    elif name == "http_headers":
        yield from ["strict_transport_security_header"] * (result["strict_transport_security_header"] is None)
    elif name == "elliptic_curves":
        yield from ["supports_ecdh_key_exchange"] * (not result["supports_ecdh_key_exchange"])
    elif name == "robot":
        yield from [result["robot_result"]] * (not result["robot_result"].startswith("NOT_VULNERABLE"))
    elif name == "session_resumption":
        for way in ("session_id_resumption_result", "tls_ticket_resumption_result"):
            yield from [f"{way}={result[way]}"] * (result[way] == "PARTIALLY_SUPPORTED")
    elif name.endswith("_cipher_suites"):
        wanted = result["tls_version_used"] in ("TLS_1_2", "TLS_1_3")
        if result["is_tls_version_supported"] != wanted:
            yield "is_tls_version_supported=" + str(result["is_tls_version_supported"]).lower()
        for suite in result["accepted_cipher_suites"]:
            weak = suite["cipher_suite"]["is_anonymous"] or suite["cipher_suite"]["key_size"] < 128
            yield from [suite["cipher_suite"]["name"]] * (weak or suite["ephemeral_key"] is None)
    else:
        good = ("supports_fallback_scsv", "supports_secure_renegotiation", "supports_ems_extension")
        told = [(key, value) for key, value in result.items() if isinstance(value, bool)]
        check(told, f"what {name} says is not understood: {result}")
        for key, value in told:
            yield from [f"{key}={str(value).lower()}"] * (value != (key in good))


def certificate_faults(deployments):
    for deployment in deployments:
        for tried in deployment["path_validation_results"]:
            if tried["validation_error"] is not None:
                yield f"untrusted by {tried['trust_store']['name'].split()[0]}"
        for key, good in (
            ("received_chain_has_valid_order", True), ("received_chain_contains_anchor_certificate", False),
            ("verified_chain_has_sha1_signature", False), ("verified_chain_has_legacy_symantec_anchor", False),
        ):
            if deployment[key] != good:
                yield f"{key}={str(deployment[key]).lower()}"
        if not deployment["leaf_certificate_signed_certificate_timestamps_count"]:
            yield "leaf_certificate_signed_certificate_timestamps_count=0"
        if deployment["ocsp_response"] is None:
            yield "ocsp_response=none"


@case("gnutls-cli-debug")
def gnutls_cli_debug_finds_nothing_that_is_not_expected(world):
    server = world.serve(SITE)
    words = ["gnutls-cli-debug", "-p", server.port, "localhost"]
    answers = re.findall(r"^ *((?:whether|for|fallback|TLS1\.2 neg).*?\.\.\.) (.+)$", world.run(*words).stdout, re.M)
    check(len(answers) > 40, f"it asked for {len(answers)} things only")
    findings = [(f"{question} {answer}", "") for question, answer in answers if is_fault(question, answer)]
    return compare("gnutls-cli-debug", findings, len(answers))


def is_fault(question, answer):
    if answer.split()[0] not in ("yes", "no"):
        return True
    return bool(re.search(BETTER_YES if answer.startswith("no") else BETTER_NO, question))


def compare(scanner, findings, asked):
    """Findings, each a name and what is said of it, against the lines of `scanners.expected`."""
    expected = {}
    for line in EXPECTED.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, reason = line.partition(" | ")
            check(reason.strip(), f"{EXPECTED.name}: a line without a reason: {line}")
            expected[name.strip()] = reason
    names = {f"{scanner}: {name}" for name, _ in findings}
    new = [f"{name} ({said})" for name, said in findings if f"{scanner}: {name}" not in expected]
    gone = [name for name in expected if name.startswith(f"{scanner}: ") and name not in names]
    check(not new, f"found, and not expected: {'; '.join(sorted(set(new)))}")
    check(not gone, f"expected, and not found: {'; '.join(gone)}")
    return f"{asked} checks, {len(names)} findings, each expected"
