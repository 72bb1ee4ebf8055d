"""Sections of our QPACK encoder, read by another's decoder."""

import os
import pathlib
import subprocess

from peers import ROOT, TARGET
from suite import Skipped, case, check

READ = """
import struct, sys
import pylsqpack
decoder = pylsqpack.Decoder(int(sys.argv[1]), int(sys.argv[2]))
bytes, at, waited, sections = sys.stdin.buffer.read(), 0, 0, {}
while at < len(bytes):
    stream, size = struct.unpack_from(">QI", bytes, at)
    piece, at = bytes[at + 12:at + 12 + size], at + 12 + size
    if stream == 0:
        for ready in decoder.feed_encoder(piece):
            sections[ready] = decoder.resume_header(ready)[1]
        continue
    try:
        sections[stream] = decoder.feed_header(stream, piece)[1]
    except pylsqpack.StreamBlocked:
        waited += 1
for stream in sorted(sections):
    for name, value in sections[stream]:
        print(name.decode() + "\\t" + value.decode())
    print()
print(f"{waited} waited", file=sys.stderr)
"""


@case("cargo", "python")
def ls_qpack_reads_what_our_encoder_makes_of_the_sets(world):
    beside = ROOT.parent / "shared/data"
    sets = pathlib.Path(os.environ.get("SAKIGAKE_DATA", beside)) / "qpack/qifs"
    if not sets.is_dir():
        raise Skipped(f"no sets in {sets}")
    build = ["cargo", "build", "-q", "--release", "--locked", "-p", "sakigake-fields", "--example", "qpack"]
    subprocess.run(build, cwd=ROOT, check=True)
    python = world.program("python")  # aioquic brings pylsqpack.
    waited = 0
    for path in sorted(sets.glob("*-hq.qif")):
        text = path.read_text()
        lines = [line for line in text.splitlines() if "\t" in line]
        for table, blocked in [(0, 0), (256, 100), (4096, 0), (4096, 100)]:
            words = [str(table), str(blocked)]
            ours = [TARGET / "release/examples/qpack", *words]
            encoded = subprocess.run(ours, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
            told = subprocess.run([python, "-c", READ, *words], input=encoded, capture_output=True)
            check(told.returncode == 0, told.stderr.decode())
            waited += int(told.stderr.split()[0])
            read = [line for line in told.stdout.decode().splitlines() if line]
            check(read == lines, f"{path.name} with {table} {blocked}: {len(read)} lines of {len(lines)}")
    check(waited > 0, "no section waited for its entries")
    return f"{waited} sections waited"
