#!/usr/bin/env bash
# Measures the wall time from starting QEMU to the guest's /init, under
# emulation, for our kernel and (if it is installed) Debian's stock one, in
# turns on the same machine with the same initial RAM disk.
#
#   kernel/measure.sh VMLINUX [ROUNDS]
#
# Environment: STOCK   a stock vmlinuz (default: the newest /boot/vmlinuz-*cloud*)
#              CMDLINE our kernel command line
#              CPU     -cpu model of our guest (default max,-erms,-fsrm; stock gets the same)
# Prints medians as text and, last, one line of JSON.
set -euo pipefail
export LC_ALL=C

[[ $# -ge 1 && -f $1 ]] || {
  echo "usage: measure.sh VMLINUX [ROUNDS]" >&2
  exit 2
}
ours=$(realpath "$1")
rounds=${2:-10}
qemu=${QEMU:-qemu-system-x86_64}
cpu=${CPU:-max,-erms,-fsrm}
our_cmdline=${CMDLINE:-console=ttyS0 quiet reboot=t panic=-1 mitigations=off noreplace-smp}
stock_cmdline='console=ttyS0 quiet reboot=t panic=-1'
machine=microvm,acpi=off,rtc=on,pit=on,pic=on,isa-serial=on

work=$(mktemp -d "${TMPDIR:-/tmp}/smolvm-measure.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The smallest /init: it ends QEMU through the debug-exit port.
cat >"$work/init.c" <<'C'
#include <sys/io.h>
#include <unistd.h>
int main(void) {
  if (iopl(3) == 0) outb(0, 0xf4);
  for (;;) pause();
}
C
gcc -Os -static -s -o "$work/init" "$work/init.c"
(cd "$work" && echo init | cpio --quiet -o -H newc >initrd.cpio)

# The stock kernel is a bzImage; its payload is the vmlinux, compressed.
# u32 FILE OFFSET: the little-endian number there.
u32() {
  od -An -tu4 -j"$2" -N4 --endian=little "$1" | tr -d ' '
}
stock=
unpack_stock() {
  local image=$1 setup offset length
  setup=$(od -An -tu1 -j$((0x1f1)) -N1 "$image" | tr -d ' ')
  offset=$(($(u32 "$image" $((0x248))) + (setup + 1) * 512))
  length=$(u32 "$image" $((0x24c)))
  # The last four bytes are the unpacked length, not compressed data.
  head -c $((offset + length - 4)) "$image" >"$work/head"
  tail -c $((length - 4)) "$work/head" >"$work/payload"
  local try
  for try in 'lz4 -dc' 'zstd -dc' 'xz -dc' 'gzip -dc'; do
    if $try "$work/payload" >"$work/stock" 2>/dev/null &&
      readelf -h "$work/stock" >/dev/null 2>&1; then
      stock=$work/stock
      return
    fi
  done
  echo "measure.sh: cannot unpack $image" >&2
}
image=${STOCK:-}
if [[ -z $image ]]; then
  for image in /boot/vmlinuz-*cloud*; do :; done
fi
[[ -f $image ]] && unpack_stock "$image"

# run KERNEL CMDLINE CPUS: sets $us to the wall time in microseconds.
run() {
  local start end status=0
  start=${EPOCHREALTIME/./}
  timeout 60 "$qemu" -nodefaults -no-user-config -display none -no-reboot \
    -M "$machine" -accel tcg -cpu "$cpu" -m 512 -smp "$3" -serial null \
    -kernel "$1" -initrd "$work/initrd.cpio" -append "$2" \
    -device isa-debug-exit,iobase=0xf4,iosize=4 2>"$work/err" || status=$?
  end=${EPOCHREALTIME/./}
  if [[ $status -ne 1 ]]; then # debug-exit with 0 ends QEMU with status 1
    echo "measure.sh: $1 did not reach /init (status $status)" >&2
    cat "$work/err" >&2
    exit 1
  fi
  us=$((end - start))
}

median() { # of the numbers in a file, in milliseconds
  sort -n "$1" | awk '{ v[NR] = $1 } END {
    m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
    printf "%.1f", m / 1000 }'
}

json="\"rounds\":$rounds,\"cpu\":\"$cpu\""
# The last case starts with one CPU; the guest brings up the other one itself
# after /init has started (echo 1 >/sys/devices/system/cpu/cpu1/online).
for case in smp1:1: smp2:2: 'smp2deferred:2: maxcpus=1'; do
  IFS=: read -r key cpus extra <<<"$case"
  for ((i = 0; i <= rounds; i++)); do # round 0 only warms the caches
    run "$ours" "$our_cmdline$extra" "$cpus"
    ((i == 0)) || echo "$us" >>"$work/ours.$key"
    if [[ -n $stock ]]; then
      run "$stock" "$stock_cmdline" "$cpus"
      ((i == 0)) || echo "$us" >>"$work/stock.$key"
    fi
  done
  our_ms=$(median "$work/ours.$key")
  json+=",\"$key\":{\"oursMs\":$our_ms"
  if [[ -n $stock ]]; then
    stock_ms=$(median "$work/stock.$key")
    ratio=$(awk -v a="$our_ms" -v b="$stock_ms" 'BEGIN { printf "%.3f", a / b }')
    echo "-smp $cpus$extra: ours $our_ms ms, stock $stock_ms ms, ratio $ratio"
    json+=",\"stockMs\":$stock_ms,\"ratio\":$ratio"
  else
    echo "-smp $cpus$extra: ours $our_ms ms (no stock kernel here)"
  fi
  json+='}'
done
if [[ -n $stock ]]; then
  json+=",\"stock\":\"$(basename "$image")\""
fi
echo "{$json}"
