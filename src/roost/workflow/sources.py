"""pure: what is read of a workflow: its description, catalogs, properties."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from roost.workflow.catalogs import Source
from roost.workflow.properties import Properties
from roost.yaml_lines import Document


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What was read. Later catalogs win over earlier ones: a workflow's own sections come last."""

    workflow: Document
    replicas: tuple[Source, ...]
    transformations: tuple[Source, ...]
    sites: tuple[Source, ...]
    properties: Properties = field(default_factory=Properties)
    variables: Mapping[str, str] = field(default_factory=dict)  # the environment: what ${NAME} stands for
