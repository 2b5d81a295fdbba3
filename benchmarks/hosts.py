"""A training on two hosts, rehearsed in two network namespaces of this machine: a link is cut, a
host is lost.

    python benchmarks/hosts.py [--cut 10] [--timeout 30] [--elastic]      # as root, on Linux

The hosts have addresses of their own and one cable between them. One process trains on each; the
first leads. Then

    cut     the cable is out for ``--cut`` seconds: no update is made meanwhile, and then the training goes on;
    lost    the cable stays out: each process ends after ``--timeout`` seconds with one line that says so;
    alone   with ``--elastic`` (``--nnodes 1:2 --max-restarts 1``) the first host then goes on from its last checkpoint.

Prints a line of JSON for each; exit code 1 if one of them is otherwise, 3 if this machine allows no
namespaces.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

ADDRESSES = {"a": "10.77.0.1", "b": "10.77.0.2"}
PORT = 29400
_START_SECONDS = 120.0
_GRACE_SECONDS = 20.0
TRAINING = [
    "--updates", "1000000", "--validations", "50000", "--embedding-size", "16", "--hidden-size", "24", "--batch", "8",
    "--bptt", "20", "--threads", "1", "--no-rival", "--precision", "fp32", "--quiet",
]  # fmt: skip


class Refused(Exception):
    """This machine allows no network namespaces."""


def ip(*words: str) -> None:
    """Run ``ip``.

    Raises:
        Refused: it is not here, or may not.
    """
    try:
        found = subprocess.run(["ip", *words], capture_output=True, text=True)
    except OSError as error:
        raise Refused(f"there is no ip: {error.strerror}") from error
    if found.returncode:
        raise Refused(f"ip {' '.join(words)}: {found.stderr.strip()}")


class Hosts:
    """Two namespaces with a cable between them."""

    def __init__(self) -> None:
        self.names = {host: f"elman-{host}-{os.getpid()}" for host in ADDRESSES}
        self.cables = {host: f"veth{host}{os.getpid()}" for host in ADDRESSES}

    @contextmanager
    def up(self) -> Iterator[None]:
        """Both are there while the block runs; all that still runs in them is ended then."""
        try:
            for name in self.names.values():
                ip("netns", "add", name)
            ip("link", "add", self.cables["a"], "type", "veth", "peer", "name", self.cables["b"])
            for host, address in ADDRESSES.items():
                name, cable = self.names[host], self.cables[host]
                ip("link", "set", cable, "netns", name)
                ip("-n", name, "addr", "add", f"{address}/24", "dev", cable)
                ip("-n", name, "link", "set", "lo", "up")
                ip("-n", name, "link", "set", cable, "up")
            yield
        finally:
            for host in self.names:
                for process in self.processes(host):
                    with suppress(ProcessLookupError):
                        os.kill(process, 9)
            for name in self.names.values():
                with suppress(Refused):
                    ip("netns", "del", name)

    def cable(self, state: str) -> None:
        """Put the cable in (``up``) or out (``down``), at the second host."""
        ip("-n", self.names["b"], "link", "set", self.cables["b"], state)

    def processes(self, host: str) -> list[int]:
        """What runs on a host."""
        found = subprocess.run(["ip", "netns", "pids", self.names[host]], capture_output=True, text=True)
        return [int(word) for word in found.stdout.split()]

    def trainers(self, host: str) -> list[int]:
        """The processes of a host that train, without those that started them."""
        found = []
        for process in self.processes(host):
            with suppress(OSError):
                if b"\0RANK=" in Path(f"/proc/{process}/environ").read_bytes():
                    found.append(process)
        return found

    def start(self, host: str, text: Path, out: Path, said: Path, options: argparse.Namespace) -> subprocess.Popen[Any]:
        """Begin the training on a host; what it says goes to the file ``said``."""
        endpoint = f"{ADDRESSES['a']}:{PORT}"
        nodes = ["--nnodes", "1:2", "--max-restarts", "1"] if options.elastic else ["--nnodes", "2"]
        # Its address alone does not tell a host that the store is its own.
        conf = f"is_host={str(host == 'a').lower()}"
        if options.elastic:
            conf += ",keep_alive_interval=1,keep_alive_max_attempt=3,last_call_timeout=2"
        torchrun = ["-m", "torch.distributed.run", *nodes, "--nproc-per-node", "1", "--rdzv-backend", "c10d"]
        torchrun += ["--rdzv-endpoint", endpoint, "--rdzv-id", "elman", "--local-addr", ADDRESSES[host]]
        torchrun += ["--rdzv-conf", conf]
        train = ["-m", "elman", "train", str(text), "--out", str(out), *TRAINING, "--timeout", str(options.timeout)]
        environment = {**os.environ, "GLOO_SOCKET_IFNAME": self.cables[host], "OMP_NUM_THREADS": "1"}
        command = ["ip", "netns", "exec", self.names[host], sys.executable, *torchrun, *train]
        with open(said, "wb") as file:
            return subprocess.Popen(command, stdout=file, stderr=file, env=environment)


def wait_for(what: Callable[[], Any], seconds: float) -> float | None:
    """Seconds until something is so; None if it did not come in time."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if what():
            return time.monotonic() - begin
        time.sleep(0.02)
    return None


