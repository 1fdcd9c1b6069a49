"""shell (moto): the credentials of instances' roles, made when asked for and kept until shortly before their end."""

import time

from localec2.metadata import RoleCredentials
from localec2.model import Instance
from localec2.moto_backend import Moto
from localec2.world import World

RENEWAL_S = 900.0  # new ones are there at least five minutes before the old ones end (IAM User Guide); we give more


class RoleKeys:
    def __init__(self, moto: Moto, world: World) -> None:
        self._moto = moto
        self._world = world
        self._made: dict[tuple[str, str], RoleCredentials] = {}

    def of(self, instance: Instance) -> RoleCredentials | None:
        """None for an instance without a profile, and for a profile without a role."""
        if instance.profile_arn is None:
            return None
        with self._world.lock:
            profile = self._moto.profile(arn=instance.profile_arn)
            if profile is None or profile.role_arn is None:
                return None
            key = (instance.id, profile.role_arn)
            kept = self._made.get(key)
            if kept is None or kept.expires_at - RENEWAL_S < time.time():
                kept = self._new(instance.id, profile.role_arn)
                self._made[key] = kept
            return kept

    def _new(self, instance_id: str, role_arn: str) -> RoleCredentials:
        made = self._moto.role_credentials(role_arn, session=instance_id)
        return RoleCredentials(
            role_name=made["role_name"],
            access_key_id=made["access_key_id"],
            secret_access_key=made["secret_access_key"],
            token=made["token"],
            updated_at=time.time(),
            expires_at=made["expires_at"],
        )
