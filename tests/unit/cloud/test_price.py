"""The table of prices: what it knows, and that it never guesses."""

import pytest

from roost.cloud.price import usd_per_hour


@pytest.mark.parametrize(
    ("instance_type", "region", "usd"),
    [
        ("t3.medium", "us-east-1", 0.0416),
        ("c7i.large", "us-east-1", 0.08925),
        ("c7i.4xlarge", "us-east-1", 0.714),
        ("m7i.large", "us-east-1", 0.1008),
        ("c5.16xlarge", "us-east-1", None),  # there is no such size
        ("c7i.huge", "us-east-1", None),
        ("large", "us-east-1", None),
        ("c7i.large", "eu-north-1", None),
    ],
)
def test_price(instance_type: str, region: str, usd: float | None) -> None:
    assert usd_per_hour(instance_type, region) == usd
