#!/usr/bin/env bash
# Makes this machine ready for one of the project's npm scripts: npm packages as locked, and Debian packages by name.
# Silent where nothing is missing. As root it installs what is missing; otherwise it prints the line to run.
#
# Usage: bash scripts/setup.sh demo|test|build|package|dashboard|bench|check
#
# On Debian, docker-registry and prometheus are installed for tests; their services are not started (but systemd starts
# them at boot, on ports 5000 and 9090, unless you disable them).
set -euo pipefail

PURPOSES='demo, test, build, package, dashboard, bench or check'
purpose=${1-}
case $purpose in
  demo | test | build | package | dashboard | bench | check) ;;
  *)
    echo "setup: want one purpose, $PURPOSES: got '$purpose'" >&2
    exit 64
    ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# install_npm_packages FOLDER [OPTION …]: as the folder's package-lock.json says, with options of npm ci.
install_npm_packages() {
  local lock=$1/package-lock.json
  # The lock file as of the last complete `npm ci`; inside node_modules, so that it goes when that goes.
  local stamp=$1/node_modules/.installed-lock.json
  cmp -s "$lock" "$stamp" && return
  # Two of us at once would delete each other's files; the second finds the work done.
  if command -v flock > /dev/null; then
    exec 8< "$lock"
    flock 8
    cmp -s "$lock" "$stamp" && return
  fi
  echo "setup: installing the npm packages of $lock" >&2
  npm ci --prefix "$1" --no-audit --no-fund --loglevel=error "${@:2}" >&2
  cp "$lock" "$stamp"
}

require_bun() {
  node_modules/.bin/bun --version > /dev/null 2>&1 && return
  # npm that runs no install scripts leaves a stand-in for bun; this is the script.
  (cd node_modules/bun && node install.js) > /dev/null 2>&1 || true
  if ! node_modules/.bin/bun --version > /dev/null 2>&1; then
    echo "setup: node_modules/.bin/bun does not run. npm may be set to run no install scripts (npm config get" \
      "ignore-scripts), or this machine is neither x64 nor arm64 with glibc" >&2
    exit 1
  fi
}

# Sets `wanted` to the Debian packages that the purpose needs.
choose_debian_packages() {
  wanted=()
  case $purpose in
    build | check) return ;;
    package)
      wanted=(dpkg rpm)
      return
      ;;
    dashboard)
      wanted=(prometheus chromium)
      return
      ;;
  esac
  wanted=(charliecloud-runtime charliecloud-builders squashfs-tools docker-registry busybox-static openssl git)
  [ "$purpose" = test ] || return 0
  # For the packages, their man pages and completions.
  wanted+=(dpkg rpm man-db groff-base zsh fish)
  # The dashboard's queries.
  wanted+=(prometheus)
  wanted+=(shellcheck debian-archive-keyring slurmctld slurmd slurm-client munge)
  # To run the arm64 program where the processor is another.
  if [ "$(uname -m)" = x86_64 ]; then wanted+=(qemu-user-static libc6-arm64-cross); fi
}

# Sets `missing` to those of `wanted` that are not installed.
find_missing() {
  local package installed
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${wanted[@]}" 2> /dev/null || true)
  missing=()
  for package in "${wanted[@]}"; do
    grep -q "^.i $package\$" <<< "$installed" || missing+=("$package")
  done
}

install_debian_packages() {
  [ ${#wanted[@]} -gt 0 ] || return 0
  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    echo "setup: no apt-get here; $purpose needs what Debian packages as: ${wanted[*]}" >&2
    return
  fi
  find_missing
  [ ${#missing[@]} -gt 0 ] || return 0
  local line="apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    echo "setup: $purpose needs Debian packages that are missing; run as root: $line" >&2
    exit 1
  fi
  echo "setup: $line" >&2
  log=$(mktemp)
  policy=
  trap 'rm -f "$log" $policy' EXIT
  # Debian's agreed way to keep packages from starting services; one that is there is somebody's decision.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
  fi
  export DEBIAN_FRONTEND=noninteractive
  local apt=(apt-get -y -o DPkg::Lock::Timeout=300)
  if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } \
    > "$log" 2>&1 < /dev/null; then
    cat "$log" >&2
    echo "setup: the packages could not be installed" >&2
    exit 1
  fi
}

install_npm_packages .
require_bun
# Grafana's component library is large, and nothing else needs it.
if [ "$purpose" = dashboard ]; then install_npm_packages scripts/grafana/page --ignore-scripts; fi
choose_debian_packages
install_debian_packages
