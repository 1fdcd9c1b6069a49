"""Which way an execution point is reached, and what HTCondor is told about it."""

import pytest

from roost.boot.network import NoWayError, Reach, Way, execution_point_lines, way
from roost.boot.settings import NetworkMode

AUTO, OUTBOUND, DIRECT = NetworkMode.AUTO, NetworkMode.OUTBOUND, NetworkMode.DIRECT
PUBLIC = "203.0.113.9"


@pytest.mark.parametrize(
    ("wanted", "public_ip", "schedd_answers", "taken", "because"),
    [
        (AUTO, PUBLIC, True, OUTBOUND, "the schedd answers from here"),
        (AUTO, "", True, OUTBOUND, "the schedd answers from here"),
        (AUTO, PUBLIC, False, DIRECT, "the schedd does not answer from here"),
        (OUTBOUND, PUBLIC, True, OUTBOUND, "pool.yml says so"),
        (OUTBOUND, "", False, OUTBOUND, "pool.yml says so"),
        (DIRECT, PUBLIC, True, DIRECT, "pool.yml says so"),
        (DIRECT, PUBLIC, False, DIRECT, "pool.yml says so"),
    ],
)
def test_the_way(wanted: NetworkMode, public_ip: str, schedd_answers: bool, taken: NetworkMode, because: str) -> None:
    found = way(wanted, Reach(public_ip=public_ip, central_manager_answers=True, schedd_answers=schedd_answers))
    assert found.mode is taken
    assert found.reason.startswith(because)
    assert '"' not in found.reason, "it becomes a ClassAd's string"


@pytest.mark.parametrize(
    ("wanted", "reach", "said"),
    [
        (AUTO, Reach(public_ip="", central_manager_answers=True, schedd_answers=False), "access_point: cloud"),
        (DIRECT, Reach(public_ip="", central_manager_answers=True, schedd_answers=True), "needs a public address"),
        *(
            (mode, Reach(public_ip=PUBLIC, central_manager_answers=False, schedd_answers=True), "access_point: cloud")
            for mode in NetworkMode
        ),
    ],
)
def test_no_way(wanted: NetworkMode, reach: Reach, said: str) -> None:
    with pytest.raises(NoWayError, match=said):
        way(wanted, reach)


def lines(mode: NetworkMode, ports: tuple[int, int] | None = None) -> list[str]:
    return execution_point_lines(
        Way(mode=mode, reason="why"),
        instance_id="i-1",
        zone="us-east-1a",
        private_ip="172.31.5.6",
        public_ip=PUBLIC,
        ports=ports,
    )


OUTBOUND_LINES = [
    "CCB_ADDRESS = $(COLLECTOR_HOST)",
    "CCB_RECONNECT_TIME = 9",
    "PRIVATE_NETWORK_NAME = i-1.$(TRUST_DOMAIN)",
]
DIRECT_LINES = [
    "TCP_FORWARDING_HOST = 203.0.113.9",
    "PRIVATE_NETWORK_NAME = amazon-ec2-us-east-1a",
    "PRIVATE_NETWORK_INTERFACE = 172.31.5.6",
]


@pytest.mark.parametrize(
    ("mode", "ports", "expected"),
    [
        (OUTBOUND, None, OUTBOUND_LINES),
        (OUTBOUND, (40000, 40050), OUTBOUND_LINES),
        (DIRECT, None, DIRECT_LINES),
        (
            DIRECT,
            (40000, 40050),
            [*DIRECT_LINES, "USE_SHARED_PORT = False", "IN_LOWPORT = 40000", "IN_HIGHPORT = 40050"],
        ),
    ],
)
def test_what_htcondor_is_told(mode: NetworkMode, ports: tuple[int, int] | None, expected: list[str]) -> None:
    told = lines(mode, ports)
    assert told[0] == f"# network: {mode}, because why"
    assert [line for line in told if not line.startswith("#")] == expected
