"""What is wrong with instances on purpose: which instance it befalls, and what is no ailment."""

import pytest
from localec2_client import Ec2

from localec2.ailments import Ailment, Ill, ailment, clock_files


@pytest.mark.parametrize(
    ("match", "befalls"),
    [("", True), ("c7i.large", True), ("c7i", False), ("role=worker", True), ("role=head", False), ("role", False)],
)
def test_whom_it_befalls(match: str, befalls: bool) -> None:
    assert Ailment(kind=Ill.NO_BOOT, match=match).befalls("c7i.large", {"role": "worker"}) is befalls


@pytest.mark.parametrize(
    ("described", "words"),
    [
        ({"kind": "flu"}, "an ailment's kind is one of no-boot, masked-unit, clock, small-disk"),
        ({"kind": "no-boot", "cuont": 1}, "unknown key 'cuont'"),
        ({"kind": "clock", "value": "an hour"}, "a clock is written unit=seconds"),
        ({"kind": "small-disk", "value": "scratch"}, "a small disk is written /path=MiB"),
        ({"kind": "masked-unit"}, "a masked unit has a name"),
    ],
)
def test_what_is_none(described: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ailment(described)


def test_it_becomes_part_of_the_next_instances_that_it_fits(ec2: Ec2) -> None:
    ec2.control("ailments", [{"kind": "no-boot", "count": 2, "match": "t3.micro"}])
    kinds = [
        [each.kind for each in ec2.record(instance_id).ailments]
        for instance_type in ("t3.small", "t3.micro", "t3.micro", "t3.micro")
        for instance_id in ec2.run(InstanceType=instance_type)
    ]
    assert kinds == [[], [Ill.NO_BOOT], [Ill.NO_BOOT], []]


def test_a_host_that_fails_ends_its_instance(ec2: Ec2) -> None:
    [instance_id] = ec2.running()
    ec2.control("power", {"instance_id": instance_id, "do": "cut"})
    record = ec2.record(instance_id)
    assert (record.state, record.reason.code, record.power_cut) == ("shutting-down", "Server.InternalError", True)


def test_a_power_failure_is_an_abrupt_reboot(ec2: Ec2) -> None:
    [instance_id] = ec2.running()
    ec2.control("power", {"instance_id": instance_id, "do": "reset"})
    record = ec2.record(instance_id)
    assert (record.state, record.reboot_requested, record.power_cut) == ("running", True, True)


def test_what_was_just_made_is_not_shown_yet(ec2: Ec2) -> None:
    ids = ec2.running()
    ec2.control("faults", [{"action": "DescribeInstances", "is_empty": True}])
    assert [ec2.call("DescribeInstances")["Reservations"] for _ in range(1)] == [[]]
    assert ec2.call("DescribeInstances")["Reservations"][0]["Instances"][0]["InstanceId"] == ids[0]


def test_a_clock_is_wrong_for_a_service_and_for_logins_alike() -> None:
    files = clock_files("ssh.service=-3600", "/lib/other-time.so")
    assert '"FAKETIME=-3600"' in files["etc/systemd/system/ssh.service.d/50-clock.conf"]
    assert "FAKETIME=-3600\n" in files["etc/environment"]
