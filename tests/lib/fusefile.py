# SPDX-License-Identifier: MIT
"""A filesystem with one file, whose server is a process that can be killed: it speaks to /dev/fuse by itself."""

import ctypes
import errno
import os
import select
import signal
import stat
import struct

CLONE_NEWNS = 0x20000
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 16384, 1 << 18
LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC = 1, 2, 3, 4, 14, 15, 16, 17, 18, 20
FLUSH, INIT, OPENDIR, RELEASEDIR, INTERRUPT, DESTROY, BATCH_FORGET = 25, 26, 27, 29, 36, 38, 42
WITHOUT_ANSWER = (FORGET, BATCH_FORGET, INTERRUPT)
ROOT, FILE = 1, 2
LONGEST = 1 << 17
PATIENCE = 60  # s

libc = ctypes.CDLL(None, use_errno=True)


class Absent(Exception):
    """Nothing may be mounted here, or there is no FUSE."""


def call(name, *words):
    if getattr(libc, name)(*words) < 0:
        raise Absent("%s: %s" % (name, os.strerror(ctypes.get_errno())))


def leave_mounts():
    """What this process and its children mount from now on is theirs alone, and ends with them."""
    call("unshare", CLONE_NEWNS)
    call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)


class Server:
    """The child's side."""

    def __init__(self, device, size, held_from, notes):
        self.device, self.content, self.held_from, self.notes = device, bytearray(size), held_from, notes

    def attributes(self, node):
        mode, size = (stat.S_IFDIR | 0o755, 0) if node == ROOT else (stat.S_IFREG | 0o600, len(self.content))
        return struct.pack("<6Q3I7I", node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, os.getuid(), os.getgid(), 0, 4096, 0)

    def answer(self, opcode, node, body):
        """Bytes; an int is an error; None: it never is answered."""
        if opcode == INIT:
            return struct.pack("<4I2H2I2H2I", 7, 31, 0, 0, 0, 0, LONGEST, 1, 0, 0, 0, 0) + bytes(24)
        if opcode == LOOKUP:
            if node != ROOT or body.rstrip(b"\0") != b"image":
                return -errno.ENOENT
            return struct.pack("<4Q2I", FILE, 0, 1000, 1000, 0, 0) + self.attributes(FILE)
        if opcode in (GETATTR, SETATTR):
            return struct.pack("<QII", 1000, 0, 0) + self.attributes(node)
        if opcode in (OPEN, OPENDIR):
            return bytes(16)
        if opcode in (READ, WRITE):
            return self.move(opcode, body)
        if opcode in (FLUSH, FSYNC, RELEASE, RELEASEDIR, DESTROY):
            return b""
        return -errno.ENOSYS

    def move(self, opcode, body):
        _, offset, length = struct.unpack_from("<QQI", body)
        if offset >= self.held_from:
            os.write(self.notes, b"held")
            return None
        if opcode == READ:
            return bytes(self.content[offset:offset + length])
        self.content[offset:offset + length] = body[40:40 + length]
        return struct.pack("<II", length, 0)

    def serve(self):
        while True:
            request = os.read(self.device, LONGEST + 4096)
            _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
            answer = None if opcode in WITHOUT_ANSWER else self.answer(opcode, node, request[40:])
            if answer is None:
                continue
            code, text = (answer, b"") if isinstance(answer, int) else (0, answer)
            os.write(self.device, struct.pack("<IiQ", 16 + len(text), code, unique) + text)


class FuseFile:
    """A file of that size in a folder, `image`; who asks for what is at held_from or behind it waits for ever."""

    def __init__(self, folder, size, held_from):
        self.folder, self.path = folder, os.path.join(folder, "image")
        try:
            device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise Absent("/dev/fuse: %s" % error.strerror) from None
        self.notes, notes = os.pipe()
        options = "fd=%d,rootmode=40000,user_id=%d,group_id=%d" % (device, os.getuid(), os.getgid())
        try:
            call("mount", b"qrt-test", folder.encode(), b"fuse", MS_NOSUID | MS_NODEV, options.encode())
            self.server = os.fork()
            if not self.server:
                self.be_server(Server(device, size, held_from, notes))
        finally:
            os.close(device)
            os.close(notes)

    @staticmethod
    def be_server(server):
        try:
            server.serve()
        finally:
            os._exit(1)

    def wait_held(self):
        """Somebody waits for ever."""
        assert select.select([self.notes], [], [], PATIENCE)[0], "nobody asked for what is held"
        assert os.read(self.notes, 4) == b"held", "the server has ended"

    def kill(self):
        if self.server:
            os.kill(self.server, signal.SIGKILL)
            os.waitpid(self.server, 0)
        self.server = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        os.close(self.notes)
        libc.umount2(self.folder.encode(), 2)
