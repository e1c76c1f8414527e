#!/usr/bin/env bash
# Makes this clone usable: Debian packages, node modules, build. Quick when nothing is missing.
# Usage: scripts/setup.sh build|run|test|bench|assets
#   build   node modules, dist/ and the tools in .build/; no packages
#   run     node modules, dist/ and what a VM needs   (npm start)
#   test    run and what the tests need               (npm test)
#   bench   test and what the floor needs             (npm run bench)
#   assets  test and what builds the kernel and the guest agent
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH="$PATH:/usr/sbin:/sbin"

# package | command or file that shows it is there | why
run_packages='
qemu-system-x86|qemu-system-x86_64|runs the microVMs
'
test_packages='
e2fsprogs|mke2fs|makes and checks the file systems of images
openssh-client|ssh|reaches the SSH servers of the tests
openssh-server|/usr/sbin/sshd|is the SSH server of the tests
mmdebstrap|mmdebstrap|makes the image with an SSH server
docker.io|dockerd|builds images in the tests
qemu-utils|qemu-img|checks the disks that the tests make
zstd|zstd|unpacks the shipped assets to compare them
docker-registry|docker-registry|serves the images that the tests pull
buildah|buildah|writes image archives that the tests read
busybox-static|/usr/share/doc/busybox-static/copyright|goes into images that the tests make, and into the base image
python3|python3|plays the terminals in the tests of the CLI
zsh|zsh|completes command lines in the tests of the CLI
fish|fish|completes command lines in the tests of the CLI
'
bench_packages='
build-essential|gcc|compiles the floor of the benchmark
'
asset_packages='
linux-source-6.12|/usr/src/linux-source-6.12.tar.xz|the kernel source
build-essential|make|compiles the kernel
build-essential|gcc|compiles the kernel
flex|flex|compiles the kernel
bison|bison|compiles the kernel
bc|bc|compiles the kernel
libelf-dev|/usr/include/libelf.h|compiles the kernel
libssl-dev|/usr/include/openssl/ssl.h|compiles the kernel
xz-utils|xz|unpacks the kernel source
patch|patch|applies the kernel patches
cpio|cpio|packs the initramfs
golang-go|go|compiles the guest agent
'

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

packages_for() {
  case "$1" in
    build) ;;
    run) echo "$run_packages" ;;
    test) echo "$run_packages$test_packages" ;;
    bench) echo "$run_packages$test_packages$bench_packages" ;;
    assets) echo "$run_packages$test_packages$asset_packages" ;;
    *) die "unknown mode '$1'; use build, run, test, bench or assets" ;;
  esac
}

is_there() {
  if [[ $1 == /* ]]; then [[ -e $1 ]]; else command -v "$1" >/dev/null; fi
}

install_packages() {
  local missing=() package probe why as_root=()
  while IFS='|' read -r package probe why; do
    if [[ -z $package || " ${missing[*]-} " == *" $package "* ]] || is_there "$probe"; then continue; fi
    say "missing $package: $why"
    missing+=("$package")
  done <<<"$1"
  [[ ${#missing[@]} -gt 0 ]] || return 0

  command -v apt-get >/dev/null || die "no apt-get here; install what is named above, then try again"
  if [[ $EUID -ne 0 ]]; then
    sudo -n true 2>/dev/null || [[ -t 0 && -n $(command -v sudo) ]] ||
      die "not root and no sudo; run this as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing with apt-get: ${missing[*]}"
  apt_get() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y "$@" >>.build/apt.log 2>&1 </dev/null; }
  apt_install() { apt_get install --no-install-recommends "${missing[@]}"; }
  : >.build/apt.log
  # The package lists may be missing (then the dry run fails) or old (then the download does).
  apt-get -s install "${missing[@]}" >/dev/null 2>&1 || apt_get update || true
  apt_install || { apt_get update && apt_install; } || {
    cat .build/apt.log >&2
    die "apt-get could not install: ${missing[*]}"
  }
}

# Hash of the contents and names of all files below the given paths.
hash_of() { find "$@" -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum; }

# once STAMP HASH COMMAND...: runs the command unless the stamp already holds the hash.
once() {
  local stamp=$1 hash=$2
  shift 2
  if [[ -f $stamp && $(<"$stamp") == "$hash" ]]; then return 0; fi
  "$@"
  echo "$hash" >"$stamp"
}

install_node_modules() {
  say "installing node modules"
  npm ci --no-audit --no-fund --loglevel=error >&2 || die "npm ci failed"
}

tsc() { node node_modules/typescript/bin/tsc "$@" >&2; }

# Built aside and swapped in, so that a failed build leaves the old one and no stale file stays.
build_dist() {
  say "building dist/"
  rm -rf .build/dist-new
  tsc -p tsconfig.build.json --outDir .build/dist-new || die "the build failed"
  chmod +x .build/dist-new/cli/main.js
  rm -rf dist
  mv .build/dist-new dist
}

build_tools() {
  say "building the tools"
  rm -rf .build/scripts .build/bench .build/src .build/test
  tsc -p tsconfig.tools.json || die "the build of the tools failed"
}

mode=${1:-run}
wanted=$(packages_for "$mode") || exit 1
command -v npm >/dev/null || die "Node.js with npm is missing; install Node 20.19 or newer"
node_version=$(node --version)
IFS=. read -r node_major node_minor _ <<<"${node_version#v}"
((node_major > 20 || (node_major == 20 && node_minor >= 19))) ||
  die "Node $node_version is too old; install Node 20.19 or newer"

mkdir -p .build
if command -v flock >/dev/null; then
  exec 9>.build/setup.lock
  flock 9
fi

install_packages "$wanted"
once node_modules/.smolvm-stamp "$(hash_of package-lock.json .npmrc)" install_node_modules

[[ -d dist ]] || rm -f .build/dist.stamp
once .build/dist.stamp "$(hash_of src tsconfig.json tsconfig.build.json package-lock.json)" build_dist
# Whoever only runs VMs needs no tools.
[[ $mode != run ]] || exit 0
[[ -d .build/scripts ]] || rm -f .build/tools.stamp
once .build/tools.stamp "$(hash_of src scripts bench test/support tsconfig.json tsconfig.tools.json package-lock.json)" build_tools
