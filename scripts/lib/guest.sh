#!/bin/busybox sh
# A guest's first program. Loads the modules, mounts the host's files below /host, and runs the job that the host left in the share
# `results`, where its output, a heartbeat, and at last its exit status go; where the host
# leaves `explain`, the kernel writes its blocked tasks onto the console. /paths names folders to be seen though temporary ones cover them.
/bin/busybox mkdir -p /proc /sys /dev /host /whole
/bin/busybox --install -s /bin
export PATH=/bin

# Ends QEMU at once: no unit that hangs can hold it up, and what is in the results is on the host.
off() {
  echo b >/proc/sysrq-trigger
}

lost() {
  echo "guest: $*" >/dev/console
  off
}

mount -t proc proc /proc
echo 1 >/proc/sys/kernel/sysrq
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r file parameters; do
  # Parameters are words.
  # shellcheck disable=SC2086
  insmod "/modules/$file" $parameters || lost "cannot load $file $parameters"
done </modules/list

share=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o "$share,ro,cache=loose" host /whole || lost 'cannot mount the host'
mount --bind /whole /host
for folder in tmp run; do mount -t tmpfs tmpfs "/host/$folder"; done
for folder in proc sys dev; do mount --rbind "/$folder" "/host/$folder"; done
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /host/dev/shm
mount -t devpts devpts /host/dev/pts
mount -t configfs configfs /host/sys/kernel/config
mount -t debugfs debugfs /host/sys/kernel/debug
while read -r path; do
  mkdir -p "/host$path"
  mount --bind "/whole$path" "/host$path" || lost "cannot show $path"
done </paths
mkdir -p /host/run/sgring
mount -t 9p -o "$share,cache=none" results /host/run/sgring || lost 'cannot mount the results'

# Modules that the kernel itself asks for come from the host's cache too.
echo /modprobe >/proc/sys/kernel/modprobe
ip link set lo up

while :; do
  echo >>/host/run/sgring/beat
  if [ -e /host/run/sgring/explain ]; then
    echo w >/proc/sysrq-trigger
    rm /host/run/sgring/explain
  fi
  sleep 1
done &
chroot /host /bin/sh /run/sgring/job >/host/run/sgring/output 2>&1 </dev/null
echo $? >/host/run/sgring/status
off
