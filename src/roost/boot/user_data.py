"""pure: (pool, role, settings) -> the cloud-config an instance is launched with."""

from roost.boot.settings import BootSettings, Intervals, Joining, Shape

__all__ = ["BootSettings", "Intervals", "Joining", "Shape"]
