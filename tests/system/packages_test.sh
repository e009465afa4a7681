#!/usr/bin/env bash
# Looks into the packages: what is in them, that nothing of this machine is, that lintian has nothing to say, that packing twice
# gives the same bytes, and that the tarball runs where it is unpacked.
#
#   packages_test.sh BUILD_DIR       exit 77: this machine cannot make them (the reason is printed)
set -euo pipefail
build=$(readlink -f "$1")
skip() { printf '\n*** SKIPPED: %s\n*** The packages were NOT looked into.\n\n' "$*"; exit 77; }
for tool in cpack dpkg-deb lintian rpmbuild rpm2cpio jq; do
  command -v "$tool" >/dev/null || skip "$tool is not installed (scripts/install-deps installs it)"
done
work=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
  rm -rf "$work"
}
trap finish EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# ---- twice, in two places and at two times; the umask is given: CPack writes it into the archive of a .deb
pack() {
  mkdir -p "$work/$1"
  (umask 022; cd "$work/$1" && cpack --config "$build/CPackConfig.cmake" -B "$work/$1" >"$work/$1.log" 2>&1) \
    || { tail -40 "$work/$1.log"; fail "the packages could not be made"; }
  rm -rf "$work/$1/_CPack_Packages"
}
pack one
pack two
different=
for file in "$work"/one/*; do
  cmp -s "$file" "$work/two/$(basename "$file")" || different="$different $(basename "$file")"
done
[ -z "$different" ] || fail "packed again, these differ:$different"
echo "packed twice, equal: $(cd "$work/one" && ls | tr '\n' ' ')"

# ---- small, and without debug information
deb=$(ls "$work"/one/omniroute_*.deb)
size=$(($(stat -c %s "$deb") / 1024))
[ "$size" -lt 12288 ] || fail "$(basename "$deb") has $size KiB: is debug information in it?"
dpkg-deb -x "$deb" "$work/root"
dpkg-deb -x "$(ls "$work"/one/omniroute-dev_*.deb)" "$work/dev"
for file in "$work"/root/usr/bin/* "$work"/root/usr/lib/omniroute/plugins/*.so; do
  file "$file" | grep -q 'with debug_info' && fail "$(basename "$file") holds debug information"
done
for manifest in "$work"/root/usr/lib/omniroute/plugins/*.plugin.json; do
  library=$(dirname "$manifest")/$(jq -r .file "$manifest")
  [ "$(sha256sum "$library" | cut -d' ' -f1)" = "$(jq -r .sha256 "$manifest")" ] || fail "$(basename "$library") is not what its manifest says"
done
echo "$(basename "$deb"): $size KiB, hashes of the plugins hold"

# ---- what belongs into it
for path in usr/bin/omnirouted usr/bin/omniroute etc/omniroute/omnirouted.properties lib/systemd/system/omniroute.service \
  usr/lib/systemd/system/omniroute.service usr/share/man/man1/omniroute.1.gz usr/share/man/man8/omnirouted.8.gz \
  usr/share/bash-completion/completions/omniroute usr/share/zsh/vendor-completions/_omniroute \
  usr/share/fish/vendor_completions.d/omniroute.fish usr/share/doc/omniroute/omniroute.spdx.json; do
  case $path in lib/*) continue ;; esac
  [ -s "$work/root/$path" ] || fail "$path is missing in omniroute"
done
for path in usr/include/omniroute/abi.h usr/share/cmake/OmniRouteSDK/OmniRouteSDKConfig.cmake usr/bin/omniroute-plugin-check \
  usr/share/omniroute-sdk/template/plugin.cpp usr/share/man/man1/omniroute-plugin-check.1.gz; do
  [ -s "$work/dev/$path" ] || fail "$path is missing in omniroute-dev"
done
[ "$(dpkg-deb --ctrl-tarfile "$deb" | tar xO ./conffiles)" = /etc/omniroute/omnirouted.properties ] || fail "the settings are no conffile"
jq -e '.spdxVersion == "SPDX-2.3" and ([.packages[].name] | index("libssl3") and index("react") and index("libboost1.81-dev"))' \
  "$work/root/usr/share/doc/omniroute/omniroute.spdx.json" >/dev/null || fail "the bill of materials is not complete"
echo "contents, conffile and bill of materials are there"

# ---- lintian
lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$work"/one/*.deb || fail "lintian has something to say"
echo "lintian is content"

# ---- the .rpm holds the same
(mkdir "$work/rpm" && cd "$work/rpm" && rpm2cpio "$(ls "$work"/one/omniroute-[0-9]*.rpm)" | cpio -idm --quiet)
cmp "$work/rpm/usr/lib/omniroute/plugins/kiro.so" "$work/root/usr/lib/omniroute/plugins/kiro.so" || fail "rpm changed a plugin"
rpm -qp --configfiles "$work"/one/omniroute-[0-9]*.rpm | grep -qx /etc/omniroute/omnirouted.properties || fail "the .rpm replaces settings"
echo "the .rpm holds the same"

# ---- the tarball runs where it is unpacked
mkdir -p "$work/any where"
tar xzf "$(ls "$work"/one/*.tar.gz)" -C "$work/any where"
top=$(ls "$work/any where")
chmod -R go-w "$work/any where"
"$work/any where/$top/bin/omnirouted" --set server.port=0 --set "data.dir=$work/data" --ready-file "$work/ready" 2>"$work/tar.log" &
server=$!
for _ in $(seq 300); do [ -s "$work/ready" ] && break; kill -0 "$server" || { cat "$work/tar.log"; fail "it does not start"; }; sleep 0.1; done
curl -sf "http://127.0.0.1:$(jq .port "$work/ready")/api/plugins" | jq -e '[.plugins[] | select(.status == "loaded")] | length == 3' >/dev/null \
  || fail "the tarball's plugins are not loaded"
echo "the tarball runs from a folder with a space in its name"
echo "PASSED"
