"""One pass: look at the realm, compare, write the least, look again until nothing is left to write.

A pass may end anywhere: each request leaves a realm that the next pass goes on from. The order of a round keeps the login usable:
settings that guard it first, flows bound only when complete, nothing ever deleted. What Keycloak refuses is reported, and the
rest goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mininode.api.spec import DriftCorrection
from mininode.keycloak import steps_asked, steps_clients, steps_first, steps_people, steps_realm
from mininode.keycloak.diff import Difference, Request, Step, missing
from mininode.keycloak.door import KeycloakDoor, Write
from mininode.keycloak.errors import NOT_FOUND, UNAUTHORIZED, KeycloakError
from mininode.keycloak.mend_flow import mend_flow
from mininode.keycloak.observed import Observed, observe
from mininode.keycloak.versions import check_version
from mininode.realm.model import DesiredRealm

# An import that is refused; client -> its roles -> roles that bring them along -> groups; flows take three. One more to see
# that nothing is left.
ROUNDS = 7


@dataclass(frozen=True, slots=True)
class RealmReport:
    """What a pass found and did."""

    writes: tuple[Write, ...]
    differences: tuple[Difference, ...]  # as found at the beginning, and what came to light on the way
    remaining: tuple[Difference, ...]  # those still there at the end
    failures: tuple[KeycloakError, ...]  # what Keycloak refused; the rest was done
    signing_key_id: str  # of the key that RS256 tokens are signed with now
    version: str
    requests: int

    @property
    def converged(self) -> bool:
        """Whether the realm is as declared."""
        return not self.remaining and not self.failures


@dataclass(slots=True)
class _Pass:
    """One pass under way."""

    door: KeycloakDoor
    desired: DesiredRealm
    secrets: Mapping[str, str]
    differences: dict[Difference, None] = field(default_factory=dict)  # ordered
    failures: list[KeycloakError] = field(default_factory=list)
    tried: set[tuple[Difference, ...]] = field(default_factory=set)
    observed: Observed | None = None
    imported: bool = False  # or tried to

    async def steps(self) -> list[Step]:
        """Everything that differs now, in the order in which it is mended."""
        desired, secrets, door = self.desired, self.secrets, self.door
        observed = observe(await door.export())
        check_version(observed.version)
        self.observed = observed
        mail_password = secrets.get(desired.mail.password) if desired.mail else None
        profile: Any = observed.profile() or await door.get("users/profile")
        grants = [
            *steps_clients.clients(desired, observed, secrets),
            *await steps_asked.client_secrets(door, desired, observed, secrets),
            *steps_people.roles(desired, observed),
            *steps_people.groups(desired, observed),
            *steps_clients.scope_roles(desired, observed),
            *steps_clients.service_roles(desired, observed),
        ]
        if steps_first.untouched(desired, observed) and not self.imported:
            grants, self.imported = [steps_first.at_once(desired, observed, secrets, grants)], True
        found = [
            *steps_realm.settings(desired, observed),
            *steps_realm.profile(desired, dict(profile)),
            *steps_clients.scopes(desired, observed),
            *grants,
            *steps_realm.flows(desired, observed),
            *steps_realm.required_actions(desired, observed),
            *steps_people.providers(desired, observed, secrets, door.fingerprint),
            *steps_realm.mail(desired, observed, mail_password, door.fingerprint),
            *[one async for one in steps_asked.admins(door, desired, observed, secrets)],
        ]
        self.differences.update(dict.fromkeys(one for step in found for one in step.differences))
        return found

    async def run(self, steps: list[Step]) -> bool:
        """Mend each; False when there was nothing that was not tried before."""
        # What a write did not change, another write of the same will not change either: never write for ever.
        todo = [step for step in steps if step.requests and step.differences not in self.tried]
        for step in todo:
            self.tried.add(step.differences)
            try:
                for request in step.requests:
                    await _send(self.door, request, self.observed)
            except KeycloakError as error:
                if error.code in (0, UNAUTHORIZED):
                    raise  # nobody there, or not let in: every other request would end the same way
                # A refused import made nothing: the next round goes object by object, and finds out which it is.
                if step.requests[0].path != steps_first.PATH:
                    self.failures.append(error)
        return bool(todo)


async def reconcile_realm(
    door: KeycloakDoor, desired: DesiredRealm, *, policy: DriftCorrection, secrets: Mapping[str, str]
) -> RealmReport:
    """Make the realm as declared (ENFORCE), or only say what differs (WARN, OFF: nothing is written).

    The site's choice in `driftCorrection` is about what changed by itself: a spec that changed is enforced whatever it says, and
    that is the caller's matter.

    `secrets` are values by the names of `DesiredRealm.secret_names()`; an object whose secret is not among them is left alone
    and reported. Raises KeycloakError when nobody answers, the account is refused, or the version is unknown.
    """
    one = _Pass(door, desired, secrets)
    first_request, first_write = door.requests, len(door.writes)
    remaining: list[Step] = []
    if await _ensure_realm(one, policy):
        remaining = await one.steps()
        for _ in range(ROUNDS):
            if policy is not DriftCorrection.ENFORCE or not await one.run(remaining):
                break
            remaining = await one.steps()
    one.failures += _without_secret(desired, secrets)
    keys = await door.get("keys") if one.observed else None
    return RealmReport(
        writes=tuple(door.writes[first_write:]),
        differences=tuple(one.differences),
        remaining=tuple(difference for step in remaining for difference in step.differences),
        failures=tuple(one.failures),
        signing_key_id=str(((keys or {}).get("active") or {}).get("RS256", "")),
        version=one.observed.version if one.observed else "",
        requests=door.requests - first_request,
    )


async def _ensure_realm(one: _Pass, policy: DriftCorrection) -> bool:
    """Whether there is a realm to work on; it is made with its settings, so it is never open with Keycloak's defaults."""
    if await one.door.has_realm():
        return True
    one.differences.update(dict.fromkeys(missing("realm", one.desired.name)))
    if policy is not DriftCorrection.ENFORCE:
        return False
    settings = {key: value for key, value in one.desired.settings.items() if key != "browserFlow"}
    body = {"realm": one.desired.name, **settings, "attributes": dict(one.desired.attributes)}
    await one.door.make_realm(body)
    return True


