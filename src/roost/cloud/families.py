"""pure: which vCPU quota an instance type counts against.

Source: EC2 User Guide, "On-Demand Instance quotas" and "Spot Instance quotas"; the codes as Service Quotas lists them.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """vCPUs that may run at once in a region."""

    name: str
    code: str

    @property
    def url(self) -> str:
        """Where more is asked for."""
        return f"https://console.aws.amazon.com/servicequotas/home/services/ec2/quotas/{self.code}"


# family of types: (its name, on demand, spot); spot None: there is none of it
_FAMILIES: dict[str, tuple[str, str, str | None]] = {
    "dl": ("DL", "L-6E869C2A", "L-85EED4F7"),
    "f": ("F", "L-74FC7D96", "L-88CF9481"),
    "g": ("G and VT", "L-DB2E81BA", "L-3819A6DF"),
    "gr": ("G and VT", "L-DB2E81BA", "L-3819A6DF"),
    "vt": ("G and VT", "L-DB2E81BA", "L-3819A6DF"),
    "hpc": ("HPC", "L-F7808C92", None),
    "inf": ("Inf", "L-1945791B", "L-B5D1601B"),
    "p": ("P", "L-417A185B", "L-7212CCBC"),
    "trn": ("Trn", "L-2C3B7624", "L-6B0D517C"),
    "u": ("High Memory", "L-43DA4232", None),
    "x": ("X", "L-7295265B", "L-E3A00192"),
}
_STANDARD = ("Standard (A, C, D, H, I, M, R, T, Z)", "L-1216C47A", "L-34B43A08")


def quota(instance_type: str, *, is_spot: bool = False) -> Quota | None:
    """None where a family cannot be had that way.

    >>> quota("c7i.large").code, quota("t3.micro", is_spot=True).code, quota("g6e.xlarge").code
    ('L-1216C47A', 'L-34B43A08', 'L-DB2E81BA')
    """
    letters = re.match(r"[a-z]*", instance_type)
    name, on_demand, spot = _FAMILIES.get(letters[0] if letters else "", _STANDARD)
    if not is_spot:
        return Quota(name=f"Running On-Demand {name} instances", code=on_demand)
    return Quota(name=f"All {name} Spot Instance Requests", code=spot) if spot else None
