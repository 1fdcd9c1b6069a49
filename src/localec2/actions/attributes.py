"""shell (records): one instance's attributes, metadata options and console."""

import base64
from dataclasses import replace

from localec2.actions.wanted import checked_behavior, checked_groups, checked_user_data, with_options
from localec2.context import Context, end_dry_run
from localec2.errors import INVALID_COMBINATION, INVALID_TYPE, INVALID_VALUE, IS_TERMINATED, NOT_STOPPED
from localec2.lifecycle import State
from localec2.model import Instance
from localec2.protocol import Params, Result
from localec2.views import ROOT_DEVICE, groups_view, iso, metadata_options_view


def describe_instance_attribute(params: Params, context: Context) -> Result:
    instance = context.instance(params["InstanceId"])
    end_dry_run(params)
    name = params["Attribute"]
    values: Result = {
        "instanceType": {"InstanceType": {"Value": instance.instance_type}},
        "userData": {"UserData": {"Value": instance.user_data} if instance.user_data else {}},
        "disableApiTermination": {"DisableApiTermination": {"Value": instance.termination_protected}},
        "instanceInitiatedShutdownBehavior": {
            "InstanceInitiatedShutdownBehavior": {"Value": instance.shutdown_behavior}
        },
        "groupSet": {"Groups": groups_view(instance, context.surroundings())},
        "rootDeviceName": {"RootDeviceName": {"Value": ROOT_DEVICE}},
        "sourceDestCheck": {"SourceDestCheck": {"Value": True}},
        "ebsOptimized": {"EbsOptimized": {"Value": False}},
        "enaSupport": {"EnaSupport": {"Value": True}},
        "disableApiStop": {"DisableApiStop": {"Value": False}},
        "kernel": {"KernelId": {}},
        "ramdisk": {"RamdiskId": {}},
        "productCodes": {"ProductCodes": []},
        "blockDeviceMapping": {"BlockDeviceMappings": [_root_device(instance)]},
    }
    if name not in values:
        raise INVALID_VALUE(value=name, name="attribute", why="Unknown attribute.")
    return {"InstanceId": instance.id, **values[name]}


def modify_instance_attribute(params: Params, context: Context) -> Result:
    instance = context.instance(params["InstanceId"])
    if instance.state is State.TERMINATED:
        raise IS_TERMINATED(id=instance.id)
    changed = _modified(instance, _by_name(params), context)
    end_dry_run(params)
    context.world.put(changed)
    return {}


def modify_instance_metadata_options(params: Params, context: Context) -> Result:
    instance = context.instance(params["InstanceId"])
    if instance.state is State.TERMINATED:
        raise IS_TERMINATED(id=instance.id)
    end_dry_run(params)
    changed = replace(instance, metadata=with_options(instance.metadata, params))
    context.world.put(changed)
    return {"InstanceId": instance.id, "InstanceMetadataOptions": metadata_options_view(changed)}


def get_console_output(params: Params, context: Context) -> Result:
    instance = context.instance(params["InstanceId"])
    end_dry_run(params)
    text = context.console(instance.id)
    return {
        "InstanceId": instance.id,
        "Output": base64.b64encode(text.encode()).decode(),
        "Timestamp": iso(context.now),
    }


def _by_name(params: Params) -> Params:
    """The old way of naming one attribute and its value, turned into the new one."""
    name, value = params.get("Attribute"), params.get("Value")
    if name is None:
        return params
    member = name[0].upper() + name[1:]
    if name == "userData":
        return {**params, member: {"Value": base64.b64decode(value or "")}}
    if name in ("disableApiTermination", "disableApiStop", "sourceDestCheck", "ebsOptimized", "enaSupport"):
        return {**params, member: {"Value": str(value).lower() == "true"}}
    return {**params, member: {"Value": value}}


def _modified(instance: Instance, params: Params, context: Context) -> Instance:
    if "DisableApiTermination" in params:
        return replace(instance, termination_protected=bool(params["DisableApiTermination"].get("Value")))
    if "InstanceInitiatedShutdownBehavior" in params:
        given = params["InstanceInitiatedShutdownBehavior"].get("Value", "")
        return replace(instance, shutdown_behavior=checked_behavior(given))
    if "Groups" in params:
        return replace(instance, group_ids=checked_groups(params["Groups"], instance.vpc_id, context))
    if "UserData" in params:
        _must_be_stopped(instance)
        given = base64.b64encode(params["UserData"].get("Value", b"")).decode()
        return replace(instance, user_data=checked_user_data(given))
    if "InstanceType" in params:
        _must_be_stopped(instance)
        found = context.moto.instance_type(params["InstanceType"].get("Value", ""))
        if found is None:
            raise INVALID_TYPE(name=params["InstanceType"].get("Value", ""))
        return replace(instance, instance_type=found.name, vcpus=found.vcpus, memory_mib=found.memory_mib)
    if {"SourceDestCheck", "EbsOptimized", "EnaSupport", "DisableApiStop", "BlockDeviceMappings"} & set(params):
        return instance  # accepted; nothing here depends on it
    raise INVALID_COMBINATION(why="No attributes specified.")


def _must_be_stopped(instance: Instance) -> None:
    if instance.state is not State.STOPPED:
        raise NOT_STOPPED(id=instance.id)


def _root_device(instance: Instance) -> Result:
    return {
        "DeviceName": ROOT_DEVICE,
        "Ebs": {
            "VolumeId": instance.volume_id,
            "Status": "attached",
            "AttachTime": iso(instance.launched_at),
            "DeleteOnTermination": True,
        },
    }
