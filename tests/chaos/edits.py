"""Random edits, kills and hands that meddle, and what must hold after quiet: the end state is the one of a node from scratch."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from trials import COMPONENTS, Counts
from world import World, differences

Spec = dict[str, Any]

AMOUNTS = ("110m", "120m", "130m")
DOMAINS = ("node.hospital.example", "other.hospital.example")
# The first two are refused by the operator, which needs its list of components for it; the others by the API server.
INVALID: tuple[Spec, ...] = (
    {"components": {"nonsense": {"enabled": True}}},
    {"components": {"postgresql": {"enabled": False}}},
    {"domain": "no domain at all"},
    {"profile": "gigantic"},
)


def machine(world: World, counts: Counts) -> type[RuleBasedStateMachine]:  # noqa: C901 - one method a rule, none of them long
    """The state machine about this world's node."""

    class Edits(RuleBasedStateMachine):
        wish: Spec

        @initialize(domain=st.sampled_from(DOMAINS))
        def begin(self, domain: str) -> None:
            self.wish = {"domain": domain, "components": {}}
            self.put()
            self.quiet()  # so that every credential is made
            self.secrets = world.credentials()

        @rule(component=st.sampled_from(COMPONENTS), cpu=st.sampled_from(AMOUNTS))
        def ask_for_more(self, component: str, cpu: str) -> None:
            self.override(component)["resources"] = {"requests": {"cpu": cpu}}
            self.put()

        @rule(edits=st.lists(st.tuples(st.sampled_from(COMPONENTS), st.sampled_from(AMOUNTS)), min_size=3, max_size=8))
        def edit_in_a_hurry(self, edits: list[tuple[str, str]]) -> None:
            for component, cpu in edits:
                self.ask_for_more(component, cpu)

        @rule(on=st.booleans())
        def switch(self, on: bool) -> None:
            self.override("guacamole")["enabled"] = on
            self.put()

        @rule(domain=st.sampled_from(DOMAINS))
        def move(self, domain: str) -> None:
            self.wish["domain"] = domain
            self.put()

        @rule()
        def forget_all_wishes(self) -> None:
            self.wish["components"] = {}
            self.put()

        @rule(wrong=st.sampled_from(INVALID))
        def ask_for_nonsense(self, wrong: Spec) -> None:
            self.quiet()
            before, revisions = world.end_state(), world.revisions()
            answer = world.declare({**self.wish, **wrong})
            if answer.is_success:
                assert world.until(lambda: world.conditions().get("Stalled", {}).get("status") == "True"), f"{wrong} is not told"
            assert differences(world.end_state(), before) == []
            self.put()
            self.quiet()
            assert differences(world.end_state(), before) == []
            assert world.revisions() == revisions, f"{wrong} cost a revision"
            counts.injected += 1

        @rule(cpu=st.sampled_from(AMOUNTS))
        def there_and_back(self, cpu: str) -> None:
            self.quiet()
            before = world.end_state()
            world.declare({**self.wish, "components": {"keycloak": {"resources": {"requests": {"cpu": cpu}}}}}).raise_for_status()
            self.put()
            self.quiet()
            assert differences(world.end_state(), before) == []

        @rule(helm_too=st.booleans())
        def kill_the_operator(self, helm_too: bool) -> None:
            if world.kill(helm_too=helm_too):
                counts.injected, counts.kills = counts.injected + 1, counts.kills + 1

        @rule()
        def kill_helm(self) -> None:
            for helm in world.operator.helms()[:1]:
                helm.kill()
                counts.injected, counts.kills = counts.injected + 1, counts.kills + 1

        @rule(plural=st.sampled_from(("deployments", "statefulsets", "services", "configmaps")))
        def delete_by_hand(self, plural: str) -> None:
            name = next((one.split()[1] for one in sorted(world.end_state()) if one.startswith(f"{plural} ")), None)
            group = "apis/apps/v1" if plural in {"deployments", "statefulsets"} else "api/v1"
            if name is not None:
                world.api.delete(f"/{group}/namespaces/{world.namespace}/{plural}/{name}")
                counts.injected += 1

        def teardown(self) -> None:
            if not hasattr(self, "wish"):
                return
            counts.trials += 1
            self.quiet()
            found = world.end_state()
            now = world.credentials()
            counts.secrets_changed += [name for name, value in self.secrets.items() if now.get(name) != value]
            assert world.remove(), "the node does not go"
            world.purge()
            self.put()
            self.quiet()
            wanted = world.end_state()
            assert differences(found, wanted) == [], f"not as from scratch for {self.wish}"
            counts.converged += 1

        def override(self, component: str) -> Spec:
            overrides: Spec = self.wish["components"]
            found: Spec = overrides.setdefault(component, {})
            return found

        def put(self) -> None:
            world.declare(self.wish).raise_for_status()

        def quiet(self) -> None:
            """Until the node says that it is as wished for, and nothing moves any more."""
            settled = _still(world)
            assert world.until(settled), f"no quiet for {self.wish}: {world.conditions()}"

    return Edits


def _still(world: World) -> Callable[[], bool]:
    """Converged at ten looks in a row (a second), with the same end state at the first and the last."""
    looks: list[Any] = []

    def look() -> bool:
        if not world.converged():
            looks.clear()
            return False
        looks.append(world.end_state() if not looks else None)
        if len(looks) < 10:
            return False
        same = not differences(world.end_state(), looks[0])
        looks.clear()
        return same

    return look


def run(world: World, counts: Counts, *, examples: int, steps: int, repeat: bool) -> None:
    """Play, the same games each time with `repeat`. Raises AssertionError with the steps that led there."""
    run_state_machine_as_test(
        machine(world, counts),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=repeat,
            database=None,
            phases=(Phase.generate,),  # to shrink would play it all again, many times
            suppress_health_check=list(HealthCheck),
        ),
    )
