"""shell (records): what an action works with, and the look-ups that several actions share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from localec2.config import Config
from localec2.errors import DRY_RUN, INSTANCE_MALFORMED, INSTANCE_NOT_FOUND, INSTANCES_NOT_FOUND
from localec2.faults import Faults
from localec2.identities import is_well_formed
from localec2.lifecycle import State
from localec2.model import Image, Instance
from localec2.moto_backend import Moto
from localec2.protocol import Params, Result
from localec2.views import Surroundings
from localec2.world import World


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """One request: its time, and everything its action may touch."""

    world: World
    config: Config
    moto: Moto
    faults: Faults
    console: Callable[[str], str]
    now: float
    rng: Random

    def surroundings(self, image_id: str = "") -> Surroundings:
        image = self.world.get(Image, image_id)
        return Surroundings(
            owner_id=self.config.account_id,
            group_names={group.id: group.name for group in self.moto.security_groups()},
            volume_gib=image.size_gib if image is not None else 8,
        )

    def instance(self, instance_id: str) -> Instance:
        """Raises `Ec2Error` when there is none, or its id is none."""
        (found,) = self.instances([instance_id])
        return found

    def instances(self, instance_ids: Iterable[str]) -> list[Instance]:
        """In the order asked for. Raises `Ec2Error` naming all that do not exist."""
        wanted = list(dict.fromkeys(instance_ids))
        for instance_id in wanted:
            if not is_well_formed(instance_id, "i"):
                raise INSTANCE_MALFORMED(id=instance_id)
        found = [self.world.get(Instance, instance_id) for instance_id in wanted]
        absent = [instance_id for instance_id, instance in zip(wanted, found, strict=True) if instance is None]
        if len(absent) == 1:
            raise INSTANCE_NOT_FOUND(id=absent[0])
        if absent:
            raise INSTANCES_NOT_FOUND(ids=", ".join(absent))
        return [instance for instance in found if instance is not None]

    def alive(self) -> list[Instance]:
        return [each for each in self.world.all(Instance) if each.state is not State.TERMINATED]


Action = Callable[[Params, Context], Result]


def end_dry_run(params: Params) -> None:
    """To be called when all checks have passed."""
    if params.get("DryRun"):
        raise DRY_RUN()
