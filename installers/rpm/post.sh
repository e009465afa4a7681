systemd-sysusers omniroute.conf >/dev/null 2>&1 || :
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || :
  if [ "$1" -eq 1 ]; then
    systemctl enable --now omniroute.service || echo "omniroute: it did not start; see journalctl -u omniroute" >&2
  else
    systemctl try-restart omniroute.service || :
  fi
elif [ "$1" -eq 1 ]; then
  systemctl enable omniroute.service >/dev/null 2>&1 || :
fi
