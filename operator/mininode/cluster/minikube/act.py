"""Making the cluster be there: look, decide, do the one deed, look again; then prove. Also stop and delete, for a person who asks.

Never used: --force, --delete-on-failure, delete --purge, a start with flags on a cluster that is there.
"""

import dataclasses
import secrets
import time
from pathlib import Path

from mininode.cluster.files import private_folder
from mininode.cluster.minikube import proof
from mininode.cluster.minikube.decide import Action, Decision, State, decide, starting_only
from mininode.cluster.minikube.home import Marker, read_marker, write_marker
from mininode.cluster.minikube.observe import observe
from mininode.cluster.minikube.program import MinikubeFailed, Programs
from mininode.cluster.minikube.reasons import Auto
from mininode.cluster.minikube.seen import Access, Record, Seen
from mininode.cluster.minikube.snapshot import snapshot
from mininode.cluster.minikube.wish import AUTHENTICATION, Wish
from mininode.cluster.way import Progress
from mininode.errors import NotThereYet, ToolError, Unavailable
from mininode.toolbox.locking import only_one

_CREATE, _START, _STOP, _DELETE, _SHORT = 1800.0, 1200.0, 300.0, 300.0, 120.0  # s
_DEGRADED = 300.0  # s that a control plane gets to come back by itself
_DEEDS = 6  # in one run; each state leads to another one
_LOOK_AGAIN = 3.0  # s
_RETRIES = {Auto.AGAIN: 1, Auto.DOWNLOAD: 3}
_INSIDE = f"/{AUTHENTICATION}"


