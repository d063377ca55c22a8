# SPDX-License-Identifier: MIT
"""QEMU's monitor protocol over a unix socket, just enough of it."""

import json
import socket


class MonitorError(Exception):
    """What QEMU refused or did not answer, as one line."""


class Monitor:
    """Connects at once: OSError where nobody listens. Use it with `with`, or close it."""

    error = MonitorError  # what is raised once it is connected

    def __init__(self, path, timeout=60):
        self.timeout = timeout
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(path)
            self.file = self.socket.makefile("rw", encoding="utf-8")
            self.read("its greeting")
            self.call("qmp_capabilities")
        except BaseException:
            self.socket.close()
            raise

    def read(self, what):
        """The next message."""
        try:
            line = self.file.readline()
        except TimeoutError:
            raise self.error("QEMU's monitor did not send %s within %g s" % (what, self.timeout)) from None
        except ConnectionError:
            line = ""
        if not line.endswith("\n"):
            raise self.error("QEMU closed its monitor before %s" % what)
        return json.loads(line)

    def send(self, command, arguments):
        try:
            self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
            self.file.flush()
        except OSError as error:
            raise self.error("QEMU's monitor does not take %s: %s" % (command, error)) from None

    def call(self, command, **arguments):
        self.send(command, arguments)
        while True:  # events come in between
            answer = self.read("the answer to %s" % command)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise self.error("QEMU's monitor: %s: %s" % (command, answer["error"].get("desc")))

    def close(self):
        try:
            self.file.close()
        except OSError:
            pass  # what was not sent is not missed
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
