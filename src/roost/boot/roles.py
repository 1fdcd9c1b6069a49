"""pure: what an instance of a pool is for."""

from enum import StrEnum


class Role(StrEnum):
    ACCESS_POINT = "access-point"  # central manager and schedd: people submit here; jobs never run here
    EXECUTION_POINT = "execution-point"  # one partitionable slot; opens no port
    BUILDER = "builder"  # becomes an image; in no pool of HTCondor's
