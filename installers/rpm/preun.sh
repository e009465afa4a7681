# 0: removal, not an upgrade.
if [ "$1" -eq 0 ] && [ -d /run/systemd/system ]; then
  systemctl disable --now omniroute.socket omniroute.service || :
fi
