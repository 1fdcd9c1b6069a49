"""pure: what instances cost. A dated table of on-demand prices, and the price before.

Source: Amazon EC2 On-Demand Pricing, public list, us-east-1, Linux, USD per hour. What is not in the table has no
price here; it is never guessed.
"""

PRICES_DATED = "2026-06"
NOTE = f"on-demand list prices, us-east-1, Linux, as of {PRICES_DATED}; an estimate without volumes, traffic and taxes"

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


def price_region(cloud: str, region: str) -> str:
    """Whose prices are stated: instances on this machine cost nothing, and would cost what they do in us-east-1."""
    return region if cloud == "aws" else "us-east-1"


def usd_per_hour(instance_type: str, region: str) -> float | None:
    """None where the table has no price.

    >>> usd_per_hour("c7i.xlarge", "us-east-1")
    0.1785
    >>> usd_per_hour("c7i.xlarge", "eu-north-1") is None
    True
    """
    if region != "us-east-1":
        return None
    if instance_type in _USD_PER_HOUR:
        return _USD_PER_HOUR[instance_type]
    family, _, size = instance_type.partition(".")
    if family not in _USD_PER_HOUR_OF_LARGE or size not in _LARGES:
        return None
    return round(_USD_PER_HOUR_OF_LARGE[family] * _LARGES[size], 6)
