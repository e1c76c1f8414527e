#!/usr/bin/env bash
# Builds the smolvm guest kernel from Debian's kernel source.
#
#   kernel/build.sh OUTDIR                 OUTDIR/vmlinux, kernel.config, kernel.json
#   kernel/build.sh --config-only OUTDIR   OUTDIR/kernel.config only (seconds)
#
# Environment:
#   KERNEL_WORK     folder to build in, kept afterwards (default: a temporary
#                   folder, removed at the end)
#   KERNEL_TARBALL  path of linux-source-6.12.tar.xz (default: /usr/src, or
#                   the pinned package downloaded with apt-get)
#   JOBS            parallel jobs (default: nproc)
set -euo pipefail

export LC_ALL=C TZ=UTC
umask 022

die() {
  echo "build.sh: $*" >&2
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
config_only=0
if [[ ${1:-} == --config-only ]]; then
  config_only=1
  shift
fi
[[ $# -eq 1 ]] || die "usage: build.sh [--config-only] OUTDIR"
mkdir -p "$1"
out=$(cd "$1" && pwd)
jobs=${JOBS:-$(nproc)}
fragment=$here/config-x86_64

# Which source: linux.version has plain KEY=VALUE lines.
pin() {
  local value
  value=$(sed -n "s/^$1=//p" "$here/linux.version")
  [[ -n $value ]] || die "linux.version has no $1"
  printf '%s' "$value"
}
package=$(pin package)
package_version=$(pin package_version)
tarball_sha256=$(pin tarball_sha256)
upstream_version=$(pin upstream_version)

# SOURCE_DATE_EPOCH as the build date keeps the bytes independent of the clock.
build_epoch=$(pin source_date_epoch)
build_date=$(date -u -d "@$build_epoch" '+%a %b %e %H:%M:%S UTC %Y')

sha256() {
  sha256sum "$1" | cut -d' ' -f1
}

if [[ -n ${KERNEL_WORK:-} ]]; then
  mkdir -p "$KERNEL_WORK"
  work=$(cd "$KERNEL_WORK" && pwd)
else
  work=$(mktemp -d "${TMPDIR:-/tmp}/smolvm-kernel.XXXXXX")
  trap 'rm -rf "$work"' EXIT
fi

# ---------------------------------------------------------------- source

find_tarball() {
  local name=$package.tar.xz
  if [[ -n ${KERNEL_TARBALL:-} ]]; then
    [[ -f $KERNEL_TARBALL ]] || die "no such file: $KERNEL_TARBALL"
    tarball=$KERNEL_TARBALL
    return
  fi
  tarball=/usr/src/$name
  if [[ -f $tarball && $(sha256 "$tarball") == "$tarball_sha256" ]]; then
    return
  fi
  tarball=$work/package/usr/src/$name
  [[ -f $tarball ]] && return
  echo "build.sh: fetching $package $package_version" >&2
  mkdir -p "$work/package"
  (
    cd "$work/package"
    chmod 755 . # apt's download user must be able to write here or it warns
    apt-get download "$package=$package_version" >&2 ||
      die "apt-get download failed (run apt-get update, or set KERNEL_TARBALL)"
    dpkg -x ./*.deb .
    rm -f ./*.deb
  )
  [[ -f $tarball ]] || die "package $package has no usr/src/$name"
}

patches_sha256=$(cat "$here"/patches/*.patch | sha256sum | cut -d' ' -f1)
source_id=$tarball_sha256-$patches_sha256
source_dir=$work/source
object_dir=$work/build
if [[ ! -f $source_dir/.unpacked || $(<"$source_dir/.unpacked") != "$source_id" ]]; then
  find_tarball
  [[ $(sha256 "$tarball") == "$tarball_sha256" ]] ||
    die "$tarball is not the pinned source (sha256 $tarball_sha256)"
  rm -rf "$source_dir"
  mkdir -p "$source_dir"
  tar -xf "$tarball" -C "$source_dir" --strip-components=1
  for patch in "$here"/patches/*.patch; do
    patch -s -p1 -d "$source_dir" <"$patch" || die "cannot apply $patch"
  done
  printf '%s' "$source_id" >"$source_dir/.unpacked"
fi
found=$(make -s -C "$source_dir" kernelversion)
[[ $found == "$upstream_version" ]] || die "source is $found, not $upstream_version"

# ---------------------------------------------------------------- configure

# Paths must not reach the object files, nor anything of who built it and when.
kmake() {
  make -C "$source_dir" O="$object_dir" ARCH=x86_64 LOCALVERSION= \
    KBUILD_BUILD_TIMESTAMP="$build_date" \
    KBUILD_BUILD_USER=smolvm KBUILD_BUILD_HOST=smolvm KBUILD_BUILD_VERSION=1 \
    KCFLAGS="-ffile-prefix-map=$source_dir/= -ffile-prefix-map=$object_dir/=" \
    KAFLAGS="-ffile-prefix-map=$source_dir/= -ffile-prefix-map=$object_dir/=" \
    SOURCE_DATE_EPOCH="$build_epoch" "$@"
}

mkdir -p "$object_dir"
new_config=$object_dir/.config.new
env -u KCONFIG_CONFIG KCONFIG_ALLCONFIG="$fragment" KCONFIG_CONFIG="$new_config" \
  make -s -C "$source_dir" O="$object_dir" ARCH=x86_64 allnoconfig >/dev/null

# Every line of the fragment must be what the final configuration says.
wrong=$(awk '
  function take(line,   eq) {
    if (line ~ /^# CONFIG_[A-Za-z0-9_]+ is not set$/) {
      split(line, word, " "); key = word[2]; value = "n"; return 1
    }
    if (line !~ /^CONFIG_[A-Za-z0-9_]+=/) return 0
    eq = index(line, "="); key = substr(line, 1, eq - 1); value = substr(line, eq + 1)
    return 1
  }
  NR == FNR { if (take($0)) final[key] = value; next }
  take($0) {
    got = (key in final) ? final[key] : "n"
    if (got != value) print "  " key ": asked for " value ", got " got
    if (key in seen) print "  " key ": listed twice"
    seen[key] = 1
  }
' "$new_config" "$fragment")
if [[ -n $wrong ]]; then
  echo "build.sh: these options did not end up as config-x86_64 asks:" >&2
  echo "$wrong" >&2
  exit 1
fi
# An option without a reason above it (in its paragraph) is a mistake too.
bare=$(awk '
  /^[[:space:]]*$/ { reason = 0; next }
  /^# CONFIG_[A-Za-z0-9_]+ is not set$/ || /^CONFIG_/ { if (!reason) print "  " $0; next }
  /^#/ { reason = 1 }
' "$fragment")
[[ -z $bare ]] || die "options without a reason in config-x86_64:"$'\n'"$bare"

cmp -s "$new_config" "$object_dir/.config" || cp "$new_config" "$object_dir/.config"
cp "$new_config" "$out/kernel.config.tmp"
mv "$out/kernel.config.tmp" "$out/kernel.config"
if ((config_only)); then
  sha256sum "$out/kernel.config"
  exit 0
fi

# ---------------------------------------------------------------- build

log=$work/build.log
if ! kmake -j"$jobs" vmlinux >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  die "the build failed (above: the end of its log)"
fi

# Only what is loaded: no symbol table, no comments. The notes stay (PVH entry).
vmlinux=$work/vmlinux.stripped
objcopy --strip-all --remove-section=.comment "$object_dir/vmlinux" "$vmlinux"
readelf -nW "$vmlinux" | grep -Eq '^ *Xen .*0x00000012' ||
  die "the kernel has no PVH entry note"

cp "$vmlinux" "$out/vmlinux.tmp"
chmod 644 "$out/vmlinux.tmp"
mv "$out/vmlinux.tmp" "$out/vmlinux"

cat >"$out/kernel.json.tmp" <<JSON
{
  "package": "$package",
  "packageVersion": "$package_version",
  "linuxVersion": "$upstream_version",
  "tarballSha256": "$tarball_sha256",
  "patchesSha256": "$patches_sha256",
  "compiler": "$(gcc --version | head -n 1)",
  "binutils": "$(ld --version | head -n 1)",
  "fragmentSha256": "$(sha256 "$fragment")",
  "configSha256": "$(sha256 "$out/kernel.config")",
  "vmlinuxSha256": "$(sha256 "$out/vmlinux")",
  "vmlinuxSize": $(stat -c %s "$out/vmlinux")
}
JSON
mv "$out/kernel.json.tmp" "$out/kernel.json"
cat "$out/kernel.json"
