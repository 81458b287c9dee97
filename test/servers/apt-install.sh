#!/bin/sh
# Installs the packages named as arguments on Debian or Ubuntu, as root. One at a time: the caller holds a lock.
# Their services are not started: the tests run servers of their own.
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
install() {
  apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}
install "$@" || { apt-get update && install "$@"; }
