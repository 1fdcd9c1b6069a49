"""shell (EC2, the access point): where runs take place: a pool that is up, what it has and costs, how it is reached."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from roost.cloud import pricing
from roost.cloud.model import Found, PoolInstance
from roost.pool.access_point import AccessPoint
from roost.report.reporter import Reporter
from roost.verbs import entrance
from roost.verbs.rising import RisenPool
from roost.verbs.which_pool import Site


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """Where runs take place: a pool that is up, and who is told of them."""

    pool: RisenPool
    site: Site
    reporter: Reporter

    @contextmanager
    def access_point(self) -> Iterator[AccessPoint]:
        with entrance.access_point(self.pool.spec, self.site, Found(instances=self.instances)) as reached:
            yield reached

    @property
    def place(self) -> str:
        return self.pool.access_point.id if self.pool.access_point else "this machine's HTCondor"

    @property
    def instances(self) -> tuple[PoolInstance, ...]:
        points = [self.pool.access_point] if self.pool.access_point else []
        return (*points, *self.pool.execution_points)

    @property
    def cores(self) -> int:
        """Of its execution points, as far as the cloud says."""
        types = [instance.instance_type for instance in self.pool.execution_points]
        shapes = self.site.ec2.region.shapes(set(types)) if types else {}
        return sum(shapes[one].cpus for one in types if one in shapes)

    @property
    def timeline(self) -> dict[str, object]:
        return {"schema": "roost/timeline/1", "instances": [asdict(known) for known in self.pool.moments.values()]}

    def meter(self) -> Callable[[], float | None]:
        """Dollars so far at the stated price; None where a price is not known."""
        instances = self.instances
        types = [instance.instance_type for instance in instances]
        known = pricing.rates(self.pool.spec.cloud, self.site.ec2.access, types).usd_per_hour
        rates = [(one.launched_at.timestamp(), known.get(one.instance_type)) for one in instances]

        def usd_so_far() -> float | None:
            now = time.time()
            return sum((now - since) / 3600 * rate for since, rate in rates if rate is not None)

        return usd_so_far if all(rate is not None for _, rate in rates) else lambda: None
