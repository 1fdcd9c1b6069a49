"""shell (moto): actions that moto answers, with what it leaves out: pages, and groups that are still in use."""

from localec2.context import Context, end_dry_run
from localec2.errors import GROUP_IN_USE, GROUP_NOT_FOUND
from localec2.paging import page
from localec2.protocol import Params, Result

TYPES_PER_PAGE = 100


def describe_instance_types(params: Params, context: Context) -> Result:
    end_dry_run(params)
    asked = {name: value for name, value in params.items() if name not in ("MaxResults", "NextToken", "DryRun")}
    if asked:
        found = context.moto.ask("DescribeInstanceTypes", asked)["InstanceTypes"]
    else:
        found = list(context.moto.instance_types().values())
    size = params if asked else {"MaxResults": TYPES_PER_PAGE, **params}
    shown, token = page(found, size, key=lambda each: str(each["InstanceType"]), most=TYPES_PER_PAGE)
    return {"InstanceTypes": shown} | ({"NextToken": token} if token else {})


def delete_security_group(params: Params, context: Context) -> Result:
    groups = context.moto.security_groups()
    wanted = params.get("GroupId") or params.get("GroupName")
    group = next((each for each in groups if wanted in (each.id, each.name)), None)
    if group is None:
        raise GROUP_NOT_FOUND(id=wanted)
    interfaces = context.moto.ask("DescribeNetworkInterfaces", {}).get("NetworkInterfaces", [])
    used = any(group.id in instance.group_ids for instance in context.alive()) or any(
        group.id == each["GroupId"] for interface in interfaces for each in interface.get("Groups", [])
    )
    referenced = any(
        group.id in rule.group_ids
        for other in groups
        if other.id != group.id
        for rule in (*other.ingress, *other.egress)
    )
    if used or referenced:
        raise GROUP_IN_USE(id=group.id)
    end_dry_run(params)
    context.moto.ask("DeleteSecurityGroup", {"GroupId": group.id})
    return {"Return": True, "GroupId": group.id}
