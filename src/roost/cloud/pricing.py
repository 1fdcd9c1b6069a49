"""shell (AWS Pricing API, the user's cache directory): what instance types cost an hour, of today.

In: types and a region. Out: Rates that say where they are from. The API's answers are kept for a day; where it cannot
be asked, and on EC2 on this machine, the dated table of `price` is what there is.
"""

import json
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import platformdirs

from roost.cloud import price
from roost.cloud.clients import BRIEF, Access, open_client, translated
from roost.cloud.price import Rates
from roost.errors import RoostError

_REGION = "us-east-1"  # where the Pricing API is, for the prices of all regions
_KEPT_S = 24 * 3600


def rates(cloud: str, access: Access, types: Collection[str]) -> Rates:
    """Never raises for want of a price; what has none is not in the Rates."""
    if cloud != "aws":
        return price.table(types, price.TABLE_REGION)
    kept = _Kept(_place())
    missing = [one for one in sorted(set(types)) if kept.age_s(access.region, one) is None]
    try:
        if missing:
            client = open_client("pricing", access, region=_REGION, config=BRIEF)
            for one in missing:
                kept.keep(access.region, one, hourly_usd(client, access.region, one))
            kept.write()
    except RoostError as error:
        return price.table(types, access.region, because=error.message)
    known = {one: kept.usd(access.region, one) for one in types}
    oldest_s = max((kept.age_s(access.region, one) or 0.0 for one in types), default=0.0)
    asked = datetime.fromtimestamp(time.time() - oldest_s, UTC).date()
    return Rates(
        usd_per_hour={one: usd for one, usd in known.items() if usd is not None},
        note=price.note(access.region, f"from AWS's Pricing API on {asked.isoformat()}"),
    )


def hourly_usd(client: Any, region: str, instance_type: str) -> float | None:
    """One type's on-demand price by GetProducts. None where AWS has none."""
    wanted = price.product({"instanceType": instance_type, "regionCode": region})
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    with translated(f"ask for the price of {instance_type} in {region}"):
        answer = client.get_products(ServiceCode="AmazonEC2", FormatVersion="aws_v1", Filters=filters, MaxResults=10)
    return price.on_demand_usd(answer["PriceList"])


class _Kept:
    """Prices of earlier today: {region: {type: {"usd": ..., "at": epoch s}}}. A file that cannot be read is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, dict[str, dict[str, Any]]] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError, KeyError):
            read = json.loads(path.read_text())
            self._entries = {
                region: {one: {"usd": entry["usd"], "at": float(entry["at"])} for one, entry in types.items()}
                for region, types in read.items()
            }

    def age_s(self, region: str, instance_type: str) -> float | None:
        """None where it is not known, or too old."""
        entry = self._entries.get(region, {}).get(instance_type)
        if entry is None:
            return None
        age_s = time.time() - entry["at"]
        return age_s if 0 <= age_s < _KEPT_S else None

    def usd(self, region: str, instance_type: str) -> float | None:
        return self._entries.get(region, {}).get(instance_type, {}).get("usd")

    def keep(self, region: str, instance_type: str, usd: float | None) -> None:
        self._entries.setdefault(region, {})[instance_type] = {"usd": usd, "at": time.time()}

    def write(self) -> None:
        with suppress(OSError):  # a cache that cannot be kept is no cache
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._path.with_suffix(f".{time.time_ns()}")
            fresh.write_text(json.dumps(self._entries))
            fresh.replace(self._path)


def _place() -> Path:
    return platformdirs.user_cache_path("roost") / "prices.json"
