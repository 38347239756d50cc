"""The rehearsal of this computer's user, with tools from the toolbox."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mininode.cluster.rehearsal import Rehearsal


def user_rehearsal(say: Callable[[str], None]) -> "Rehearsal":
    """The one rehearsal of this user; `say` hears of tools that are being fetched."""
    from mininode.cluster.rehearsal import Rehearsal, default_home
    from mininode.toolbox.toolbox import Toolbox

    box = Toolbox.from_environment(say=say)
    return Rehearsal(default_home(), lambda name: box.get(name).path)
