"""pure: what an image of Roost's is made of, and the name that follows from it."""

import hashlib
import json
from dataclasses import asdict, dataclass

from roost.spec import PoolSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What is in the files that a recipe names: each a digest."""

    files: tuple[tuple[str, str], ...] = ()  # (path on the image, digest)
    script: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    suite: str
    packages: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()
    script: str = ""
    base: str = ""  # an image's id; none: what the cloud offers of that suite

    @property
    def digest(self) -> str:
        """
        >>> len(Recipe(suite="trixie", packages=("condor",)).digest)
        12
        """
        said = {key: value for key, value in asdict(self).items() if value}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def is_plain(self) -> bool:
        """Packages alone: EC2 on this machine makes such an image without an instance."""
        return not (self.files or self.script or self.base)

    @property
    def name(self) -> str:
        return f"roost-{self.suite}-{self.digest}"

    @property
    def description(self) -> str:
        """At most 255 characters (API reference, CreateImage)."""
        more = [f"{len(self.files)} files"] if self.files else []
        more += ["a script"] if self.script else []
        return f"Debian {self.suite} with {', '.join([*self.packages, *more])}"[:255]


# What `shared` needs on every instance's disk. Debian installs glusterd disabled, and it never starts during a build:
# its first start writes the identity by which peers know each other.
_SHARED_PACKAGES = {
    "none": (),
    "gluster": ("glusterfs-client", "glusterfs-server"),
    "nfs": ("nfs-common", "nfs-kernel-server"),
    "efs": ("nfs-common",),
    "s3": (),
}


def recipe(spec: PoolSpec, contents: Contents | None = None) -> Recipe:
    """HTCondor of Debian trixie is 23.9; the packages of the spec come on top."""
    held = contents or Contents()
    added = {*spec.image.packages, *_SHARED_PACKAGES[spec.shared.kind]}
    return Recipe(
        suite="trixie",
        packages=("condor", *sorted(added - {"condor"})),
        files=held.files,
        script=held.script,
        base=spec.image.base or "",
    )


def base_recipe(spec: PoolSpec) -> Recipe:
    """What a recipe starts from on EC2 on this machine: HTCondor, and what its shared file system needs.

    Whether an instance may mount file systems is a property of the image there, which its descendants inherit.
    """
    return Recipe(suite="trixie", packages=("condor", *_SHARED_PACKAGES[spec.shared.kind]))
