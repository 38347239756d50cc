"""The one door to the Kubernetes API: plain objects in and out.

Every call has a time-out, is counted, and is retried by the rules for its answer.

The transport, credentials, proxies and exec plug-ins are the official client's (`kubernetes.aio`); its generated models
are not used, since what we send and read is whatever the charts and the CRD say.
"""

import asyncio
import json
import random
from asyncio import sslproto
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import aiohttp
import yaml
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from mininode import __version__
from mininode.errors import KubeError
from mininode.kube.resources import Resource

Object = dict[str, Any]
Objects = list[Object]

TIMEOUT = 30.0  # s; the API server answers anything we ask in far less, and its own limit is 60 s
_CONNECT_TIMEOUT = 5.0  # s
_ATTEMPTS = 5  # with the delays below about 6 s: outlives a restarted API server's worst moment, not an outage
_RETRIED = frozenset({429, 500, 502, 503, 504})
# What the client raises for a file that is empty, cut off or something else altogether.
_NO_ACCESS_FILE = (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError)
# asyncio makes a buffer of 256 KiB for every connection with TLS (asyncio/sslproto.py), and each node keeps nine watches open.
sslproto.SSLProtocol.max_size = 4 * 1024
_LISTS_AT_ONCE = 8  # first lists of watches: an operator that starts with hundreds of nodes must not storm the API server
METADATA_OF_ONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Kube:
    """A connection to one cluster. Use as an async context manager, or call `close`."""

    def __init__(self, configuration: Configuration) -> None:
        self._api = ApiClient(configuration)
        self._api.user_agent = f"mininode/{__version__}"
        self.host: str = configuration.host
        self._lists = asyncio.Semaphore(_LISTS_AT_ONCE)
        self.calls: Counter[tuple[str, int]] = Counter()  # (HTTP method, status; 0 for no answer) -> number

    @classmethod
    async def connect(cls, kubeconfig: Path | None = None, context: str | None = None) -> Self:
        """Connect with a kubeconfig file, or with the pod's own service account when there is none.

        Raises KubeError when neither is usable.
        """
        configuration = Configuration()
        try:
            if kubeconfig is not None:
                await config.load_kube_config(
                    config_file=str(kubeconfig), context=context, client_configuration=configuration
                )
            else:
                config.load_incluster_config(client_configuration=configuration)
        except (config.ConfigException, OSError, *_NO_ACCESS_FILE) as error:
            raise KubeError(
                f"the cluster's access file {kubeconfig or '(service account)'} can't be used: {error}",
                "Give a kubeconfig that works with kubectl, by --kubeconfig or the variable KUBECONFIG.",
                reason="NoAccessFile",
            ) from error
        configuration.connection_pool_maxsize = 0  # no limit: every node keeps some watches open
        return cls(configuration)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """The object, or None when there is none of this name."""
        return await self._call("GET", resource.path(namespace, name), absent_ok=True)

    async def get_metadata(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """Like `get`, but only the metadata travels: no payload of a Secret leaves the API server."""
        return await self._call("GET", resource.path(namespace, name), accept=METADATA_OF_ONE, absent_ok=True)

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "") -> Objects:
        """The objects of a kind, of one namespace or of all, that match a label selector."""
        answer = await self._call("GET", resource.path(namespace), query={"labelSelector": labels} if labels else {})
        return cast(Objects, (answer or {}).get("items") or [])

    async def list_metadata(self, resource: Resource, namespace: str, *, labels: str = "") -> Objects:
        """Like `list`, but only the metadata travels: no payload of a Secret leaves the API server."""
        return (await self.list_metadata_since("", resource, namespace, labels=labels))[0]

    async def list_metadata_since(
        self, version: str, resource: Resource, namespace: str, *, labels: str = ""
    ) -> tuple[Objects, str]:
        """Metadata, as it was at this resource version or later, and the version that it is of; with "" as it is now.

        The API server answers the former at once. For the latter it waits until its cache has heard of all that was written
        to any kind of object, up to 0.1 s while others write (KEP-2340, consistent reads from the cache).
        """
        query = {"labelSelector": labels} if labels else {}
        if version:
            query |= {"resourceVersion": version, "resourceVersionMatch": "NotOlderThan"}
        answer = await self._call("GET", resource.path(namespace), query=query, accept=METADATA_ONLY) or {}
        return cast(Objects, answer.get("items") or []), str((answer.get("metadata") or {}).get("resourceVersion", ""))

    async def create(
        self,
        resource: Resource,
        body: Object,
        namespace: str | None = None,
        *,
        subresource: tuple[str, str] | None = None,
    ) -> Object | None:
        """Make the object; None when one of this name exists already (the API server decides, so two can't both win).

        `subresource` is (name, subresource) for requests such as a service account's token.
        """
        path = resource.path(namespace, *subresource) if subresource else resource.path(namespace)
        try:
            return await self._call("POST", path, body=body)
        except KubeError as error:
            if error.code == 409 and error.reason == "AlreadyExists":  # noqa: PLR2004 - HTTP's own number
                return None
            raise

    async def apply(
        self,
        resource: Resource,
        body: Object,
        namespace: str | None = None,
        *,
        manager: str,
        force: bool = False,
        subresource: str | None = None,
        dry_run: bool = False,
    ) -> Object:
        """Server-side apply: the API server merges what we own and tells conflicts from agreement."""
        query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        path = resource.path(namespace, body["metadata"]["name"], subresource)
        answer = await self._call("PATCH", path, query=query, body=body, content_type="application/apply-patch+yaml")
        return cast(Object, answer)

    async def merge(self, resource: Resource, name: str, patch: Object, namespace: str | None = None) -> Object | None:
        """Merge a patch into the object (RFC 7386: null removes); None when there is no such object."""
        path = resource.path(namespace, name)
        return await self._call("PATCH", path, body=patch, content_type="application/merge-patch+json", absent_ok=True)

    async def label(self, resource: Resource, name: str, labels: Mapping[str, str], namespace: str | None = None) -> str:
        """Set labels of an object, if it is there; only metadata travels. Returns its new version, empty when it is not there."""
        answer = await self._call(
            "PATCH",
            resource.path(namespace, name),
            body={"metadata": {"labels": dict(labels)}},
            content_type="application/merge-patch+json",
            accept=METADATA_OF_ONE,
            absent_ok=True,
        )
        return str(answer["metadata"]["resourceVersion"]) if answer else ""

    async def replace(self, resource: Resource, body: Object, namespace: str | None = None) -> Object:
        """Put the object as given; refused with code 409 when it changed since `body` was read."""
        return cast(Object, await self._call("PUT", resource.path(namespace, body["metadata"]["name"]), body=body))

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, uid: str | None = None
    ) -> bool:
        """Ask for the object's deletion; False when there was none. With `uid` only that very object."""
        body: Object = {"propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        return await self._call("DELETE", resource.path(namespace, name), body=body, absent_ok=True) is not None

    async def watch(
        self,
        resource: Resource,
        namespace: str,
        *,
        name: str = "",
        labels: str = "",
        since: str = "",
        metadata_only: bool = False,
        seconds: int = 60,
    ) -> AsyncIterator[tuple[str, Object]]:
        """Changes of one object or of all with certain labels, for at most `seconds`: (ADDED|MODIFIED|DELETED|BOOKMARK, object).

        With `since` (a resourceVersion) only what came after it. Raises KubeError; code 410 means that `since` is too old.
        """
        query = {"watch": "true", "timeoutSeconds": str(seconds), "allowWatchBookmarks": "true"}
        query |= {"fieldSelector": f"metadata.name={name}"} if name else {}
        query |= {"labelSelector": labels} if labels else {}
        query |= {"resourceVersion": since} if since else {}
        accept = METADATA_OF_ONE if metadata_only else "application/json"
        path = resource.path(namespace)
        try:
            answer = await self._send("GET", path, query, None, "application/json", accept, seconds + TIMEOUT)
            try:
                if answer.status != 200:  # noqa: PLR2004
                    raise _error(answer.status, await answer.read(), "WATCH", path)
                while line := await answer.content.readline():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise _error(event["object"].get("code", 0), line, "WATCH", path)
                    yield event["type"], event["object"]
            finally:
                answer.close()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:  # ValueError: a line that was cut off
            raise self._silent(error) from error

    async def list_for_watch(
        self, resource: Resource, namespace: str, *, labels: str, metadata_only: bool
    ) -> tuple[Objects, str]:
        """The objects and the resourceVersion to watch on from. Tried once: who follows has pauses of its own."""
        accept = METADATA_ONLY if metadata_only else "application/json"
        query = {"labelSelector": labels}
        async with self._lists:
            answer = await self._call("GET", resource.path(namespace), query=query, accept=accept, attempts=1) or {}
        return cast(Objects, answer.get("items") or []), str(answer["metadata"]["resourceVersion"])

    async def accepted(self) -> bool:
        """Whether the API server takes our token or certificate."""
        body: Object = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            await self._call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=body)
        except KubeError as error:
            if error.code == 401:  # noqa: PLR2004
                return False
            raise
        return True

    async def version(self) -> str:
        """The API server's version, as `v1.35.1`."""
        return str((await self._call("GET", "/version") or {}).get("gitVersion", ""))

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        absent_ok: bool = False,
        attempts: int = _ATTEMPTS,
    ) -> Object | None:
        """Send until there is an answer that counts. A create is sent again only when the API server refused it unread."""
        for attempt in range(1, attempts + 1):
            last = attempt == attempts
            try:
                answer = await self._send(method, path, query or {}, body, content_type, accept, TIMEOUT)
                payload = await answer.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.calls[method, 0] += 1
                if last or method == "POST":
                    raise self._silent(error) from error
                await asyncio.sleep(_delay(attempt))
                continue
            if answer.status in _RETRIED and not last and (method != "POST" or answer.status == 429):  # noqa: PLR2004
                await asyncio.sleep(_delay(attempt, answer.headers.get("Retry-After")))
                continue
            if answer.status == 404 and absent_ok:  # noqa: PLR2004
                return None
            if answer.status >= 400:  # noqa: PLR2004
                raise _error(answer.status, payload, method, path)
            return cast(Object, json.loads(payload))
        raise AssertionError("the last attempt returns or raises")

    def _silent(self, error: Exception) -> KubeError:
        return KubeError(
            f"the Kubernetes API at {self.host} does not answer: {str(error) or type(error).__name__}",
            "Is the cluster running, and is its address right? `mininode rehearsal status` or `kubectl version` tells.",
            reason="KubernetesUnreachable",
        )

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None,
        content_type: str,
        accept: str,
        timeout: float | None,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": accept, "Content-Type": content_type}
        _, url, headers, payload, _ = await self._api.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = await self._api.rest_client.request(
            method,
            url,
            headers=headers,
            body=payload,
            _request_timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=_CONNECT_TIMEOUT),
        )
        self.calls[method, answer.status] += 1
        return cast(aiohttp.ClientResponse, answer.response)


def _delay(attempt: int, retry_after: str | None = None) -> float:
    """Seconds until the next attempt: 0.2, 0.4, 0.8 … with jitter, never sooner than the server asks, never above 10."""
    backoff = 0.2 * 2.0**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
    asked = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
    return min(max(backoff, asked), 10.0)


def _error(status: int, payload: bytes, method: str, path: str) -> KubeError:
    """The API server's own `Status` object as our error."""
    try:
        answer = json.loads(payload)
        answer = answer.get("object", answer)
        message, reason = str(answer.get("message") or ""), str(answer.get("reason") or "")
    except (ValueError, AttributeError):
        message, reason = payload[:200].decode(errors="replace"), ""
    advice = {
        401: "The access file's token or certificate is not accepted (any more): get a new one.",
        403: "The account lacks a right. `manifests/operator/` holds what the operator needs; "
        "`kubectl auth can-i --list` shows what there is.",
    }.get(status, "")
    return KubeError(
        message or f"{method} {path} was answered with {status}",
        advice,
        code=status,
        reason=reason or "KubernetesError",
    )
