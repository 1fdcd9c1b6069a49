import pytest

from localec2 import protocol
from localec2.errors import INVALID_FILTER, Ec2Error


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, {}),
        ({"InstanceId.1": "a", "InstanceId.2": "b"}, {"InstanceId.1": "a", "InstanceId.2": "b"}),
        ({"InstanceId.0": "a", "InstanceId.1": "b"}, {"InstanceId.1": "a", "InstanceId.2": "b"}),
        # each list by itself, also inside another one
        (
            {"Filter.0.Name": "x", "Filter.0.Value.1": "v", "Filter.1.Name": "y", "Filter.1.Value.0": "w"},
            {"Filter.1.Name": "x", "Filter.1.Value.1": "v", "Filter.2.Name": "y", "Filter.2.Value.1": "w"},
        ),
        ({"MaxCount": "0", "Tag.1.Value": "0"}, {"MaxCount": "0", "Tag.1.Value": "0"}),
    ],
)
def test_lists_count_from_one(form: dict[str, str], expected: dict[str, str]) -> None:
    assert protocol.renumbered(form) == expected


def test_what_a_client_sends_is_what_we_parse() -> None:
    sent = {
        "ImageId": "ami-1",
        "MinCount": 1,
        "MaxCount": 2,
        "SecurityGroupIds": ["sg-1", "sg-2"],
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": ""}]}],
        "NetworkInterfaces": [{"DeviceIndex": 0, "AssociatePublicIpAddress": False, "Groups": ["sg-3"]}],
    }
    assert protocol.parameters("RunInstances", protocol.form("RunInstances", sent)) == sent


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"MinCount": "1"}, "MissingParameter"),
        ({"MinCount": "one", "MaxCount": "2"}, "InvalidParameterValue"),
    ],
)
def test_bad_parameters(form: dict[str, str], code: str) -> None:
    with pytest.raises(Ec2Error) as raised:
        protocol.parameters("RunInstances", form)
    assert raised.value.code == code


def test_errors_survive_the_wire() -> None:
    error = INVALID_FILTER(name="<&>")
    with pytest.raises(Ec2Error) as raised:
        protocol.read("DescribeInstances", protocol.error_answer(error), error.status)
    assert (raised.value.code, raised.value.message, raised.value.status) == (error.code, error.message, 400)
