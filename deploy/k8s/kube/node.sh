#!/usr/bin/env bash
# Runs TestANodeServes as root in namespaces of its own: the network, the mounts and the
# processes of this machine stay as they are. Its control groups are below /hachi-kube,
# and removed at the end, as are its files. Needs containerd, runc and the plugins of CNI
# (Debian: containerd, runc, containernetworking-plugins).
#
# usage: node.sh TEST FLAGS...
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
if [ "${HACHI_KUBE_INSIDE:-}" != 1 ]; then
  for program in containerd containerd-shim-runc-v2 ctr runc unshare ip; do
    command -v $program >/dev/null || { echo "$program is missing (Debian: containerd, runc, containernetworking-plugins, util-linux, iproute2)" >&2; exit 1; }
  done
  # What is mounted below a folder of the test keeps it from being removed inside. Here
  # nothing is mounted.
  scratch=$(mktemp -d)
  status=0
  TMPDIR=$scratch HACHI_KUBE_INSIDE=1 unshare --net --mount --propagation private --pid --fork --mount-proc --kill-child ./node.sh "$@" || status=$?
  rm -rf --one-file-system "$scratch"
  for groups in /sys/fs/cgroup/*/hachi-kube /sys/fs/cgroup/hachi-kube; do
    [ ! -d "$groups" ] || find "$groups" -depth -type d -exec rmdir {} + || true
  done
  exit $status
fi

# Folders that a kubelet, containerd and the plugins write to.
for folder in /run /var/log /var/lib; do mount -t tmpfs tmpfs $folder; done
# A kubelet sets these variables of the kernel, which have no namespace: it gets files.
mkdir /run/sysctl
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=/run/sysctl/$(echo "${setting%=*}" | tr / .)
  echo "${setting#*=}" >"$file"
  mount --bind "$file" "/proc/sys/${setting%=*}"
done
# The address of the machine. Addresses of Services lead here, until kube-proxy's rules
# send packets to pods.
ip link set lo up
ip link add node type veth peer name peer
ip link set peer up
ip address add 10.99.0.1/24 dev node
ip link set node up
ip route add default dev node
echo 1 >/proc/sys/net/ipv4/ip_forward
[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
exec "$@"
