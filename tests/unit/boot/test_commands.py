"""What is run on the access point and what its answers mean."""

import pytest

from roost.boot.commands import Joined, joined, joining_token, mint_joining_token

TOKEN = "eyJhbGciOiJIUzI1NiIsImtpZCI6IlBPT0wifQ.eyJzdWIiOiJqb2luIn0.c2lnbmF0dXJl"


def test_joining_token_may_do_two_things_for_a_quarter_of_an_hour() -> None:
    [*prefix, script] = mint_joining_token("galaxy")
    assert prefix == ["sudo", "-n", "sh", "-c"]
    assert script.count("-authz") == 2
    for part in ("-identity join@galaxy.roost", "-authz ADVERTISE_STARTD", "-authz ADVERTISE_MASTER", "-lifetime 900"):
        assert part in script


@pytest.mark.parametrize("printed", [TOKEN, f"{TOKEN}\n", f"sudo: a warning\n{TOKEN}\n"])
def test_token_is_found(printed: str) -> None:
    assert joining_token(printed) == TOKEN


@pytest.mark.parametrize("printed", ["", "Failed to create a token\n", "ey\n"])
def test_no_token_is_an_error(printed: str) -> None:
    with pytest.raises(ValueError, match="no token"):
        joining_token(printed)


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("", []),
        (
            '[\n{\n"Machine": "ip-1.ec2.internal", "RoostInstanceId": "i-1", "TotalSlotCpus": 2.0,'
            ' "TotalSlotMemory": 3840, "MyAddress": "<172.31.5.6:9618?CCBID=172.31.0.9:9618%23%231>",'
            ' "RoostNetworkMode": "outbound", "RoostNetworkReason": "why"\n}\n]\n',
            [
                Joined(
                    instance_id="i-1",
                    name="ip-1.ec2.internal",
                    cpus=2,
                    memory_mib=3840,
                    port=9618,
                    network_mode="outbound",
                    network_reason="why",
                )
            ],
        ),
    ],
)
def test_joined(printed: str, expected: list[Joined]) -> None:
    assert joined(printed) == expected
