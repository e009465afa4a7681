"""Real proxies for tests: Debian's tinyproxy and microsocks. Both call out from an address of their own, 127.0.0.3, so that
whoever is called can tell their connections from a direct one."""
import os
import re
import shutil
import socket
import subprocess

from harness import wait_for

OUTGOING = "127.0.0.3"
USER, PASSWORD = "omni", "correct-horse"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name):
    path = shutil.which(name) or shutil.which(name, path="/usr/bin:/usr/sbin")
    if not path:
        raise AssertionError(f"{name} is not installed: run scripts/install-deps")
    return path


class Proxy:
    """One running proxy; stop() and start() keep its port."""
    scheme = None

    def __init__(self, work):
        self.work, self.port = work, free_port()
        self.log_path = os.path.join(work, f"proxy-{self.port}.log")
        self.process = None
        self.start()

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log)

        def listening():
            if self.process.poll() is not None:
                raise AssertionError("the proxy ended at start: " + self.log())
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        wait_for(listening, 20, "the proxy to listen")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def url(self, password=PASSWORD):
        return f"{self.scheme}://{USER}:{password}@127.0.0.1:{self.port}"


class Tinyproxy(Proxy):
    scheme = "http"

    def command(self):
        config = os.path.join(self.work, f"tinyproxy-{self.port}.conf")
        with open(config, "w") as file:
            file.write(f"Port {self.port}\nListen 127.0.0.1\nBind {OUTGOING}\nTimeout 60\nLogLevel Info\n"
                       f'MaxClients 100\nBasicAuth {USER} {PASSWORD}\nDisableViaHeader Yes\nAllow 127.0.0.1\n')
        return [program("tinyproxy"), "-d", "-c", config]

    def calls(self):
        """What it was asked for: "POST http://..." or "CONNECT host:port"."""
        return re.findall(r"Request \(file descriptor \d+\): (\S+ \S+) HTTP", self.log())


class Microsocks(Proxy):
    scheme = "socks5"

    def command(self):
        return [program("microsocks"), "-i", "127.0.0.1", "-p", str(self.port), "-u", USER, "-P", PASSWORD,
                "-b", OUTGOING]

    def calls(self):
        return re.findall(r"connected to (\S+)", self.log())
