#!/bin/bash
# Runs once in the node's file system: what systemd leaves out in a container, the user that minikube logs in as.
set -eux
rm -f /usr/sbin/policy-rc.d
# A container has no devices of its own to manage, no consoles and no disks of its boot.
for unit in systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
    systemd-initctl.socket systemd-tmpfiles-setup.service systemd-tmpfiles-setup-dev.service systemd-remount-fs.service \
    systemd-logind.service systemd-binfmt.service getty.target console-getty.service e2scrub_reap.service fstrim.timer \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
mkdir -p /etc/systemd/journald.conf.d /etc/kubernetes/manifests /kind /etc/cni/net.d
printf '[Journal]\nReadKMsg=no\n' >/etc/systemd/journald.conf.d/lab.conf
[ -e /sbin/init ] || ln -s /lib/systemd/systemd /sbin/init
printf '%s: files\n' passwd group shadow protocols services ethers rpc >/etc/nsswitch.conf
echo 'hosts: files dns' >>/etc/nsswitch.conf
systemctl enable ssh.service minikube-automount.service buildkit.socket
systemctl disable containerd.service # minikube starts it when it has written its configuration
groupadd -f docker
useradd -m -s /bin/bash -g docker -G sudo docker
passwd -d docker
echo '%sudo ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/lab
chmod 0440 /etc/sudoers.d/lab
install -d -o docker -g docker -m 700 /home/docker/.ssh
echo '{"iso_version": "v1.38.0", "kicbase_version": "v0.0.50", "minikube_version": "v1.38.1", "commit": "lab"}' >/version.json
rm -rf /usr/share/doc/* /usr/share/man/* /var/cache/apt/* /var/lib/apt/lists/*
