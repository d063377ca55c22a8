# SPDX-License-Identifier: MIT
"""A client of ivshmem that writes down what it is told."""
import os
import socket
import struct
import time

LIMIT = 60  # seconds


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        self.told = []  # (value, descriptor or None)
        self.part = b""

    def read(self):
        """One message; False at the end."""
        data, fds, _, _ = socket.recv_fds(self.socket, 8 - len(self.part), 4)
        assert len(fds) <= 1, fds
        if not data:
            return False
        self.part += data
        if len(self.part) == 8:
            self.told.append((struct.unpack("<q", self.part)[0], fds[0] if fds else None))
            self.part = b""
        else:
            assert not fds, "a descriptor with half a message"
        return True

    def read_for(self, seconds):
        """All that comes until nothing does for so long."""
        self.socket.settimeout(seconds)
        try:
            while self.read():
                pass
        except TimeoutError:
            pass
        self.socket.settimeout(LIMIT)

    def text(self):
        """As "0 5 -1+ 3+ 5+": + for a descriptor."""
        return " ".join(f"{value}{'' if fd is None else '+'}" for value, fd in self.told)

    @property
    def id(self):
        return self.told[1][0]

    def vectors(self, peer):
        """Its descriptors of that peer, since it last left."""
        found = []
        for value, fd in self.told[3:]:
            if value == peer:
                found = [] if fd is None else found + [fd]
        return found

    def wait_for(self, is_good, what):
        end = time.monotonic() + LIMIT
        while not is_good(self):
            assert time.monotonic() < end and self.read(), f"{what}: {self.text()}"

    def ring(self, peer, vector):
        os.write(self.vectors(peer)[vector], struct.pack("=Q", 1))

    def rings(self, vector):
        """How often it was rung since the last time."""
        try:
            return struct.unpack("=Q", os.read(self.vectors(self.id)[vector], 8))[0]
        except BlockingIOError:
            return 0

    def close(self):
        self.socket.close()
        for _, fd in self.told:
            if fd is not None:
                os.close(fd)
        self.told = []
