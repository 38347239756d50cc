"""Looks at ports, names, the proxy, the hosts behind it, the clock, and a certificate authority of the site's own."""

import email.utils
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from mininode.preflight.facts import Authority, Clock, Host, Name, Network, Port
from mininode.preflight.wish import Wish

_ANSWER = 1.2  # s that a host has
_AUTHORITIES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def ports(wish: Wish) -> tuple[Port, ...]:
    """Who listens on the public door's ports. The program of another user shows no name."""
    listening = {one.laddr.port: one for one in _connections() if one.status == psutil.CONN_LISTEN and one.laddr}
    ours = _published(wish.cluster) if any(number in listening for number in wish.ports) else ""
    return tuple(_port(number, listening.get(number), ours) for number in wish.ports)


def name(wish: Wish) -> Name:
    """What the domain leads to, as this computer sees it."""
    own = tuple(
        one.address
        for addresses in psutil.net_if_addrs().values()
        for one in addresses
        if one.family in (socket.AF_INET, socket.AF_INET6) and not _local(one.address)
    )
    try:
        found = socket.getaddrinfo(wish.domain, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        return Name(wish.domain, (), own, f"looking it up says: {error.strerror or error}")
    return Name(wish.domain, tuple(dict.fromkeys(str(one[4][0]) for one in found)), own)


def network(wish: Wish) -> Network:
    """The proxy, the hosts of the installation and, by their answers, the clock."""
    proxies = urllib.request.getproxies()  # environment; macOS and Windows settings, too
    address = proxies.get("https") or proxies.get("http") or ""
    synchronized = _synchronized()
    if address and (problem := _dead(address)):
        return Network(without_password(address), problem, proxies.get("no", ""), clock=Clock(None, "", synchronized))
    hosts, clock = _ask(wish.hosts)
    clock = Clock(clock.skew, clock.source, synchronized)
    return Network(without_password(address), "", proxies.get("no", ""), hosts, clock)


def authority(_wish: Wish, environment: Mapping[str, str] = os.environ) -> Authority:
    """The file of certificate authorities that the environment names."""
    variable = next((one for one in _AUTHORITIES if environment.get(one)), "")
    if not variable:
        return Authority("")
    return read_authority(variable, environment[variable])


def read_authority(variable: str, path: str) -> Authority:
    """What is in a file of certificate authorities."""
    from cryptography import x509  # noqa: PLC0415 - takes its time, and most sites name no file
    from cryptography.utils import CryptographyDeprecationWarning  # noqa: PLC0415 - as above

    try:
        with warnings.catch_warnings():  # collections hold old roots with serial numbers that are none
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            certificates = x509.load_pem_x509_certificates(Path(path).read_bytes())
    except OSError as error:
        return Authority(variable, path, error.strerror or str(error))
    except ValueError:
        return Authority(variable, path, "it holds no certificate in PEM")
    now = datetime.now(UTC)
    subjects = tuple(one.subject.rfc4514_string() for one in certificates)
    expired = tuple(one.subject.rfc4514_string() for one in certificates if one.not_valid_after_utc < now)
    return Authority(variable, path, "", subjects, expired)


def without_password(address: str) -> str:
    """A proxy's address as it may be shown."""
    parts = urlsplit(address)
    return address if parts.username is None else address.replace(parts.netloc, parts.netloc.rpartition("@")[2])


def _ask(hosts: tuple[str, ...]) -> tuple[tuple[Host, ...], Clock]:
    clocks: list[Clock] = []
    if not hosts:
        return (), Clock(None)
    with httpx.Client(timeout=_ANSWER, follow_redirects=False) as client, ThreadPoolExecutor(len(hosts)) as pool:

        def ask(host: str) -> Host:
            began = time.time()
            try:
                answer = client.head(f"https://{host}/")
            except httpx.HTTPError as error:
                return Host(host, *_reason(error))
            theirs = email.utils.parsedate_to_datetime(answer.headers["date"]) if "date" in answer.headers else None
            if theirs is not None:
                clocks.append(Clock((began + time.time()) / 2 - theirs.timestamp(), host))
            return Host(host)

        found = tuple(pool.map(ask, hosts))
    return found, clocks[0] if clocks else Clock(None)


def _reason(error: httpx.HTTPError) -> tuple[str, bool]:
    """Why a host can't be reached, in few words, and whether it is its certificate."""
    said = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said or isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return "its certificate is not trusted", True
    if isinstance(error, httpx.ProxyError):
        return f"the proxy says {said}", False
    if isinstance(error, httpx.TimeoutException):
        return f"no answer within {_ANSWER} s", False
    if "Name or service not known" in said or "name resolution" in said:
        return "its name can't be looked up", False
    return said or type(error).__name__, False


def _dead(proxy: str) -> str:
    """Why the proxy itself does not answer; empty when it does."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=_ANSWER):
            return ""
    except ValueError:
        return "that is no address"
    except TimeoutError:
        return f"no answer within {_ANSWER} s"
    except OSError as error:
        return error.strerror or str(error)


def _connections() -> list[Any]:
    try:
        return psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows nobody's to ordinary users
        return []


def _port(number: int, found: Any, published: str) -> Port:
    if found is None:
        return Port(number)
    holder = ""
    if found.pid:
        try:
            holder = psutil.Process(found.pid).name()
        except psutil.Error:
            holder = ""
    ours = f":{number}->" in published
    return Port(number, taken=True, address=found.laddr.ip, holder=holder, pid=found.pid or 0, ours=ours)


def _published(profile: str) -> str:
    """The ports that our own node's container publishes, as docker writes them."""
    docker = shutil.which("docker")
    if docker is None:
        return ""
    return _output([docker, "ps", "--filter", f"name=^/{profile}$", "--format", "{{.Ports}}"])


def _synchronized() -> bool | None:
    program = shutil.which("timedatectl")
    said = _output([program, "show", "--property=NTPSynchronized", "--value"]) if program else ""
    return {"yes": True, "no": False}.get(said)


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _local(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.is_loopback or parsed.is_link_local
