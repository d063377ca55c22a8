# SPDX-License-Identifier: MIT
"""A Debian mirror of made-up packages, and an apt that knows nothing else."""

import hashlib
import os
import shutil
import subprocess

KERNEL = "linux-image-9.9.0-1-rt-amd64"
LIBRARIES = "lib/x86_64-linux-gnu/"
CONTENT = {
    KERNEL: ["boot/vmlinuz-9.9", "lib/modules/9.9/kernel/drivers/virtio/virtio_pci.ko",
             "lib/modules/9.9/kernel/drivers/block/virtio_blk.ko",
             "lib/modules/9.9/kernel/drivers/net/virtio_net.ko",
             "lib/modules/9.9/kernel/drivers/net/net_failover.ko", "lib/modules/9.9/kernel/net/core/failover.ko"],
    "busybox-static": ["bin/busybox"],
    "rt-tests": ["usr/bin/cyclictest"],
    "libc6": [LIBRARIES + name for name in ("ld-linux-x86-64.so.2", "libc.so.6", "librt.so.1", "libpthread.so.0")] +
             ["lib64/left-out"],
    "libnuma1": ["usr/" + LIBRARIES + "libnuma.so.1"],
}

# $MIRROR/pool has the packages, $MIRROR/lists what apt knows of them and $MIRROR/new what it knows after an
# update: a file a package, as the archive has it. $MIRROR/mode says how the mirror is: "", "gone", "garbage",
# "hang".
APT_CACHE = r"""#!/bin/sh
[ "$1 $2" = "show --no-all-versions" ] || exit 100
shift 2
for name; do
	cat "$MIRROR/lists/$name" 2>/dev/null || { echo "N: Unable to locate package $name" >&2; code=100; }
done
exit ${code:-0}
"""

APT_GET = r"""#!/bin/bash
echo "$*" >>"$MIRROR/log"
mode=$(cat "$MIRROR/mode")
case "$*" in
*" update")
	[ "$mode" != gone ] && rm -rf "$MIRROR/lists" && cp -r "$MIRROR/new" "$MIRROR/lists" && exit 0
	[ "${*#*Error-Mode=any}" = "$*" ] && echo "W: Some index files failed to download." >&2 && exit 0
	echo "E: Failed to fetch: Could not connect" >&2
	exit 100
	;;
*" download "*) ;;
*) exit 100 ;;
esac
word=${!#}
version=${word#*=}
file=${word%%=*}_${version//:/%3a}_amd64.deb
if [ "$mode" = gone ] || [ ! -e "$MIRROR/pool/$file" ]; then
	echo "E: Failed to fetch $file" >&2
	exit 100
fi
case $mode in
garbage) head -c 200 "$MIRROR/pool/$file" >"$file" ;;
hang) head -c 200 "$MIRROR/pool/$file" >"$file"; echo "$$" >"$MIRROR/hanging"; sleep 1000 ;;
*) cp "$MIRROR/pool/$file" "$file" ;;
esac
"""

NO_MODINFO = "#!/bin/sh\nexit 0\n"  # made-up modules need no others
PLENTY = "#!/bin/sh\necho header\necho x x x 99999999 x x\n"  # a df that promises more than there is


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


class Mirror:
    def __init__(self, folder):
        self.folder = folder
        for name, text in (("apt-get", APT_GET), ("apt-cache", APT_CACHE), ("modinfo", NO_MODINFO)):
            write(self.path("bin", name), text, 0o755)
        self.environment = dict(os.environ, MIRROR=folder, PATH=self.path("bin") + ":" + os.environ["PATH"])
        self.become("")
        self.publish("1:1.0-1")
        self.update()

    def path(self, *words):
        return os.path.join(self.folder, *words)

    def become(self, mode):
        write(self.path("mode"), mode)

    def promise_space(self):
        write(self.path("bin", "df"), PLENTY, 0o755)

    def publish(self, version):
        """The mirror has this version of each package, and no other. apt does not know it yet."""
        for folder in ("pool", "new"):
            shutil.rmtree(self.path(folder), ignore_errors=True)
        os.makedirs(self.path("pool"))
        write(self.path("new", "linux-image-rt-amd64"),
              "Package: linux-image-rt-amd64\nDepends: %s (= 9.9)\n\n" % KERNEL)
        for name, files in CONTENT.items():
            self.build(name, version, files)

    def build(self, name, version, files):
        root = self.path("root")
        control = "Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: nobody\nDescription: made up\n" % (name, version)
        write(os.path.join(root, "DEBIAN", "control"), control)
        for file in files:
            write(os.path.join(root, file), "%s of %s\n" % (file, version), 0o755)
        deb = self.path("pool", "%s_%s_amd64.deb" % (name, version.replace(":", "%3a")))
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", root, deb], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(root)
        write(self.path("new", name), control + "SHA256: %s\n\n" % hashlib.sha256(read_bytes(deb)).hexdigest())

    def update(self):
        shutil.rmtree(self.path("lists"), ignore_errors=True)
        shutil.copytree(self.path("new"), self.path("lists"))

    def forget_lists(self):
        shutil.rmtree(self.path("lists"))

    def calls(self):
        """What apt-get was asked for, since the last call."""
        log = self.path("log")
        if not os.path.exists(log):
            return []
        lines = read_bytes(log).decode().splitlines()
        os.unlink(log)
        return lines
