# SPDX-License-Identifier: MIT
"""A terminal, seen from its keyboard and screen, and a program that has it."""

import os
import pty
import select

from tap import check
from vm import end_session, start_session, wait_for


def take_terminal():
    """In a child that leads its session: what it opens first becomes its terminal."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))


class Terminal:
    def __init__(self, arguments, environment):
        self.master, slave = pty.openpty()
        try:
            self.process = start_session(arguments, take_terminal, env=environment, stdin=slave, stdout=slave, stderr=slave)
        finally:
            os.close(slave)
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_session(self.process)
        os.close(self.master)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def read(self):
        """What the screen shows by now. Reading fails where nobody has the terminal any more."""
        try:
            while select.select([self.master], [], [], 0)[0]:
                self.text += os.read(self.master, 4096).decode(errors="replace")
        except OSError:
            pass

    def has_ended(self):
        return self.process.poll() is not None

    def wait(self, what, look):
        """The screen is read meanwhile: what is not read holds up who writes it."""
        def is_over():
            self.read()
            return look() or self.has_ended()
        try:
            wait_for(what, is_over)
            self.read()
            check(look(), "the program ended with %s instead of %s" % (self.process.returncode, what))
        except AssertionError as error:
            raise AssertionError("%s; the screen shows: %r" % (error, self.text)) from None
