# SPDX-License-Identifier: MIT
"""unittest's cases, TAP as output; where the modules of the benches are."""

import importlib.machinery
import importlib.util
import os
import sys
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
BENCH = os.path.realpath(os.path.join(HERE, "..", "..", "bench"))
sys.path[:0] = [HERE, BENCH, os.path.join(HERE, "..", "..", "lib")]


class Tap(unittest.TextTestResult):
    def startTest(self, test):
        unittest.TestResult.startTest(self, test)

    def line(self, word, test, note=""):
        print("%s %d - %s%s" % (word, self.testsRun, test.id().split(".", 1)[1], note), flush=True)

    def addSuccess(self, test):
        self.line("ok", test)

    def addSkip(self, test, reason):
        self.line("ok", test, " # SKIP " + reason)

    def addFailure(self, test, err):
        unittest.TestResult.addFailure(self, test, err)
        self.line("not ok", test)
        for text in self._exc_info_to_string(err, test).split("\n"):
            print("# " + text)

    addError = addFailure


def load_bench(name):
    """A benchmark's program as a module: its name has no suffix."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), os.path.join(BENCH, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def main():
    """Runs the cases of the program."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    print("1..%d" % suite.countTestCases(), flush=True)
    result = Tap(unittest.runner._WritelnDecorator(sys.stderr), False, 0)
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
