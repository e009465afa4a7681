"""Runs the command line in a pseudo-terminal, or piped."""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from harness import BUILD, PLUGINS

OMNIROUTE = os.path.join(BUILD, "bin", "omniroute")


def environment(home, base, **more):
    env = {"HOME": home, "PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", "OMNIROUTE_URL": base,
           "OMNIROUTE_PLUGINS_DIR": PLUGINS}
    env.update(more)
    return {key: value for key, value in env.items() if value is not None}


def piped(env, *arguments, given=""):
    """(exit code, output, errors); standard input is a pipe."""
    done = subprocess.run([OMNIROUTE, *arguments], input=given, capture_output=True, text=True, env=env, timeout=90)
    return done.returncode, done.stdout, done.stderr


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, env, *arguments, width=80, height=50, program=OMNIROUTE):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Before the program looks: it asks for the width once it writes.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            os.execve(program, [program, *arguments], env)
        self.raw = ""
        self.code = None

    def more(self, seconds=0.1):
        """Reads what has come; False when the program has closed its side."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the other side is closed
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)

    def expect(self, pattern, seconds=30):
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.text)
            if found:
                return found
            if time.monotonic() > deadline or not self.more(0.2):
                raise AssertionError(f"not seen: {pattern}\n{self.text}")

    def send(self, text):
        os.write(self.fd, text.encode())

    def finish(self, seconds=60):
        deadline = time.monotonic() + seconds
        while self.more(0.2):
            if time.monotonic() > deadline:
                os.kill(self.pid, 9)
                os.waitpid(self.pid, 0)
                raise AssertionError("still running\n" + self.text)
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return self.code

    @property
    def everything(self):
        """Without colours and movements of the cursor."""
        return re.sub(r"\x1b\[\??[0-9;]*[A-Za-z]", "", self.raw).replace("\r\n", "\n")

    @property
    def text(self):
        """Without colours and redrawn lines."""
        text = self.everything
        return "\n".join(line.rsplit("\r", 1)[-1] for line in text.split("\n"))
