#!/usr/bin/env bash
# Unpacks Asterisk from the distribution's archive into DIR/asterisk, without installing it: Debian's stable releases
# carry none, so it is run with its own loader and libraries from where it lies. Kept between runs.
#
# usage: get-asterisk.sh DIR
set -euo pipefail
lab=${1:?usage: get-asterisk.sh DIR}
mkdir -p "$lab"
lab=$(cd "$lab" && pwd)
exec 9>"$lab/asterisk.lock"
flock 9                                   # two runs that start together fetch once
if [ -x "$lab/asterisk/usr/sbin/asterisk" ]; then
  echo "Asterisk is there: $lab/asterisk"
  exit 0
fi

# Ubuntu carries Asterisk in its own releases; in Debian it lives in unstable only.
. /etc/os-release
if [ "${ID:-}" = ubuntu ]; then suite=$VERSION_CODENAME components=main,universe; else suite=sid components=main; fi
# The mirror that apt on this machine is set up with.
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v -e security -e '^file:' | head -n 1)
[ -n "$mirror" ] || { echo "apt on this machine has no package source; run apt-get update once." >&2; exit 1; }

rm -rf "$lab/asterisk.part"
mmdebstrap --quiet --variant=extract --components="$components" --include=asterisk,asterisk-modules \
  --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
  --aptopt='Acquire::Retries "3"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  "$suite" "$lab/asterisk.part" "$mirror"
mv "$lab/asterisk.part" "$lab/asterisk"
echo "Asterisk unpacked: $lab/asterisk"
