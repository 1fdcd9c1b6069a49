"""Which quota a type counts against, and what Service Quotas is asked."""

import pytest
from json_api import JsonApi

from roost.cloud import quotas
from roost.cloud.clients import BRIEF, Access, open_client
from roost.cloud.families import quota
from roost.errors import CloudError

ACCESS = Access(region="us-east-1", endpoint_url="http://quotas.invalid", credentials=("an-id", "a-secret"))
UNKNOWN = (400, {"__type": "NoSuchResourceException", "Message": "it was never asked for"})


@pytest.mark.parametrize(
    ("instance_type", "on_demand", "spot"),
    [
        ("c7i.large", "L-1216C47A", "L-34B43A08"),
        ("t3.micro", "L-1216C47A", "L-34B43A08"),
        ("is4gen.large", "L-1216C47A", "L-34B43A08"),
        ("mac2.metal", "L-1216C47A", "L-34B43A08"),
        ("f2.6xlarge", "L-74FC7D96", "L-88CF9481"),
        ("g6e.xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("gr6.4xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("vt1.3xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("inf2.xlarge", "L-1945791B", "L-B5D1601B"),
        ("p5en.48xlarge", "L-417A185B", "L-7212CCBC"),
        ("trn2.48xlarge", "L-2C3B7624", "L-6B0D517C"),
        ("dl1.24xlarge", "L-6E869C2A", "L-85EED4F7"),
        ("x2gd.large", "L-7295265B", "L-E3A00192"),
        ("u-6tb1.56xlarge", "L-43DA4232", None),
        ("hpc7a.12xlarge", "L-F7808C92", None),
    ],
)
def test_the_quota_of_a_type(instance_type: str, on_demand: str, spot: str | None) -> None:
    assert getattr(quota(instance_type), "code", None) == on_demand
    assert getattr(quota(instance_type, is_spot=True), "code", None) == spot


def test_the_accounts_own_quota() -> None:
    client = open_client("service-quotas", ACCESS, config=BRIEF)
    api = JsonApi.of(client)
    api.answers = [(200, {"Quota": {"QuotaCode": "L-1216C47A", "Value": 32.0}})]
    assert quotas.vcpus(ACCESS, "L-1216C47A", client=client) == 32
    assert api.asked == [{"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}]
    assert api.called == ["GetServiceQuota"]


def test_awss_default_where_nobody_asked_for_more() -> None:
    client = open_client("service-quotas", ACCESS, config=BRIEF)
    api = JsonApi.of(client)
    api.answers = [UNKNOWN, (200, {"Quota": {"QuotaCode": "L-1216C47A", "Value": 5.0}})]
    assert quotas.vcpus(ACCESS, "L-1216C47A", client=client) == 5
    assert api.called == ["GetServiceQuota", "GetAWSDefaultServiceQuota"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, {"__type": "AccessDeniedException", "Message": "not authorized"}), "AccessDenied"),
        (UNKNOWN, "NoSuchResource"),
    ],
)
def test_a_quota_that_is_not_told(answer: tuple[int, dict[str, object]], code: str) -> None:
    client = open_client("service-quotas", ACCESS, config=BRIEF)
    JsonApi.of(client).answers = [answer]
    with pytest.raises(CloudError, match=code):
        quotas.vcpus(ACCESS, "L-1216C47A", client=client)
