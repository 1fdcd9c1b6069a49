"""pure: what an image of Roost's is made of, and the name that follows from it."""

import hashlib
import json
from dataclasses import asdict, dataclass

from roost.spec import PoolSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    suite: str
    packages: tuple[str, ...]

    @property
    def digest(self) -> str:
        """
        >>> len(Recipe(suite="trixie", packages=("condor",)).digest)
        12
        """
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        return f"roost-{self.suite}-{self.digest}"

    @property
    def description(self) -> str:
        """At most 255 characters (API reference, CreateImage)."""
        return f"Debian {self.suite} with {', '.join(self.packages)}"[:255]


# What `shared` needs on every instance's disk. Debian installs glusterd disabled, and it never starts during a build:
# its first start writes the identity by which peers know each other.
_SHARED_PACKAGES = {
    "none": (),
    "gluster": ("glusterfs-client", "glusterfs-server"),
    "nfs": ("nfs-common", "nfs-kernel-server"),
    "efs": ("nfs-common",),
    "s3": (),
}


def recipe(spec: PoolSpec) -> Recipe:
    """HTCondor of Debian trixie is 23.9; the packages of the spec come on top."""
    added = {*spec.image.packages, *_SHARED_PACKAGES[spec.shared.kind]}
    return Recipe(suite="trixie", packages=("condor", *sorted(added - {"condor"})))