def rehearse(hosts: Hosts, folder: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What happened at each step."""
    text, out = folder / "text.txt", folder / "model"
    text.write_text("".join(f"Anna sees the {name} house {'at night' * (number % 3)}.\n" for number in range(200)
                            for name in ("old", "green", "quiet")))  # fmt: skip
    said = {host: folder / f"{host}.txt" for host in ADDRESSES}
    started = [hosts.start(host, text, out, file, options) for host, file in said.items()]
    log = out / "training" / "log.jsonl"

    def logged() -> int:
        return log.stat().st_size if log.exists() else 0

    begun = wait_for(lambda: logged() or any(each.poll() for each in started), _START_SECONDS)
    if begun is None or not logged():
        yield {"step": "start", "good": False, "said": said["a"].read_text()[-2000:]}
        return
    yield {"step": "start", "good": True, "seconds": round(begun, 1)}
    hosts.cable("down")
    time.sleep(min(1.0, options.cut / 2))  # what is on its way comes to an end
    before = logged()
    time.sleep(options.cut - min(1.0, options.cut / 2))
    still = logged() == before
    hosts.cable("up")
    again = wait_for(lambda: logged() > before, options.timeout)
    yield {"step": "cut", "good": still and again is not None, "stood_still": still, "went_on_after": again}
    hosts.cable("down")
    first = {host: set(hosts.trainers(host)) for host in ADDRESSES}
    ended = wait_for(
        lambda: not any(first[host] & set(hosts.trainers(host)) for host in ADDRESSES), options.timeout + _GRACE_SECONDS
    )
    lines = {host: re.findall("^elman: .*", file.read_text(), re.MULTILINE) for host, file in said.items()}
    told = all(len(each) == 1 and "--timeout" in each[0] for each in lines.values())
    yield {"step": "lost", "good": ended is not None and told, "ended_after": ended, "said": lines}
    if options.elastic:
        before = logged()
        alone = wait_for(lambda: logged() > before, _START_SECONDS)
        yield {"step": "alone", "good": alone is not None, "went_on_after": alone}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cut", type=float, default=10.0, help="seconds without a cable")
    parser.add_argument("--timeout", type=float, default=30.0, help="of `elman train`")
    parser.add_argument("--elastic", action="store_true", help="whether the first host goes on alone")
    options = parser.parse_args()
    good, hosts = True, Hosts()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="elman-hosts-")))
        try:
            opened.enter_context(hosts.up())
        except Refused as error:
            print(f"no network namespaces here ({error}); they need Linux, root and iproute2", file=sys.stderr)
            sys.exit(3)
        for found in rehearse(hosts, folder, options):
            good = good and found["good"]
            print(json.dumps(found), flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
