"""Login flows, one for each setting of the second factor.

A flow in use is never rebuilt: each setting has a flow of its own name, which is complete before it is bound. So no
pass that is killed half-way leaves a login that asks for too little, or that nobody can get through.
"""

from mininode.api.identity import Mfa
from mininode.realm.model import Execution, Flow

BUILT_IN = "browser"


def flows(mfa: Mfa) -> tuple[Flow, ...]:
    """The flows that are declared; none for `optional`, which is what Keycloak's own flow does."""
    if mfa is Mfa.OPTIONAL:
        return ()
    return (_browser(mfa),)


def browser_flow(mfa: Mfa) -> str:
    """The alias of the flow that a login in the browser goes through."""
    return BUILT_IN if mfa is Mfa.OPTIONAL else _browser(mfa).alias


def _browser(mfa: Mfa) -> Flow:
    name = f"mininode-browser-mfa-{mfa}"
    steps = [Execution("REQUIRED", "auth-username-password-form")]
    if mfa is Mfa.REQUIRED:
        # Required and not set up yet makes Keycloak ask the person to set it up, there and then.
        steps.append(Execution("REQUIRED", "auth-otp-form"))
    forms = Flow(f"{name}-forms", "Name and password", tuple(steps))
    return Flow(
        name,
        "Made by mininode from spec.identity.mfa",
        (
            Execution("ALTERNATIVE", "auth-cookie"),
            Execution("ALTERNATIVE", "identity-provider-redirector"),
            Execution("ALTERNATIVE", flow=forms),
        ),
        binding="browserFlow",
    )
