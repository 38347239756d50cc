"""Who compares a credential with a value of his own: a login of PostgreSQL, a client or a person of the realm.

Each is asked whether he takes a value, and taught a new one.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from mininode.components.base import Checked, Credential, ProbeFailed
from mininode.credentials.scram import verifier
from mininode.engine import postgres
from mininode.engine.postgres import Login
from mininode.errors import MininodeError
from mininode.keycloak.door import KeycloakDoor

Values = dict[str, str]


@dataclass(frozen=True, slots=True)
class Checkers:
    """The ways to those who check."""

    postgres: tuple[str, int]  # host and port
    superuser: Callable[[], Awaitable[Values]]  # the superuser's login as it is now
    door: Callable[[], AbstractAsyncContextManager[KeycloakDoor]]

    async def take(self, credential: Credential, new: Values) -> bool:
        """Whether who checks the credential takes these values. Where nobody does, they are taken. Raises MininodeError."""
        match credential.checked:
            case Checked.DATABASE:
                return await self._logs_in(new)
            case Checked.REALM | Checked.OPERATOR:
                client_id, secret = _client(credential, new)
                form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
                async with self.door() as one:
                    realm = "master" if credential.checked is Checked.OPERATOR else ""
                    return (await one.token(form, realm)).is_success
            case Checked.PERSON:
                return False  # a first password has to be changed at its use, so nobody can try it
            case Checked.AT_START | Checked.FIRST_START:
                return True  # what starts with the Secret learns it from there

    async def teach(self, credential: Credential, new: Values) -> None:
        """Make the new value the one that is taken. Raises MininodeError with what stands in the way."""
        match credential.checked:
            case Checked.DATABASE:
                await self._as_superuser(f"ALTER ROLE \"{new['username']}\" PASSWORD '{verifier(new['password'])}'")
            case Checked.REALM:
                client_id, secret = _client(credential, new)
                async with self.door() as one:
                    for found in await one.get("clients", clientId=client_id):
                        await one.write("PUT", f"clients/{found['id']}", {"clientId": client_id, "secret": secret})
            case Checked.PERSON:
                await self._person(credential, new)
            case Checked.OPERATOR:
                raise MininodeError(
                    f"Keycloak does not take the new secret of {credential.fixed['client-id']}",
                    "The operator may not change its own account: give the client this secret in the realm master, or let "
                    "`kc.sh bootstrap-admin user` make an administrator (docs/identity.md)",
                    reason="KeycloakLoginRefused",
                )

    def _login(self, values: Values) -> Login:
        return Login(*self.postgres, values["username"], values["password"], values.get("database", "postgres"))

    async def _logs_in(self, new: Values) -> bool:
        try:
            await postgres.login(self._login(new))
        except ProbeFailed:
            await self._as_superuser("SELECT 1")  # it is the password that is refused, or is there no server at all?
            return False
        return True

    async def _as_superuser(self, statement: str) -> None:
        try:
            await postgres.execute(self._login(await self.superuser()), statement)
        except ProbeFailed as error:
            raise MininodeError(str(error), "See whether PostgreSQL is ready: mininode status", reason="Refused") from error

    async def _person(self, credential: Credential, new: Values) -> None:
        async with self.door() as one:
            for person in await one.get("users", username=credential.fixed["username"], exact="true") or []:
                body = {"type": "password", "value": new["password"], "temporary": True}
                await one.write("PUT", f"users/{person['id']}/reset-password", body)


def _client(credential: Credential, new: Values) -> tuple[str, str]:
    return credential.fixed["client-id"], new[credential.generated[0].key]
