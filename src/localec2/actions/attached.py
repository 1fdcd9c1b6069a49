"""shell (records): instances' root volumes and network interfaces, beside the ones that moto keeps."""

from collections.abc import Sequence

from localec2.actions.filter_tables import INTERFACES, PROFILE_ASSOCIATIONS, VOLUMES
from localec2.context import Context, end_dry_run
from localec2.filters import matching
from localec2.model import Image
from localec2.paging import page
from localec2.protocol import Params, Result
from localec2.views import View, interface_view, tag_list, volume_view


def describe_volumes(params: Params, context: Context) -> Result:
    end_dry_run(params)
    ours = []
    for instance in context.alive():
        image = context.world.get(Image, instance.image_id)
        around = context.surroundings(instance.image_id)
        ours.append(volume_view(instance, around, snapshot_id=image.snapshot_id if image else ""))
    found = _with_theirs("DescribeVolumes", "Volumes", "VolumeId", ours, params.get("VolumeIds"), context)
    shown, token = page(matching(found, params.get("Filters"), VOLUMES), params, key=lambda view: str(view["VolumeId"]))
    return {"Volumes": shown} | ({"NextToken": token} if token else {})


def describe_network_interfaces(params: Params, context: Context) -> Result:
    end_dry_run(params)
    around = context.surroundings()
    ours = [interface_view(instance, around) for instance in context.alive()]
    found = _with_theirs(
        "DescribeNetworkInterfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
        ours,
        params.get("NetworkInterfaceIds"),
        context,
    )
    shown, token = page(
        matching(found, params.get("Filters"), INTERFACES),
        params,
        key=lambda view: str(view["NetworkInterfaceId"]),
    )
    return {"NetworkInterfaces": shown} | ({"NextToken": token} if token else {})


def describe_iam_instance_profile_associations(params: Params, context: Context) -> Result:
    end_dry_run(params)
    views = [
        {
            "AssociationId": instance.interface_id.replace("eni-", "iip-assoc-"),
            "InstanceId": instance.id,
            "IamInstanceProfile": {"Arn": instance.profile_arn, "Id": instance.profile_id},
            "State": "associated",
            "Tags": tag_list({}),
        }
        for instance in context.alive()
        if instance.profile_arn
    ]
    named = params.get("AssociationIds")
    views = [view for view in views if not named or view["AssociationId"] in named]
    return {
        "IamInstanceProfileAssociations": matching(views, params.get("Filters"), PROFILE_ASSOCIATIONS, tagged=False)
    }


def _with_theirs(
    action: str, member: str, id_member: str, ours: Sequence[View], named: list[str] | None, context: Context
) -> list[View]:
    """moto is asked for what is not ours; it complains about ids that nobody has."""
    if not named:
        return [*ours, *context.moto.ask(action, {}).get(member, [])]
    found = [view for view in ours if view[id_member] in named]
    rest = sorted(set(named) - {str(view[id_member]) for view in found})
    return [*found, *(context.moto.ask(action, {f"{id_member}s": rest}).get(member, []) if rest else [])]