def _without_secret(desired: DesiredRealm, secrets: Mapping[str, str]) -> list[KeycloakError]:
    """One failure for each secret that nobody gave."""
    return [
        KeycloakError(
            f"the secret {name} is missing, so what needs it was left as it is",
            "See that the Secret which the spec names exists and has that key",
            code=NOT_FOUND,
            reason="SecretMissing",
        )
        for name in sorted(desired.secret_names() - secrets.keys())
    ]


async def _send(door: KeycloakDoor, request: Request, observed: Observed | None) -> None:
    if request.method == "MEND":
        await mend_flow(door, request.body, observed)
    elif request.method == "DISCOVER":
        await _discover(door, request)
    else:
        await door.write(request.method, request.path, request.body)


async def _discover(door: KeycloakDoor, request: Request) -> None:
    """Make an identity provider with the addresses that it publishes itself."""
    kind = request.body["providerId"]
    try:
        found = await door.ask("identity-provider/import-config", {"fromUrl": request.path, "providerId": kind})
    except KeycloakError as error:
        raise KeycloakError(
            f"the identity provider {request.body['alias']} does not describe itself at {request.path}",
            "Check its issuer in the spec, and that the node may reach it; or give its addresses there",
            code=error.code or NOT_FOUND,
            reason="ProviderUnreachable",
        ) from error
    body = {**request.body, "config": {**found, **request.body["config"]}}
    await door.write("POST", "identity-provider/instances", body)