@dataclasses.dataclass(slots=True)
class MinikubeCluster:
    """One cluster, as it is wished."""

    programs: Programs
    wish: Wish

    def look(self) -> tuple[Seen, Decision]:
        """How it is and what would be done. Changes nothing."""
        seen = observe(self.programs, self.wish)
        return seen, decide(seen, self.wish)

    def ensure(self, progress: Progress, *, make: bool = True) -> bool:
        """Make it run as wished, and prove it; whether it ran already. Raises Unavailable with advice where a person is needed.

        Without `make` only what is there is started: where there is no cluster, that is the advice.
        """
        home = self.programs.home
        private_folder(home.folder)
        with only_one(home.lock, progress.say, f"the cluster {home.profile}"):
            ran = self._until_running(progress, make=make)
            record = self._record()
            self._refresh_authentication(progress)
            proof.machine_ready(home.kubeconfig, progress)
            proof.same_data(self.programs, Path(self.wish.data), self.wish.guest)
            proof.same_cluster(home.kubeconfig, record)
            as_wished = dataclasses.replace(record, stopped=False, wish=self.wish)
            if as_wished != record:
                home.remember(as_wished)
        return ran

    def stop(self, progress: Progress, *, by_person: bool = True) -> None:
        """Stop it; all of it stays. What a person stopped does not start with the computer."""
        home = self.programs.home
        with only_one(home.lock, progress.say, f"the cluster {home.profile}"):
            self.programs.do(
                "stop", "-p", home.profile, "--keep-context-active", "-o", "json", seconds=_STOP, say=progress.say
            )
            if record := home.record():
                home.remember(dataclasses.replace(record, stopped=by_person))

    def delete(self, progress: Progress) -> None:
        """Delete the cluster and what Kubernetes kept in it. The data folder stays, with its marker."""
        home = self.programs.home
        with only_one(home.lock, progress.say, f"the cluster {home.profile}"):
            self._delete(progress)

    def _until_running(self, progress: Progress, *, make: bool) -> bool:
        """Deed by deed until it runs; whether it did at once. Waits for a control plane that comes back by itself."""
        patience, said, deeds = time.monotonic() + min(_DEGRADED, progress.left), "", 0
        while deeds <= _DEEDS:
            seen, decision = self.look()
            if not make:
                decision = starting_only(decision, self.wish)
            if decision.action is Action.NOTHING:
                return not (said or deeds)
            if decision.action is Action.WAIT and time.monotonic() < patience:
                if not said:
                    progress.say(said := "the control plane is not ready: waiting for it to come back")
                time.sleep(_LOOK_AGAIN)
                continue
            deeds += 1
            self._do(seen, decision, progress)
        raise NotThereYet(
            f"The cluster {self.programs.home.profile} does not come to rest; it is {decision.state.value}.",
            f"Look at {self.programs.home.log}, and run the same command again.",
            reason="ClusterRestless",
        )

    def _do(self, seen: Seen, decision: Decision, progress: Progress) -> None:
        home, say = self.programs.home, progress.say
        match decision.action:
            case Action.STOP:
                raise stopped(decision)
            case Action.CREATE | Action.ATTACH:
                self._create(seen, decision, progress)
            case Action.CREATE_ANEW:
                why = "was cut short" if decision.state is State.HALF_MADE else "was removed with its disk by somebody"
                say(f"the cluster {home.profile} {why}: taking what is left of it away")
                self._delete(progress)
            case Action.START:
                self._start(seen, progress)
            case Action.UNPAUSE:
                self.programs.do("unpause", "-p", home.profile, "-o", "json", seconds=_SHORT, say=say)
            case Action.REPAIR_ACCESS:
                self._repair_access(seen, progress)
            case Action.WAIT:
                raise NotThereYet(
                    "The control plane of the cluster does not come back by itself.",
                    "Not started again: minikube could reset it. See `mininode kubectl get pods -A`, memory (free -h) "
                    f"and disk (df -h). Then: mininode cluster stop, and the same command again. What minikube said: {home.log}",
                    reason="Degraded",
                )
            case Action.NOTHING:
                return

    def _create(self, seen: Seen, decision: Decision, progress: Progress) -> None:
        wish, home, data = self.wish, self.programs.home, Path(self.wish.data)
        marker = read_marker(data)
        identity = marker.identity if marker and decision.action is Action.ATTACH else secrets.token_hex(16)
        try:
            write_marker(data, Marker(identity, wish.node))
        except OSError as error:
            raise Unavailable(
                f"The data folder {data} can't be made: {error.strerror}.",
                f"sudo install -d -o $USER {data}",
                reason="NoDataFolder",
            ) from None
        if decision.action is Action.ATTACH:
            progress.say(f"the data in {data} are used again")
        if seen.access is not Access.ABSENT:
            home.kubeconfig.replace(home.kubeconfig.with_name("kubeconfig.old"))  # of a cluster that is no more
        self._lay_out(wish)
        record = Record(identity, made=False, tool=seen.tool, wish=wish)
        home.remember(record)
        flags = create_flags(wish)
        self.programs.do("start", "-p", home.profile, *flags, "--dry-run", "-o", "json", seconds=_SHORT, say=lambda _line: None)
        progress.say(f"making the cluster {home.profile}: {wish.cpus} processors, {wish.memory} MiB, Kubernetes {wish.kubernetes}")
        self._with_retries(("start", "-p", home.profile, *flags, "-o", "json"), _CREATE, progress)
        proof.machine_ready(home.kubeconfig, progress)
        proof.place_sentinel(home.kubeconfig, record)
        home.remember(dataclasses.replace(record, made=True))  # from now on it is never taken away by itself

    def _with_retries(self, command: tuple[str, ...], seconds: float, progress: Progress) -> None:
        tries: dict[Auto, int] = {}
        while True:
            try:
                self.programs.do(*command, seconds=min(seconds, progress.left), say=progress.say)
            except MinikubeFailed as error:
                tries[error.auto] = tries.get(error.auto, 0) + 1
                if tries[error.auto] > _RETRIES.get(error.auto, 0):
                    raise
                progress.say(f"{error.message} Trying once more.")
            else:
                return

    def _start(self, seen: Seen, progress: Progress) -> None:
        """Bring it back as it is stored: no flag but the profile's, so that nothing differs and no phase is run again."""
        home, record = self.programs.home, self._record()
        if seen.tool != record.tool and seen.container is not None:
            progress.say(f"minikube is {seen.tool}, it was {record.tool}: copying the cluster first")
            snapshot(self.programs, Path(self.wish.data))
        self._lay_out(self.wish)
        progress.say(f"starting the cluster {home.profile}" + (", which was stopped by you" if record.stopped else ""))
        command = ("start", "-p", home.profile, "--interactive=false", "-o", "json")
        try:
            self.programs.do(*command, seconds=min(_START, progress.left), say=progress.say)  # once: another could be the reset
        except MinikubeFailed as error:
            if self.look()[1].action is not Action.NOTHING:
                raise
            # On a slow machine minikube's patience with its own pods ends first. Whether all is well, the proof tells.
            progress.say(f"{error.message} The cluster runs nevertheless.")
        home.remember(dataclasses.replace(record, tool=seen.tool, stopped=False))

    def _repair_access(self, seen: Seen, progress: Progress) -> None:
        home = self.programs.home
        if seen.access is Access.BROKEN:
            aside = home.kubeconfig.with_name("kubeconfig.broken")
            home.kubeconfig.replace(aside)
            progress.say(f"{seen.access_detail}: moved to {aside}")
        if seen.host == "Running":
            answer = self.programs.ask("update-context", "-p", home.profile)
            if answer.code:
                raise ToolError(
                    f"The access file could not be made anew: {(answer.err or answer.out).strip()[:200]}", f"Look at {home.log}."
                )
            progress.say("the access file was made anew")

    def _refresh_authentication(self, progress: Progress) -> None:
        """Give the API server a changed authentication file; it reads it by itself, no start is needed."""
        home = self.programs.home
        if home.authentication.read_text("utf-8") == self.wish.authentication:
            return
        self._lay_out(self.wish)
        answer = self.programs.ask("cp", "-p", home.profile, str(home.authentication), f"{home.profile}:{_INSIDE}")
        if answer.code:
            said = (answer.err or answer.out).strip()[:200]
            raise ToolError(f"The authentication file could not be copied: {said}", "Run the same command again.")
        progress.say("the API server has the new authentication file")

    def _lay_out(self, wish: Wish) -> None:
        """What minikube copies into the machine, and the downloads that the site brought."""
        home = self.programs.home
        home.authentication.parent.mkdir(parents=True, exist_ok=True)
        home.authentication.write_text(wish.authentication, encoding="utf-8")
        if wish.cache:
            _link_cache(Path(wish.cache), home.minikube / "cache")

    def _delete(self, progress: Progress) -> None:
        home = self.programs.home
        self.programs.do("delete", "-p", home.profile, "-o", "json", seconds=_DELETE, say=progress.say)
        if home.kubeconfig.exists():
            home.kubeconfig.replace(home.kubeconfig.with_name("kubeconfig.old"))

    def _record(self) -> Record:
        record = self.programs.home.record()
        if record is None:
            raise ToolError("the record of the cluster is gone", "Run the same command again.")
        return record


