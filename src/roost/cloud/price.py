"""pure: what instances cost. A dated table of on-demand prices, and the answers of AWS's Pricing API.

Source of the table: Amazon EC2 On-Demand Pricing, public list, us-east-1, Linux, USD per hour. What is not in it has
no price here; it is never guessed.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PRICES_DATED = "2026-06"
TABLE_REGION = "us-east-1"

_USD_PER_HOUR_OF_LARGE = {
    "c5": 0.085,
    "c6i": 0.085,
    "c7i": 0.08925,
    "m5": 0.096,
    "m6i": 0.096,
    "m7i": 0.1008,
    "r5": 0.126,
    "r6i": 0.126,
    "r7i": 0.1323,
}
# Within a family the price follows the size exactly; only sizes that all of these families have.
_LARGES = {"large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8, "12xlarge": 24, "24xlarge": 48}
_USD_PER_HOUR = {
    "t3.nano": 0.0052,
    "t3.micro": 0.0104,
    "t3.small": 0.0208,
    "t3.medium": 0.0416,
    "t3.large": 0.0832,
    "t3.xlarge": 0.1664,
    "t3.2xlarge": 0.3328,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """What each type costs an hour, as far as it is known, and whose word that is."""

    usd_per_hour: Mapping[str, float] = field(hash=False)
    note: str


def note(region: str, source: str) -> str:
    return f"on-demand list prices, {region}, Linux, {source}; an estimate without volumes, traffic and taxes"


def table(types: Collection[str], region: str, *, because: str = "") -> Rates:
    """What the table knows of them. `because`: why it is the table that was asked."""
    known = {one: usd_per_hour(one, region) for one in types}
    why = f"; from a table, because Roost {because}" if because else ""
    return Rates(
        usd_per_hour={one: usd for one, usd in known.items() if usd is not None},
        note=note(region, f"as of {PRICES_DATED}") + why,
    )


def usd_per_hour(instance_type: str, region: str) -> float | None:
    """None where the table has no price.

    >>> usd_per_hour("c7i.xlarge", "us-east-1")
    0.1785
    >>> usd_per_hour("c7i.xlarge", "eu-north-1") is None
    True
    """
    if region != TABLE_REGION:
        return None
    if instance_type in _USD_PER_HOUR:
        return _USD_PER_HOUR[instance_type]
    family, _, size = instance_type.partition(".")
    if family not in _USD_PER_HOUR_OF_LARGE or size not in _LARGES:
        return None
    return round(_USD_PER_HOUR_OF_LARGE[family] * _LARGES[size], 6)


# What an instance of Roost's is among AWS's products (AWS Price List, attributes of AmazonEC2).
_PRODUCT = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}


def product(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes by which GetProducts finds the one product."""
    return {**attributes, **_PRODUCT}


def on_demand_usd(price_list: Sequence[str]) -> float | None:
    """The hourly price in the PriceList of GetProducts: JSON texts, one for each product.

    The dearest where there are several, for a price before is an upper limit. None where there is none.

    >>> on_demand_usd(['{"terms": {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": {"unit": "Hrs",'
    ...     ' "pricePerUnit": {"USD": "0.0892500000"}}}}}}}'])
    0.08925
    """
    found = [
        float(dimension["pricePerUnit"]["USD"])
        for text in price_list
        for dimension in _dimensions(json.loads(text))
        if dimension.get("unit") == "Hrs" and "USD" in dimension.get("pricePerUnit", {})
    ]
    return max((usd for usd in found if usd > 0), default=None)


def _dimensions(product: Any) -> list[Any]:
    terms = product.get("terms", {}).get("OnDemand", {}).values()
    return [dimension for term in terms for dimension in term.get("priceDimensions", {}).values()]
