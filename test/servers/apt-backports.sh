#!/bin/sh
# Unpacks packages of Debian's backports, with those that they need and the machine lacks, into a folder, without being
# root and without changing the machine. Usage: apt-backports.sh FOLDER PACKAGE...
set -eu
folder=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/packages"
. /etc/os-release
# The backports lie beside the release itself, wherever that comes from.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' | sed -n "s/ $VERSION_CODENAME\$//p" | head -n 1)
cat /etc/apt/sources.list >"$work/sources.list" 2>/dev/null || true
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $mirror $VERSION_CODENAME-backports main" >>"$work/sources.list"
apt() {
  apt-get -q -t "$VERSION_CODENAME-backports" -o Debug::NoLocking=true -o Dir::Etc::sourcelist="$work/sources.list" \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" "$@"
}
apt update
missing=$(apt --simulate install --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
cd "$work/packages"
# shellcheck disable=SC2086 # one word for each package
apt download $missing
for package in *.deb; do
  dpkg -x "$package" "$folder"
done
