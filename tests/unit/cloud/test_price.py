"""Prices: what the table knows, and that it never guesses; what the Pricing API answers, and what it is asked."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from json_api import JsonApi

from roost.cloud import pricing
from roost.cloud.clients import BRIEF, Access, open_client
from roost.cloud.price import on_demand_usd, table, usd_per_hour
from roost.errors import CloudError


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


SKU = "8D49XP354UEYTHGM"


def product(usd: str, *, unit: str = "Hrs") -> str:
    """One of GetProducts' PriceList, in the shape of the API: a JSON text, reserved terms and all."""
    dimension = {
        "unit": unit,
        "endRange": "Inf",
        "description": f"${usd} per On Demand Linux c7i.large Instance Hour",
        "appliesTo": [],
        "rateCode": f"{SKU}.JRTCKXETXF.6YS6EN2CT7",
        "beginRange": "0",
        "pricePerUnit": {"USD": usd},
    }
    term = {
        "priceDimensions": {f"{SKU}.JRTCKXETXF.6YS6EN2CT7": dimension},
        "sku": SKU,
        "effectiveDate": "2026-11-01T00:00:00Z",
        "offerTermCode": "JRTCKXETXF",
        "termAttributes": {},
    }
    reserved = {**term, "priceDimensions": {"R": {**dimension, "pricePerUnit": {"USD": "999.0"}}}}
    return json.dumps(
        {
            "product": {"productFamily": "Compute Instance", "sku": SKU, "attributes": {"instanceType": "c7i.large"}},
            "serviceCode": "AmazonEC2",
            "terms": {"OnDemand": {f"{SKU}.JRTCKXETXF": term}, "Reserved": {f"{SKU}.38NPMPTW36": reserved}},
            "version": "20261101000000",
            "publicationDate": "2026-11-01T00:00:00Z",
        }
    )


@pytest.mark.parametrize(
    ("price_list", "usd"),
    [
        ([product("0.0952000000")], 0.0952),
        ([product("0.0952000000"), product("0.1000000000")], 0.1),  # the dearest: an upper limit
        ([product("0.0000000000"), product("0.0952000000")], 0.0952),  # the free tier's product
        ([product("0.0000000000")], None),
        ([product("5.0", unit="Quantity")], None),
        ([json.dumps({"product": {}, "terms": {}})], None),
        ([], None),
    ],
)
def test_what_the_pricing_api_answers(price_list: list[str], usd: float | None) -> None:
    assert on_demand_usd(price_list) == usd


@pytest.fixture
def api() -> tuple[JsonApi, Any]:
    access = Access(region="eu-north-1", endpoint_url="http://pricing.invalid", credentials=("an-id", "a-secret"))
    client = open_client("pricing", access, region="us-east-1", config=BRIEF)
    return JsonApi.of(client), client


def test_what_the_pricing_api_is_asked(api: tuple[JsonApi, Any]) -> None:
    there, client = api
    there.answers = [(200, {"FormatVersion": "aws_v1", "PriceList": [product("0.0952000000")]})]
    assert pricing.hourly_usd(client, "eu-north-1", "c7i.large") == 0.0952
    (asked,) = there.asked
    assert asked["ServiceCode"] == "AmazonEC2"
    assert {one["Type"] for one in asked["Filters"]} == {"TERM_MATCH"}
    assert {one["Field"]: one["Value"] for one in asked["Filters"]} == {
        "instanceType": "c7i.large",
        "regionCode": "eu-north-1",
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }


def test_no_leave_to_ask_for_prices(api: tuple[JsonApi, Any]) -> None:
    there, client = api
    there.answers = [(400, {"__type": "AccessDeniedException", "Message": "not authorized: pricing:GetProducts"})]
    with pytest.raises(CloudError, match=r"c7i\.large in eu-north-1"):
        pricing.hourly_usd(client, "eu-north-1", "c7i.large")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path / "roost" / "prices.json"


NOBODY = Access(region="eu-north-1")  # without credentials: who needs the Pricing API is refused


@pytest.mark.parametrize(
    ("hours", "note", "usd"),
    [
        (1, "from AWS's Pricing API on ", {"c7i.large": 0.0952}),
        (25, "a table", {}),  # a day later it is asked again, and nobody answers
        (-1, "a table", {}),  # from the future
    ],
)
def test_a_price_is_kept_for_a_day(cache: Path, hours: float, note: str, usd: dict[str, float]) -> None:
    cache.parent.mkdir()
    entry = {"usd": 0.0952, "at": time.time() - hours * 3600}
    cache.write_text(json.dumps({"eu-north-1": {"c7i.large": entry}}))
    known = pricing.rates("aws", NOBODY, ["c7i.large"])
    assert known.usd_per_hour == usd
    assert note in known.note


@pytest.mark.parametrize("text", ["", "[]", "{", '{"eu-north-1": 3}', '{"eu-north-1": {"c7i.large": {}}}'])
def test_a_cache_that_cannot_be_read_is_empty(cache: Path, text: str) -> None:
    cache.parent.mkdir()
    cache.write_text(text)
    known = pricing.rates("aws", NOBODY, ["c7i.large"])
    assert known.usd_per_hour == {}
    assert "because Roost could not ask for the price of c7i.large" in known.note


def test_on_this_machine_nobody_is_asked() -> None:
    known = pricing.rates("local", NOBODY, ["c7i.large", "c9x.huge"])
    assert known == table(["c7i.large", "c9x.huge"], "us-east-1")
    assert known.usd_per_hour == {"c7i.large": 0.08925}
