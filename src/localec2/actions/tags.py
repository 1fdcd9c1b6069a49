"""shell (records): tags of what is ours, and of what is moto's, through the same three actions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from localec2.actions.filter_tables import TAGS
from localec2.context import Context, end_dry_run
from localec2.errors import IMAGE_NOT_FOUND, INSTANCE_NOT_FOUND, SPOT_NOT_FOUND, TAG_RESERVED
from localec2.filters import matching
from localec2.model import Image, Instance, Snapshot, SpotRequest, Tags
from localec2.paging import page
from localec2.protocol import Params, Result
from localec2.views import View


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """Where the tags of a type of resource are kept: an instance's record also holds its volume's."""

    resource_type: str
    kind: type[Any]
    id_field: str
    tags_field: str


_HOMES = (
    Home(resource_type="instance", kind=Instance, id_field="id", tags_field="tags"),
    Home(resource_type="volume", kind=Instance, id_field="volume_id", tags_field="volume_tags"),
    Home(resource_type="network-interface", kind=Instance, id_field="interface_id", tags_field="interface_tags"),
    Home(resource_type="image", kind=Image, id_field="id", tags_field="tags"),
    Home(resource_type="snapshot", kind=Image, id_field="snapshot_id", tags_field="snapshot_tags"),
    Home(resource_type="snapshot", kind=Snapshot, id_field="id", tags_field="tags"),
    Home(resource_type="spot-instances-request", kind=SpotRequest, id_field="id", tags_field="tags"),
)
_ONLY_OURS = {"i-": INSTANCE_NOT_FOUND, "ami-": IMAGE_NOT_FOUND, "sir-": SPOT_NOT_FOUND}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tagged:
    resource_id: str
    record: Any
    home: Home

    @property
    def tags(self) -> Tags:
        tags: Tags = getattr(self.record, self.home.tags_field)
        return tags


def create_tags(params: Params, context: Context) -> Result:
    added = {tag["Key"]: tag.get("Value", "") for tag in params["Tags"]}
    if any(key.startswith("aws:") for key in added):
        raise TAG_RESERVED()
    ours, theirs = _split(params["Resources"], context)
    end_dry_run(params)
    if theirs:
        context.moto.ask("CreateTags", {"Resources": theirs, "Tags": params["Tags"]})
    for each in ours:
        _put(each, {**each.tags, **added}, context)
    return {}


def delete_tags(params: Params, context: Context) -> Result:
    """A tag with a value goes only when it has that value; without tags, all but EC2's own go."""
    ours, theirs = _split(params["Resources"], context)
    end_dry_run(params)
    named = params.get("Tags")
    if theirs:
        context.moto.ask("DeleteTags", {**({"Tags": named} if named else {}), "Resources": theirs})
    for each in ours:
        _put(each, {key: value for key, value in each.tags.items() if not _is_named(key, value, named)}, context)
    return {}


def describe_tags(params: Params, context: Context) -> Result:
    rows = [*_rows(context), *context.moto.ask("DescribeTags", {}).get("Tags", [])]
    # `tag:<key>` looks at the one tag that a row shows, as if the row were its resource.
    views = [{**row, "Tags": [{"Key": row["Key"], "Value": row["Value"]}]} for row in rows]
    found = matching(views, params.get("Filters"), TAGS)
    shown, token = page(found, params, key=lambda row: f"{row['ResourceId']} {row['Key']}")
    return {"Tags": shown} | ({"NextToken": token} if token else {})


def _split(resource_ids: list[str], context: Context) -> tuple[list[Tagged], list[str]]:
    by_id = {each.resource_id: each for each in _all(context)}
    for resource_id in resource_ids:
        prefix = resource_id[: resource_id.find("-") + 1]
        if resource_id not in by_id and prefix in _ONLY_OURS:
            raise _ONLY_OURS[prefix](id=resource_id)
    ours = [by_id[resource_id] for resource_id in resource_ids if resource_id in by_id]
    return ours, [resource_id for resource_id in resource_ids if resource_id not in by_id]


def _all(context: Context) -> Iterator[Tagged]:
    for home in _HOMES:
        for record in context.world.all(home.kind):
            if home.tags_field == "snapshot_tags" and record.is_disk:
                continue  # the snapshot is a record of its own
            yield Tagged(resource_id=getattr(record, home.id_field), record=record, home=home)


def _rows(context: Context) -> Iterator[View]:
    for each in _all(context):
        for key, value in each.tags.items():
            yield {
                "Key": key,
                "ResourceId": each.resource_id,
                "ResourceType": each.home.resource_type,
                "Value": value,
            }


def _put(each: Tagged, tags: Tags, context: Context) -> None:
    """Read again: one record may hold the tags of several resources of the same call."""
    current: Any = context.world.get(each.home.kind, each.record.id)
    context.world.put(replace(current, **{each.home.tags_field: tags}))


def _is_named(key: str, value: str, named: list[View] | None) -> bool:
    if not named:
        return not key.startswith("aws:")
    return any(tag["Key"] == key and tag.get("Value", value) == value for tag in named)
