#!/bin/bash
# Four hosts on this machine: network namespaces on one switch of their own, with host names of their own. Needs root and iproute2.
#
#   hosts.sh up                   makes them anew: scheduler 10.77.0.1, w1 10.77.0.2, w2 10.77.0.3, client 10.77.0.4
#   hosts.sh run HOST COMMAND...  runs a command on one; HOSTS_HIDE names folders that are empty there, parted by colons
#   hosts.sh down                 ends all that runs on them and removes them; as often as you like
#
# The network is not connected to any other. Namespaces and host names begin with HOSTS_PREFIX, by default "sluice-": with another one there may be several such networks at once.
set -euo pipefail

prefix=${HOSTS_PREFIX:-sluice-}
hosts=(scheduler w1 w2 client)
network=10.77.0

up() {
  down
  ip netns add "${prefix}switch"
  ip -n "${prefix}switch" link add bridge type bridge
  ip -n "${prefix}switch" link set bridge up
  local number=1 host
  for host in "${hosts[@]}"; do
    plug_in "$host" "$network.$number"
    number=$((number + 1))
  done
}

plug_in() {
  local host=$1 address=$2 name=$prefix$1
  name_hosts "/etc/netns/$name"
  ip netns add "$name"
  ip link add "$host" netns "${prefix}switch" type veth peer name eth0 netns "$name"
  ip -n "${prefix}switch" link set "$host" master bridge up
  ip -n "$name" address add "$address/24" dev eth0
  ip -n "$name" link set eth0 up
  ip -n "$name" link set lo up
}

# What `ip netns exec` shows a host as its /etc/hosts and /etc/nsswitch.conf: names are not asked for elsewhere.
name_hosts() {
  local folder=$1 number=1 host
  mkdir -p "$folder"
  echo "hosts: files" >"$folder/nsswitch.conf"
  echo "127.0.0.1 localhost" >"$folder/hosts"
  for host in "${hosts[@]}"; do
    echo "$network.$number $prefix$host $host" >>"$folder/hosts"
    number=$((number + 1))
  done
}

run() {
  local name=$prefix$1
  shift
  # A mount namespace of its own: what is hidden here is there for all others.
  exec ip netns exec "$name" unshare --uts --mount --propagation private bash -euc '
    echo "$0" >/proc/sys/kernel/hostname
    IFS=:
    for folder in ${HOSTS_HIDE:-}; do mount -t tmpfs hidden "$folder"; done
    unset IFS HOSTS_HIDE HOSTS_PREFIX
    exec "$@"' "$name" "$@"
}

down() {
  local host
  for host in "${hosts[@]}" switch; do
    if [ -e "/run/netns/$prefix$host" ]; then
      end_all "$prefix$host"
      ip netns delete "$prefix$host"
    fi
    rm -rf "/etc/netns/$prefix$host"
  done
  rmdir /etc/netns 2>/dev/null || true # others may have theirs there
}

# A process may start another one while the list is made.
end_all() {
  local pids
  for _ in {1..100}; do
    pids=$(ip netns pids "$1")
    [ -n "$pids" ] || return 0
    # shellcheck disable=SC2086 # one word a process
    kill -KILL $pids 2>/dev/null || true
    sleep 0.05
  done
  echo "hosts.sh: in $1 these do not end: $pids" >&2
  return 1
}

case "${1:-}" in
  up | down) "$1" ;;
  run)
    shift
    [ $# -ge 2 ] || { echo "usage: hosts.sh run HOST COMMAND..." >&2; exit 2; }
    run "$@"
    ;;
  *)
    echo "usage: hosts.sh up | down | run HOST COMMAND..." >&2
    exit 2
    ;;
esac