def create_flags(wish: Wish) -> tuple[str, ...]:
    """Every flag of the first start, explicit: minikube's defaults change between versions."""
    return (
        f"--driver={wish.driver}",
        f"--container-runtime={wish.runtime}",
        f"--kubernetes-version={wish.kubernetes}",
        f"--cpus={wish.cpus}",
        f"--memory={wish.memory}mb",
        f"--mount-string={wish.mount}",
        *(f"--ports={one}" for one in wish.ports),
        f"--extra-config=apiserver.authentication-config={_INSIDE}",
        "--interactive=false",
        "--auto-update-drivers=false",
        *((f"--base-image={wish.base_image}",) if wish.base_image else ()),
        *wish.arguments,
    )


def _link_cache(source: Path, target: Path) -> None:
    """Link each of the site's files where minikube looks: it may take links away, never the files."""
    if not source.is_dir():
        raise Unavailable(f"There is no folder {source}.", "Correct computer.minikube.cacheFolder.", reason="NoCacheFolder")
    for file in source.rglob("*"):
        place = target / file.relative_to(source)
        if file.is_file() and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)  # a link to what was moved
            place.symlink_to(file)


def stopped(decision: Decision) -> Unavailable:
    """The error of a decision to stop."""
    problem = decision.problem[:1].upper() + decision.problem[1:]
    return Unavailable(f"{problem}.", f"{decision.advice}.", reason=decision.state.value)
