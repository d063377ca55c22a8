# SPDX-License-Identifier: MIT
"""A VNC client that wants pictures: RFB 3.8 without authentication."""

import socket
import struct

ENCODING_ZRLE = 16
ENCODING_RAW = 0


class Viewer:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.handshake()

    def take(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the VNC server closed the connection")
            data += part
        return data

    def handshake(self):
        self.take(12)
        self.socket.sendall(b"RFB 003.008\n")
        kinds = self.take(self.take(1)[0])
        if b"\x01" not in kinds:
            raise ConnectionError("the VNC server wants authentication")
        self.socket.sendall(b"\x01")
        if self.take(4) != b"\0\0\0\0":
            raise ConnectionError("the VNC server refuses")
        self.socket.sendall(b"\x01")
        head = self.take(24)
        self.width, self.height = struct.unpack(">HH", head[:4])
        self.take(struct.unpack(">I", head[20:])[0])
        self.socket.sendall(struct.pack(">BxHii", 2, 2, ENCODING_ZRLE, ENCODING_RAW))

    def ask(self):
        """Asks for the whole picture, which the worker encodes, and waits for its beginning."""
        self.socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, self.width, self.height))
        return self.take(16)

    def close(self):
        self.socket.close()
