"""pure: what an instance knows of itself when it writes HTCondor's configuration.

Travels to the instance with the node programs: standard library only.
"""

from dataclasses import dataclass

from roost.boot.network import Way
from roost.boot.settings import PROGRAMS

POWER_OFF = f"{PROGRAMS}/power-off"  # condor_master runs it, as root, instead of leaving


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the instance knows of itself."""

    instance_id: str
    instance_type: str
    zone: str
    private_ip: str
    lease_ends_at: int  # seconds since the epoch
    public_ip: str = ""  # empty: it has none
    way: Way | None = None  # how an execution point is reached
