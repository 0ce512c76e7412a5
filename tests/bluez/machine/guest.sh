# Within the machine: drivers, D-Bus and bluetoothd, then the job, which may use these functions.

start_bluetoothd() {
  /usr/libexec/bluetooth/bluetoothd --nodetach --experimental >>/job/bluetoothd.log 2>&1 &
}

stop_bluetoothd() { kill -9 "$(pidof bluetoothd)"; }

plug_in() { # N: the controller on the Nth line
  btattach --bredr "/dev/ttyS$1" --protocol h4 >/dev/null 2>&1 &
  echo $! >"/run/controller$1"
}

pull_out() { kill "$(cat "/run/controller$1")"; }

powered() { # N
  dbus-send --system --print-reply --dest=org.bluez "/org/bluez/hci$(($1 - 1))" \
    org.freedesktop.DBus.Properties.Get string:org.bluez.Adapter1 string:Powered 2>/dev/null |
    grep -q 'boolean true'
}

wait_until() { # at most 20 s
  for _ in $(seq 200); do
    "$@" && return
    sleep 0.1
  done
  echo "machine: waited in vain: $*"
  return 1
}

modprobe -a bluetooth hci_uart
mkdir -p /run/dbus
dbus-daemon --system --fork
start_bluetoothd
echo "bluetoothd $(/usr/libexec/bluetooth/bluetoothd --version), kernel $(uname -r)"
export PYTHONPATH=/project PYTHONDONTWRITEBYTECODE=1
cd /project
. /job/job.sh
