"""pure: what an old project consists of -> the YAML of Pegasus 5: workflow and catalogs.

After the schemas in Pegasus' `share/pegasus/schema/yaml`. Numbers stay text where Pegasus compares text.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from roost.workflow.old.parts import (
    AbstractWorkflow,
    Container,
    Directory,
    FileServer,
    Grid,
    Hook,
    Job,
    Place,
    Replica,
    Site,
    System,
    Transformation,
    Use,
    name_text,
)
from roost.workflow.old.yaml_text import yaml_text

VERSION = "5.0"


def workflow_text(workflow: AbstractWorkflow, *, about: str) -> str:
    return _text(
        {
            "pegasus": VERSION,
            "name": workflow.name,
            **_hooks(workflow.hooks),
            **_metadata(workflow.metadata),
            "jobs": [_job(job) for job in workflow.jobs],
            "jobDependencies": [{"id": parent, "children": list(ids)} for parent, ids in workflow.children.items()],
        },
        about,
    )


def sites_text(sites: Iterable[Site], *, about: str) -> str:
    return _text({"pegasus": VERSION, "sites": [_site(site) for site in sites]}, about)


def replicas_text(replicas: Iterable[Replica], *, about: str) -> str:
    return _text({"pegasus": VERSION, "replicas": [_replica(replica) for replica in replicas]}, about)


def transformations_text(
    transformations: Iterable[Transformation], containers: Iterable[Container], *, about: str
) -> str:
    return _text(
        {
            "pegasus": VERSION,
            "transformations": [_transformation(one) for one in transformations],
            **_given("containers", [_container(one) for one in containers]),
        },
        about,
    )


def _text(document: dict[str, Any], about: str) -> str:
    return yaml_text({"x-pegasus": {"createdBy": "roost import", "createdFrom": about}, **document})


def _job(job: Job) -> dict[str, Any]:
    namespace, name, version = job.name
    return {
        "type": job.kind,
        **_given("namespace", namespace),
        **_given("version", version),
        **_given("name", name),
        **_given("file", job.file),
        "id": job.id,
        **_given("nodeLabel", job.label),
        **_given("stdin", job.streams.get("stdin", "")),
        **_given("stdout", job.streams.get("stdout", "")),
        **_given("stderr", job.streams.get("stderr", "")),
        "arguments": list(job.arguments),
        "uses": [_use(use) for use in job.uses],
        **_profiles(job.profiles),
        **_hooks(job.hooks),
        **_metadata(job.metadata),
    }


def _use(use: Use) -> dict[str, Any]:
    said: dict[str, Any] = {"lfn": use.lfn, "type": use.link}
    if use.link != "input":
        said |= {"stageOut": use.stage_out, "registerReplica": use.register}
    if use.is_optional:
        said["optional"] = True
    return {**said, **_given("size", use.size), **_metadata(use.metadata)}


def _replica(replica: Replica) -> dict[str, Any]:
    return {
        "lfn": replica.lfn,
        "pfns": [{"site": site, "pfn": pfn} for site, pfn in replica.places],
        **_given("checksum", {"sha256": replica.sha256} if replica.sha256 else None),
        **_given("regex", replica.is_regex),
        **_metadata(replica.metadata),
    }


def _transformation(one: Transformation) -> dict[str, Any]:
    namespace, name, version = one.name
    return {
        **_given("namespace", namespace),
        "name": name,
        **_given("version", version),
        **_given("requires", [name_text(other) for other in one.requires]),
        "sites": [_place(place) for place in one.places],
        **_profiles(one.profiles),
        **_hooks(one.hooks),
        **_metadata(one.metadata),
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "name": place.site,
        "pfn": place.pfn,
        "type": "installed" if place.is_installed else "stageable",
        **_system(place.system),
        **_given("container", place.container),
        **_profiles(place.profiles),
        **_metadata(place.metadata),
    }


def _container(one: Container) -> dict[str, Any]:
    return {
        "name": one.name,
        "type": one.kind,
        "image": one.image,
        **_given("image.site", one.image_site),
        **_given("mounts", list(one.mounts)),
        **_profiles(one.profiles),
    }


def _site(site: Site) -> dict[str, Any]:
    return {
        "name": site.name,
        **_system(site.system),
        "directories": [_directory(one) for one in site.directories],
        **_given("grids", [_grid(one) for one in site.grids]),
        **_profiles(site.profiles),
    }


def _directory(one: Directory) -> dict[str, Any]:
    return {
        "type": one.kind,
        "path": one.path,
        "sharedFileSystem": False,  # Pegasus 5's default, which its own reader wants to see
        **_given("freeSize", one.free_size),
        **_given("totalSize", one.total_size),
        "fileServers": [_server(server) for server in one.servers],
    }


def _server(one: FileServer) -> dict[str, Any]:
    return {"url": one.url, "operation": one.operation, **_profiles(one.profiles)}


def _grid(one: Grid) -> dict[str, Any]:
    return {
        "type": one.kind,
        "contact": one.contact,
        "scheduler": one.scheduler,
        **_given("jobtype", one.job_type),
    }


def _system(system: System) -> dict[str, Any]:
    return {
        **_given("arch", system.arch),
        **_given("os.type", system.os),
        **_given("os.release", system.release),
        **_given("os.version", system.version),
    }


def _profiles(profiles: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return _given("profiles", {namespace: dict(keys) for namespace, keys in profiles.items() if keys})


def _metadata(metadata: Mapping[str, str]) -> dict[str, Any]:
    return _given("metadata", dict(metadata))


def _hooks(hooks: Iterable[Hook]) -> dict[str, Any]:
    calls = [{"_on": hook.on, "cmd": hook.command} for hook in hooks]
    return _given("hooks", {"shell": calls} if calls else None)


def _given(key: str, value: Any) -> dict[str, Any]:
    """Nothing for what was not said."""
    return {key: value} if value else {}
