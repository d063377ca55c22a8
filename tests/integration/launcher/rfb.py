# SPDX-License-Identifier: MIT
"""A VNC client that wants pictures: RFB 3.8 without authentication."""

import socket
import struct

ENCODING_ZRLE = 16
ENCODING_RAW = 0
PATIENCE = 60  # s


class Viewer:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(path)
            self.handshake()
        except BaseException:
            self.socket.close()
            raise

    def take(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the VNC server closed the connection")
            data += part
        return data

    def take_numbers(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))

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
        # Size, 16 bytes of a pixel's format, the name's length.
        self.width, self.height, bits, length = self.take_numbers(">HHB15xI")
        self.pixel = bits // 8
        self.take(length)
        self.socket.sendall(struct.pack(">BxHii", 2, 2, ENCODING_ZRLE, ENCODING_RAW))

    def take_rectangle(self):
        """Its area; what is in it nobody looks at."""
        _, _, width, height, encoding = self.take_numbers(">HHHHi")
        if encoding == ENCODING_ZRLE:
            self.take(self.take_numbers(">I")[0])
        elif encoding == ENCODING_RAW:
            self.take(width * height * self.pixel)
        else:
            raise ConnectionError("the VNC server sends encoding %d, which nobody asked for" % encoding)
        return width * height

    def ask(self):
        """Asks for the whole picture, which the worker encodes, and takes it. Returns the area that came."""
        self.socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, self.width, self.height))
        kind, rectangles = self.take_numbers(">BxH")
        if kind != 0:
            raise ConnectionError("the VNC server sends message %d instead of a picture" % kind)
        return sum(self.take_rectangle() for _ in range(rectangles))

    def close(self):
        self.socket.close()
