#!/bin/sh
# Unpacks packages of Debian or Ubuntu, with those that they need and the machine lacks, into a folder, without being
# root. Usage: apt-unpack.sh FOLDER PACKAGE...
set -eu
folder=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
apt() {
  apt-get -q -o Debug::NoLocking=true -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" "$@"
}
apt update
missing=$(apt --simulate install --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
mkdir "$work/packages"
cd "$work/packages"
# shellcheck disable=SC2086 # one word for each package
apt download $missing
for package in *.deb; do
  dpkg -x "$package" "$folder"
done
