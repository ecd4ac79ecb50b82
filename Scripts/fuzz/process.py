"""One run of the command, talked to line by line."""

import json
import os
import queue
import subprocess
import tempfile
import threading


class Crash(Exception):
    """The command ended, or gave no answer in time."""


class LineProcess:
    """A command that answers each line of standard input with a line; started anew after a crash."""

    def __init__(self, command, time_limit=60):
        self.command = command
        self.time_limit = time_limit
        self.process = None
        self.last_error = ""

    def start(self):
        self.errors = tempfile.TemporaryFile()
        # A backtrace takes a second and says little without symbols.
        environment = {**os.environ, "SWIFT_BACKTRACE": "enable=no"}
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=environment
        )
        self.outgoing, self.incoming = queue.Queue(), queue.Queue()
        threading.Thread(target=self._write, args=(self.process, self.outgoing), daemon=True).start()
        threading.Thread(target=self._read, args=(self.process, self.incoming), daemon=True).start()

    @staticmethod
    def _write(process, lines):
        try:
            while (line := lines.get()) is not None:
                process.stdin.write(line)
                process.stdin.flush()
            process.stdin.close()
        except (BrokenPipeError, OSError, ValueError):
            pass

    @staticmethod
    def _read(process, lines):
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    def send(self, line):
        if self.process is None:
            self.start()
        self.outgoing.put(line)

    def receive(self):
        """The next answer as a value, or raises `Crash`."""
        try:
            line = self.incoming.get(timeout=self.time_limit)
        except queue.Empty:
            self.stop(kill=True)
            raise Crash(f"no answer in {self.time_limit} s") from None
        if line is None:
            status = self.stop()
            raise Crash(f"ended with status {status}: {self.last_error}")
        try:
            return json.loads(line)
        except ValueError:
            return {"error": None, "not JSON": line[:200].decode("utf-8", "replace")}

    def ask(self, line):
        self.send(line)
        return self.receive()

    def stop(self, kill=False):
        """Ends the run; gives its exit status."""
        if self.process is None:
            return None
        self.outgoing.put(None)
        if kill:
            self.process.kill()
        try:
            status = self.process.wait(timeout=self.time_limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process = None
        self.errors.seek(0)
        text = self.errors.read().decode("utf-8", "replace")
        self.errors.close()
        self.last_error = text.strip()[:300]
        return status
