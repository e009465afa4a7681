#!/usr/bin/env bash
# Installs the packages into a fresh Debian 12 under a booted systemd (systemd-nspawn) and lives through a service's life:
# install, demo calls, reload, crash, watchdog, socket activation, upgrade with data kept, rollback, removal, purge.
#
#   systemd_test.sh BUILD_DIR       exit 77: this machine cannot run it (the reason is printed)
#
# The base system is made once and kept in ${OMNI_CACHE_DIR:-~/.cache/omniroute}.
set -euo pipefail
build=$(readlink -f "$1")
skip() { printf '\n*** SKIPPED: %s\n*** The packages were NOT tried under systemd.\n\n' "$*"; exit 77; }
[ "$(id -u)" -eq 0 ] || skip "booting a container needs root"
for tool in mmdebstrap systemd-nspawn nsenter cpack dpkg-deb; do
  command -v "$tool" >/dev/null || skip "$tool is not installed (scripts/install-deps installs it)"
done
[ -f "$build/bin/kiro-sim" ] || skip "$build holds no kiro-sim"

cache=${OMNI_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/omniroute}
work=$(mktemp -d)
root=$work/root
started=$(date +%s)
lap() { printf '[%3ss] %s\n' "$(($(date +%s) - started))" "$*"; }
nspawn=
leader=
finish() {
  local status=$?
  if [ "$status" -ne 0 ] && [ "$status" -ne 77 ] && [ -n "$leader" ]; then
    echo "--- the service's last words"
    in_box journalctl -u omniroute --no-pager -n 40 2>/dev/null || true
  fi
  [ -z "$leader" ] || in_box systemctl poweroff 2>/dev/null || true
  if [ -n "$nspawn" ]; then
    for _ in $(seq 40); do kill -0 "$nspawn" 2>/dev/null || break; sleep 0.25; done
    kill -9 "$nspawn" 2>/dev/null || true
    wait "$nspawn" 2>/dev/null || true
  fi
  for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
    [ ! -d "$tree/omniroute-test" ] || find "$tree/omniroute-test" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  done
  rm -rf --one-file-system "$work"
}
trap finish EXIT
in_box() { nsenter -t "$leader" -a "$@"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
# until SECONDS DESCRIPTION COMMAND...
until_true() {
  local deadline=$(($(date +%s) + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$deadline" ] || fail "$what"
    sleep 0.2
  done
}
call() { in_box curl -sS --max-time 20 -H 'Content-Type: application/json' "$@"; }
gateway=http://127.0.0.1:20128

# ---- the packages, and a next version of them
mkdir -p "$work/debs"
(cd "$work/debs" && cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work/debs" >"$work/cpack.log" 2>&1) || { tail -40 "$work/cpack.log"; fail "the packages could not be made"; }
deb=$(ls "$work"/debs/omniroute_*.deb)
version=$(dpkg-deb -f "$deb" Version)
dpkg-deb -R "$deb" "$work/next"
sed -i "s/^Version: .*/Version: $version+next1/" "$work/next/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/next" "$work/next.deb" >/dev/null
lap "packages made: $(basename "$deb") ($(du -k "$deb" | cut -f1) KiB)"

# ---- a base system with what the package depends on
depends=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/(.*//; s/|.*//; s/ //g' | grep -v '^$' | sort -u | paste -sd,)
key=$(printf '%s' "$depends" | sha256sum | cut -c1-12)
base=$cache/bookworm-$key.tar
if [ ! -s "$base" ]; then
  mkdir -p "$cache"
  mirror=$(sed -nE 's/^(URIs:|deb( \[[^]]*\])?) +([^ ]+).*/\3/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -v security | head -n 1 || true)
  mmdebstrap --quiet --format=tar --variant=minbase --include="systemd,systemd-sysv,dbus,curl,jq,iproute2,$depends" bookworm "$base.part" ${mirror:+"$mirror"} \
    || skip "no base system could be made (is there a Debian mirror?)"
  mv "$base.part" "$base"
  lap "base system made"
fi
mkdir -p "$root"
tar xf "$base" -C "$root"
cp "$deb" "$root/root/omniroute.deb"
cp "$work/next.deb" "$root/root/next.deb"
cp "$build/bin/kiro-sim" "$root/usr/local/bin/"

# A control group of its own, so that nothing lands in the caller's.
for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
  [ -e "$tree/cgroup.procs" ] && mkdir -p "$tree/omniroute-test" 2>/dev/null || true
done
(
  for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
    [ ! -e "$tree/omniroute-test/cgroup.procs" ] || echo "$BASHPID" >"$tree/omniroute-test/cgroup.procs" 2>/dev/null || true
  done
  exec unshare -m --propagation private systemd-nspawn -q -D "$root" --boot --register=no --keep-unit --private-network --machine=omniroute-test
) >"$work/console.log" 2>&1 </dev/null &
nspawn=$!
for _ in $(seq 100); do
  leader=$(pgrep -P "$nspawn" | head -n 1 || true)
  [ -n "$leader" ] && [ "$(cat "/proc/$leader/comm" 2>/dev/null)" = systemd ] && break
  leader=
  sleep 0.2
done
[ -n "$leader" ] || { tail -5 "$work/console.log"; skip "systemd-nspawn cannot boot here"; }
booted() { case $(in_box systemctl is-system-running 2>/dev/null) in running | degraded) return 0 ;; *) return 1 ;; esac; }
until_true 60 "the container did not come up" booted
lap "systemd $(in_box systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p') is up"

active() { in_box systemctl is-active -q omniroute.service; }
main_pid() { in_box systemctl show -p MainPID --value omniroute.service; }
answers() { call -f "$gateway/healthz"; }

# ---- install
in_box env DEBIAN_FRONTEND=noninteractive dpkg -i /root/omniroute.deb >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; fail "the package does not install"; }
until_true 15 "the service did not start after the installation" active
until_true 5 "the service does not answer" answers
in_box systemctl show -p StatusText --value omniroute.service | grep -q 'Serving on 127.0.0.1:20128' || fail "no status text"
[ "$(in_box stat -c '%U %a' /var/lib/omniroute/master.key)" = "omniroute 600" ] || fail "the master key is not its user's alone"
call "$gateway/api/plugins" | in_box jq -e '[.plugins[] | select(.id == "kiro" and .status == "loaded")] | length == 1' >/dev/null || fail "the Kiro plugin is not loaded"
lap "installed, active, plugin loaded"

# ---- demo calls against the simulator
# Its own unit, so that it outlives the command.
in_box systemd-run -q --unit kiro-sim /usr/local/bin/kiro-sim --port=20129
simulator=http://127.0.0.1:20129
until_true 10 "kiro-sim did not start" call -f "$simulator/__control/health"
point_at_simulator() {
  in_box sh -c "cat >> /etc/omniroute/omnirouted.properties" <<EOF_PROPERTIES
plugins.kiro.endpoint.oidc = $simulator/oidc/{region}
plugins.kiro.endpoint.social = $simulator/auth-desktop
plugins.kiro.endpoint.runtime = $simulator/runtime/{region}
plugins.kiro.endpoint.management = $simulator/management/{region}
plugins.kiro.endpoint.legacy = $simulator/legacy/{region}
EOF_PROPERTIES
}
point_at_simulator
in_box systemctl restart omniroute.service
until_true 10 "the service does not answer after a restart" answers
import_account() {
  local account token
  account=$(call "$simulator/__control/accounts" -d '{"kind":"social","email":"'"$1"'@example.com"}')
  token=$(printf '%s' "$account" | in_box jq -r .refreshToken)
  call -f "$gateway/api/oauth/kiro/import" -d '{"refreshToken":"'"$token"'","name":"'"$1"'"}' >/dev/null || fail "the import of $1"
}
import_account kiro-dev
import_account kiro-pro
chat() {
  call "$gateway/v1/chat/completions" -d '{"model":"kiro/'"$1"'","messages":[{"role":"user","content":"Hello '"$1"'"}]}' \
    | in_box jq -re '.choices[0].message.content' | grep -q "Hello $1"
}
chat kiro-dev || fail "no answer from kiro-dev"
chat kiro-pro || fail "no answer from kiro-pro"
lap "two accounts imported, both answer"

# ---- reload: same process, still active
pid=$(main_pid)
in_box systemctl reload omniroute.service
until_true 5 "not active after a reload" active
[ "$(main_pid)" = "$pid" ] || fail "a reload changed the process"
in_box sh -c 'printf "server.maxStreams = many\n" >> /etc/omniroute/omnirouted.properties'
in_box systemctl reload omniroute.service || true
refused() { in_box systemctl show -p StatusText --value omniroute.service | grep -q 'reload was refused'; }
until_true 5 "a wrong configuration is not reported in the status" refused
active || fail "a wrong configuration ended the service"
in_box sed -i '/^server.maxStreams = many/d' /etc/omniroute/omnirouted.properties
in_box systemctl reload omniroute.service
lap "reload: the same process; a wrong file is refused and reported"

# ---- crash, and nothing is lost
pid=$(main_pid)
in_box kill -9 "$pid"
restarted() { active && [ "$(main_pid)" != "$pid" ] && [ "$(main_pid)" != 0 ] && answers; }
until_true 15 "not restarted after a crash" restarted
chat kiro-dev || fail "kiro-dev is lost after a crash"
lap "killed, restarted, accounts still there"

# ---- watchdog: a process that hangs is replaced
in_box mkdir -p /etc/systemd/system/omniroute.service.d
in_box sh -c 'printf "[Service]\nWatchdogSec=2\n" > /etc/systemd/system/omniroute.service.d/test.conf'
in_box systemctl daemon-reload
in_box systemctl restart omniroute.service
until_true 10 "no answer with a short watchdog" answers
sleep 5 # longer than the watchdog: a healthy process must not be killed
active || fail "the watchdog killed a healthy service"
pid=$(main_pid)
in_box kill -STOP "$pid"
until_true 30 "the watchdog did not replace a hanging process" restarted
in_box rm -r /etc/systemd/system/omniroute.service.d
in_box systemctl daemon-reload
in_box systemctl reset-failed omniroute.service
lap "watchdog: a healthy service stays, a hanging one is replaced"

# ---- socket activation
in_box systemctl stop omniroute.service
in_box systemctl start omniroute.socket
active && fail "the service runs although nobody asked"
until_true 15 "the socket does not start the service" answers
active || fail "answered, but the service is not active"
chat kiro-pro || fail "no answer over the activated socket"
in_box systemctl stop omniroute.socket omniroute.service
in_box systemctl start omniroute.service
until_true 10 "no answer after socket activation was switched off" answers
lap "socket activation"

# ---- the master key as a credential of the service manager, out of the data folder
in_box sh -c 'install -d -m 700 /etc/omniroute-keys && mv /var/lib/omniroute/master.key /etc/omniroute-keys/ && chown root:root /etc/omniroute-keys/master.key'
in_box mkdir -p /etc/systemd/system/omniroute.service.d
in_box sh -c 'printf "[Service]\nLoadCredential=master.key:/etc/omniroute-keys/master.key\n" > /etc/systemd/system/omniroute.service.d/credential.conf'
in_box systemctl daemon-reload
in_box systemctl restart omniroute.service
until_true 10 "no answer with the master key as a credential" answers
in_box test ! -e /var/lib/omniroute/master.key || fail "a master key was made although there is a credential"
chat kiro-dev || fail "the credential does not open kiro-dev's secrets"
in_box sh -c 'rm /etc/systemd/system/omniroute.service.d/credential.conf'
in_box systemctl daemon-reload
if in_box systemctl restart omniroute.service 2>/dev/null; then fail "started without the master key"; fi
without_key() { [ "$(in_box systemctl show -p ExecMainStatus --value omniroute.service)" = 78 ]; }
until_true 15 "ended with another exit code than 78" without_key
in_box test ! -e /var/lib/omniroute/master.key || fail "a new master key was made over sealed data"
in_box sh -c 'install -o omniroute -g omniroute -m 600 /etc/omniroute-keys/master.key /var/lib/omniroute/master.key && rm -r /etc/omniroute-keys'
in_box systemctl reset-failed omniroute.service
in_box systemctl start omniroute.service
until_true 10 "no answer with the key back in its place" answers
chat kiro-pro || fail "kiro-pro is lost after the key's journey"
lap "master key by LoadCredential; without it the start is refused and nothing is overwritten"

# ---- TLS, under the unit's own restrictions
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=box -addext subjectAltName=IP:127.0.0.1 \
  -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null || fail "no certificate could be made"
mkdir -p "$root/etc/omniroute/tls"
cp "$work/tls.crt" "$work/tls.key" "$root/etc/omniroute/tls/"
in_box sh -c 'chown -R root:omniroute /etc/omniroute/tls && chmod 750 /etc/omniroute/tls && chmod 640 /etc/omniroute/tls/*
  printf "server.tls.certificate = /etc/omniroute/tls/tls.crt\nserver.tls.key = /etc/omniroute/tls/tls.key\nserver.tls.port = 20130\n" >> /etc/omniroute/omnirouted.properties'
in_box systemctl restart omniroute.service
until_true 10 "no answer over TLS" call -f --cacert /etc/omniroute/tls/tls.crt https://127.0.0.1:20130/healthz
in_box systemctl show -p StatusText --value omniroute.service | grep -q 'TLS on 127.0.0.1:20130' || fail "the status does not name the TLS listener"
in_box sh -c 'sed -i "/^server.tls/d" /etc/omniroute/omnirouted.properties && rm -r /etc/omniroute/tls'
in_box systemctl restart omniroute.service
until_true 10 "no answer with TLS switched off" answers
lap "TLS listener"

# ---- hardening
score=$(in_box systemd-analyze security omniroute.service --no-pager | sed -nE 's/.*Overall exposure level for omniroute.service: ([0-9.]+).*/\1/p')
[ -n "$score" ] || fail "systemd-analyze gave no score"
in_box awk -v score="$score" 'BEGIN { exit !(score <= 1.5) }' || fail "systemd-analyze security rates the unit $score; at most 1.5 is allowed"
lap "systemd-analyze security: $score"

# ---- upgrade with data kept, rollback
in_box env DEBIAN_FRONTEND=noninteractive dpkg -i --force-confold /root/next.deb >>"$work/dpkg.log" 2>&1 || { tail "$work/dpkg.log"; fail "the upgrade"; }
until_true 15 "no answer after the upgrade" answers
chat kiro-dev || fail "kiro-dev is lost after the upgrade"
in_box grep -q "$simulator" /etc/omniroute/omnirouted.properties || fail "the upgrade replaced the configuration"
in_box env DEBIAN_FRONTEND=noninteractive dpkg -i --force-downgrade --force-confold /root/omniroute.deb >>"$work/dpkg.log" 2>&1 || fail "the rollback"
until_true 15 "no answer after the rollback" answers
chat kiro-pro || fail "kiro-pro is lost after the rollback"
lap "upgrade and rollback, data and configuration kept"

# ---- removal keeps the data, purge does not
in_box env DEBIAN_FRONTEND=noninteractive dpkg -r omniroute >>"$work/dpkg.log" 2>&1 || { tail "$work/dpkg.log"; fail "the removal"; }
active && fail "still running after the removal"
in_box test -f /var/lib/omniroute/omniroute.sqlite || fail "the removal threw the accounts away"
in_box env DEBIAN_FRONTEND=noninteractive dpkg -P omniroute >>"$work/dpkg.log" 2>&1 || { tail "$work/dpkg.log"; fail "the purge"; }
if in_box test -e /var/lib/omniroute || in_box test -e /etc/omniroute; then fail "the purge left data behind"; fi
lap "removed and purged"
echo "PASSED"
