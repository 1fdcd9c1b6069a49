#!/bin/sh
# PID 1 of an instance of EC2 on this machine that is a virtual machine: the container around it has the instance's
# network card, which it bridges to the machine's, and its DHCP server says what EC2's would. The machine finds the
# metadata service as on EC2, and its firmware says that it is EC2's.
set -e
address=$(ip -o -4 address show dev eth0 | awk '{ print $4 }')
gateway=$(ip -o route show default | awk '{ print $3 }')
resolver=$(awk '$1 == "nameserver" { print $2; exit }' /etc/resolv.conf)
mac=$(cat /sys/class/net/eth0/address)
mtu=$(cat /sys/class/net/eth0/mtu)
uuid=ec2$(cut -c4- /proc/sys/kernel/random/uuid)

ip link set eth0 down
ip address flush dev eth0
ip link set eth0 address 02:00:00:00:00:01
ip link add bridge type bridge
ip tuntap add dev card mode tap
for port in eth0 card; do
    ip link set "$port" master bridge mtu "$mtu" up
done
# the fourth address of a subnet is one that EC2 gives to nobody
server=$(python3 -c 'import ipaddress, sys; print(ipaddress.ip_interface(sys.argv[1]).network[3])' "$address")
ip address add "$server/${address#*/}" dev bridge
ip link set bridge up
dnsmasq --port=0 --interface=bridge --bind-dynamic --leasefile-ro --dhcp-authoritative \
    --dhcp-range="${address%/*},static,infinite" --dhcp-host="$mac,${address%/*},infinite" \
    --dhcp-option=option:router,"$gateway" --dhcp-option=option:dns-server,"$resolver" --dhcp-option=option:mtu,"$mtu"

[ -e /disk.raw ] || zstd --quiet --decompress --sparse /disk.raw.zst -o /disk.raw
cp --update=none /usr/share/OVMF/OVMF_VARS_4M.fd /variables.fd
# without cx16: emulated, that instruction has brought kernels down
qemu-system-x86_64 -machine q35 -accel tcg,thread=multi -cpu max,cx16=off,la57=off -smp 2 -m 1024 \
    -nodefaults -display none -serial stdio \
    -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd \
    -drive if=pflash,format=raw,file=/variables.fd \
    -drive if=none,id=root,format=raw,cache=unsafe,file=/disk.raw -device nvme,drive=root,serial=root \
    -netdev tap,id=card,ifname=card,script=no,downscript=no \
    -device virtio-net-pci,netdev=card,mac="$mac",romfile= -device virtio-rng-pci \
    -smbios type=1,manufacturer="Amazon EC2",product=c7i.large,uuid="$uuid",serial="$uuid" &
machine=$!
# 37: RTMIN+3, by which a container's engine has systemd power off
trap 'kill "$machine"' TERM INT 37
wait "$machine" || exit 130
