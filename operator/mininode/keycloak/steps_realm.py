"""Steps for the realm's own settings, its mail server, user profile, required actions and login flows."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from mininode.keycloak.diff import Request, Step, field_differences, missing, same, unequal
from mininode.keycloak.observed import Observed
from mininode.realm.model import DesiredRealm, Execution, Flow

MAIL_FINGERPRINT = "mininode.mail.fingerprint"  # attribute of the realm; says whether the mail password changed
_MAIL = "mail server"


def settings(desired: DesiredRealm, observed: Observed) -> Iterator[Step]:
    """Settings and attributes. A flow is bound only when it is there with all its steps."""
    wanted = dict(desired.settings)
    unfinished = {flow.alias for flow in desired.flows if not complete(flow, observed)}
    for flow in desired.flows:
        if flow.binding and flow.alias in unfinished:
            wanted.pop(flow.binding, None)
    changed = unequal(observed.realm, wanted)
    found_attributes = observed.realm.get("attributes") or {}
    changed_attributes = unequal(found_attributes, desired.attributes)
    differences = field_differences("realm", desired.name, observed.realm, changed)
    differences += field_differences("realm", desired.name, found_attributes, changed_attributes, "attributes.")
    if not differences:
        return
    body = dict(changed)
    if changed_attributes:
        # Attributes that are left out of a PUT are removed: the site's own go along.
        body["attributes"] = {**found_attributes, **changed_attributes}
    yield Step(differences, (Request("PUT", "", body),))


def mail(
    desired: DesiredRealm, observed: Observed, password: str | None, fingerprint: Callable[[str], str]
) -> Iterator[Step]:
    """The mail server. Its password is not shown, so a keyed fingerprint of it stands beside it."""
    if desired.mail is None or (desired.mail.password and password is None):
        return
    found = observed.realm.get("smtpServer") or {}
    changed = unequal(found, desired.mail.fields)
    differences = field_differences(_MAIL, desired.mail.fields["host"], found, changed)
    attributes = observed.realm.get("attributes") or {}
    mark = fingerprint(password or "")
    if attributes.get(MAIL_FINGERPRINT) != mark:
        differences += field_differences(_MAIL, desired.mail.fields["host"], {"password": "another"}, {"password": "the given one"})
    if differences:
        server = {**found, **desired.mail.fields}
        server.pop("password", None)
        if password:
            server["password"] = password
        body = {"smtpServer": server, "attributes": {**attributes, MAIL_FINGERPRINT: mark}}
        yield Step(differences, (Request("PUT", "", body),))


def profile(desired: DesiredRealm, found: dict[str, Any]) -> Iterator[Step]:
    """The user profile: declared attributes, the site's own stay."""
    wanted = dict(desired.profile)
    attributes: dict[str, Any] = dict(wanted.pop("attributes", {}))
    there = {one["name"]: one for one in found.get("attributes", [])}
    changed = unequal(found, wanted)
    changed_attributes = unequal(there, attributes)
    differences = field_differences("user profile", desired.name, found, changed)
    differences += field_differences("user profile", desired.name, there, changed_attributes)
    if differences:
        for name, value in changed_attributes.items():
            there[name] = {**there.get(name, {}), "name": name, **value}
        yield Step(differences, (Request("PUT", "users/profile", {**found, **changed, "attributes": list(there.values())}),))


def required_actions(desired: DesiredRealm, observed: Observed) -> Iterator[Step]:
    """Required actions; one that this Keycloak doesn't know is reported and can't be mended."""
    for action in desired.required_actions:
        found = observed.required_actions.get(action.alias)
        if found is None:
            yield Step(missing("required action", action.alias), ())
        elif changed := unequal(found, action.fields):
            differences = field_differences("required action", action.alias, found, changed)
            yield Step(differences, (Request("PUT", f"authentication/required-actions/{action.alias}", {**found, **changed}),))


def flows(desired: DesiredRealm, observed: Observed) -> Iterator[Step]:
    """Login flows: first the flows themselves, then their steps one by one, in order."""
    for flow in desired.flows:
        yield from _flow(flow, observed, top=True)


def _flow(flow: Flow, observed: Observed, *, top: bool) -> Iterator[Step]:
    for execution in flow.executions:
        if execution.flow is not None:
            yield from _flow(execution.flow, observed, top=False)
    found = observed.flows.get(flow.alias)
    if found is None:
        body = {"alias": flow.alias, "description": flow.description, "providerId": "basic-flow", "topLevel": top, "builtIn": False}
        yield Step(missing("login flow", flow.alias), (Request("POST", "authentication/flows", body),))
        return
    there = found.get("authenticationExecutions") or []
    if not there:
        yield Step(missing("login flow", f"{flow.alias}, its steps"), tuple(_executions(flow, found["id"], observed)))
    elif not _steps_match(flow, there):
        yield Step(
            field_differences("login flow", flow.alias, {"steps": _shown(there)}, {"steps": _wanted(flow)}),
            (Request("MEND", flow.alias, flow),),
        )


def _executions(flow: Flow, parent: str, observed: Observed) -> Iterator[Request]:
    if any(one.flow is not None and one.flow.alias not in observed.flows for one in flow.executions):
        return  # the flow below is made in this round; its id is known in the next
    for number, one in enumerate(flow.executions):
        yield Request("POST", "authentication/executions", execution_body(one, parent, (number + 1) * 10, observed))


def execution_body(one: Execution, parent: str, priority: int, observed: Observed) -> dict[str, Any]:
    """A step of a flow as Keycloak takes it."""
    body = {"parentFlow": parent, "requirement": one.requirement, "priority": priority, "authenticatorFlow": one.flow is not None}
    if one.flow is not None:
        return body | {"flowId": observed.flows[one.flow.alias]["id"]}
    return body | {"authenticator": one.authenticator}


def complete(flow: Flow, observed: Observed) -> bool:
    """Whether a flow is there with all its steps, those of flows below it too."""
    found = observed.flows.get(flow.alias)
    if found is None or not _steps_match(flow, found.get("authenticationExecutions") or []):
        return False
    return all(complete(one.flow, observed) for one in flow.executions if one.flow is not None)


def _steps_match(flow: Flow, there: list[dict[str, Any]]) -> bool:
    """The steps that are on, in their order; one that is off does nothing, whoever put it there."""
    active = [one for one in there if one.get("requirement") != "DISABLED"]
    return same(_shown(active), _wanted(flow)) and [_shown([one]) for one in active] == [[entry] for entry in _wanted(flow)]


def _shown(there: list[dict[str, Any]]) -> list[str]:
    return [f"{one.get('flowAlias') or one.get('authenticator')} {one.get('requirement')}" for one in there]


def _wanted(flow: Flow) -> list[str]:
    return [f"{one.flow.alias if one.flow else one.authenticator} {one.requirement}" for one in flow.executions]


def flow_path(alias: str) -> str:
    """Where the steps of a flow are."""
    return f"authentication/flows/{quote(alias, safe='')}/executions"
