"""The questions of gates, asked for real: HTTP, a PostgreSQL login, a credential's value."""

import base64
import hashlib
import ssl
from collections.abc import Awaitable, Callable, Mapping

import httpx

from mininode.components.base import GateResult, HttpAnswer, ProbeFailed
from mininode.components.trust import BUNDLE, BUNDLE_KEY
from mininode.credentials.certificates import expiry, rfc3339
from mininode.engine import postgres
from mininode.engine.postgres import Login
from mininode.kube.client import Kube
from mininode.kube.resources import CONFIG_MAPS, SECRETS, SERVICES

_INSIDE = ".svc.cluster.local"
_SECONDS = 10.0  # a service inside the cluster that needs longer is not ready for its dependants


Realm = Callable[[], Awaitable[GateResult]]  # brings the realm to what is declared, and tells how it is


class LiveProbes:
    """Implements `components.base.Probes` for one node."""

    def __init__(self, kube: Kube, namespace: str, realm: Realm | None = None, domain: str = "") -> None:
        self._kube = kube
        self._namespace = namespace
        self._realm = realm
        self._domain = domain

    async def http(
        self,
        url: str,
        *,
        method: str = "GET",
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Ask a web server; no proxy of the environment stands between pods, but perhaps before a Keycloak of the site's."""
        outside = not httpx.URL(url).host.endswith(_INSIDE)
        try:
            async with httpx.AsyncClient(timeout=_SECONDS, trust_env=outside) as client:
                answer = await client.request(method, url, data=form, headers=headers)
        except httpx.HTTPError as error:
            raise ProbeFailed(f"{url} does not answer: {error or type(error).__name__}") from error
        try:
            return HttpAnswer(answer.status_code, answer.json())
        except ValueError:
            return HttpAnswer(answer.status_code)

    async def door(self, path: str) -> HttpAnswer:
        """Ask the door's Service for a path of the public address, with the trust that the node's pods have."""
        name, url = self._domain, f"https://{self._domain}{path}"
        try:
            context = ssl.create_default_context(cadata=await self.config(BUNDLE, BUNDLE_KEY))
            async with (
                httpx.AsyncClient(timeout=_SECONDS, trust_env=False, verify=context) as client,
                client.stream(
                    "GET",
                    f"https://edge.{self._namespace}.svc.cluster.local{path}",
                    headers={"Host": name},
                    extensions={"sni_hostname": name},  # and the name that the certificate has to be for
                ) as answer,
            ):
                shown = answer.extensions["network_stream"].get_extra_info("ssl_object").getpeercert(binary_form=True)
                await answer.aread()
        except (httpx.HTTPError, ssl.SSLError) as error:
            raise ProbeFailed(f"{url} does not answer through the door's Service: {error or type(error).__name__}") from error
        ends = rfc3339(expiry(ssl.DER_cert_to_PEM_cert(shown)))
        told = {"certificate": hashlib.sha256(shown).hexdigest(), "certificate_ends": ends}
        try:
            return HttpAnswer(answer.status_code, answer.json(), **told)
        except ValueError:
            return HttpAnswer(answer.status_code, **told)

    async def service_ip(self, name: str) -> str:
        """The address of a Service inside the cluster."""
        found = await self._kube.get(SERVICES, name, self._namespace)
        address = ((found or {}).get("spec") or {}).get("clusterIP", "")
        if address in ("", "None"):
            raise ProbeFailed(f"Service {name} has no address")
        return str(address)

    async def config(self, name: str, key: str) -> str:
        """What a ConfigMap holds under a key."""
        found = await self._kube.get(CONFIG_MAPS, name, self._namespace)
        if found is None or key not in (found.get("data") or {}):
            raise ProbeFailed(f"ConfigMap {name} has no key {key}")
        return str(found["data"][key])

    async def postgres_login(self, *, host: str, port: int, database: str, user: str, password: str) -> None:
        """Log in and run `SELECT 1`."""
        await postgres.login(Login(host, port, user, password, database))

    async def secret(self, name: str, key: str) -> str:
        """The value of a credential."""
        found = await self._kube.get(SECRETS, name, self._namespace)
        if found is None or key not in (found.get("data") or {}):
            raise ProbeFailed(f"Secret {name} has no key {key}")
        return base64.b64decode(found["data"][key]).decode()

    async def realm(self) -> GateResult:
        """Bring the realm to what is declared, and tell how it is."""
        if self._realm is None:
            raise ProbeFailed("the realm can't be looked at from here")
        return await self._realm()
