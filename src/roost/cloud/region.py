"""shell (boto3): what a region of EC2 offers to any pool: types, networks, Debian's image; and what runs there already.

In: a client of `clients`. Out: values. Changes nothing.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roost.boot.settings import Shape
from roost.cloud import debian_image, wire
from roost.cloud.clients import translated
from roost.cloud.failures import failure
from roost.cloud.model import Subnet

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import ImageTypeDef


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundImage:
    id: str
    name: str
    root_device: str


class Region:
    def __init__(self, client: "EC2Client", name: str) -> None:
        self._client, self._name = client, name

    def opt_in_status(self, region: str) -> str | None:
        """Of any region, as DescribeRegions has it; None where there is none of that name."""
        by_name: Any = [{"Name": "region-name", "Values": [region]}]
        with translated(f"look up the region {region}"):
            regions = self._client.describe_regions(AllRegions=True, Filters=by_name)["Regions"]
        return regions[0].get("OptInStatus", "opt-in-not-required") if regions else None

    def shapes(self, types: Iterable[str]) -> dict[str, Shape]:
        """vCPUs and memory of instance types."""
        names: Any = sorted(set(types))
        with translated(f"look up the instance types {', '.join(names)}"):
            pages = self._client.get_paginator("describe_instance_types").paginate(InstanceTypes=names)
            return {
                str(one["InstanceType"]): Shape(
                    cpus=one["VCpuInfo"]["DefaultVCpus"], memory_mib=one["MemoryInfo"]["SizeInMiB"]
                )
                for page in pages
                for one in page["InstanceTypes"]
            }

    def architecture(self, instance_type: str) -> str:
        """`x86_64` or `arm64`."""
        names: Any = [instance_type]
        with translated(f"look up the instance type {instance_type}"):
            (described,) = self._client.describe_instance_types(InstanceTypes=names)["InstanceTypes"]
        supported: list[str] = [*described["ProcessorInfo"]["SupportedArchitectures"]]
        return next(one for one in ("x86_64", "arm64", *supported) if one in supported)

    def base_image(self, architecture: str) -> FoundImage | None:
        """Debian's own newest image: what an image for a pool is baked from. No pool starts from it."""
        wanted: Any = debian_image.filters(architecture)
        with translated("look for Debian's image"):
            pages = self._client.get_paginator("describe_images").paginate(Owners=[debian_image.OWNER], Filters=wanted)
            newest = debian_image.newest(image for page in pages for image in page["Images"])
        return _found_image(newest) if newest else None

    def network(self, subnet_id: str | None) -> Subnet:
        """The subnet of that id, or the first of the default VPC.

        Raises NotFoundError for a subnet that is not there, CloudError where the region has no default VPC.
        """
        with translated(f"look at the subnet {subnet_id}" if subnet_id else "look at the default VPC"):
            if subnet_id:
                return self.subnet(subnet_id)
            defaults = self.default_subnets()
        if not defaults:
            raise failure(
                "use the default VPC",
                code="VPCIdNotSpecified",
                message=f"the region {self._name} has none with a subnet",
            )
        return defaults[0]

    def subnet(self, subnet_id: str) -> Subnet:
        return wire.subnet(self._client.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0])

    def default_subnets(self) -> list[Subnet]:
        """One of each zone, by zone."""
        pages = self._client.get_paginator("describe_subnets").paginate(
            Filters=[{"Name": "default-for-az", "Values": ["true"]}]
        )
        return sorted((wire.subnet(one) for page in pages for one in page["Subnets"]), key=lambda one: one.zone)

    def running(self) -> dict[tuple[str, bool], int]:
        """How many instances of the account run in this region, anybody's: by (type, whether it is spot)."""
        alive: Any = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        with translated("count what runs"):
            pages = self._client.get_paginator("describe_instances").paginate(Filters=alive)
            return dict(
                Counter(
                    (str(one["InstanceType"]), one.get("InstanceLifecycle") == "spot")
                    for page in pages
                    for reservation in page["Reservations"]
                    for one in reservation["Instances"]
                )
            )


def _found_image(described: "ImageTypeDef") -> FoundImage:
    return FoundImage(
        id=described["ImageId"],
        name=described.get("Name", ""),
        root_device=described.get("RootDeviceName", "/dev/xvda"),
    )
