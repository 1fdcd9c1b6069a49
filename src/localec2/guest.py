"""pure: the two files that make an unmodified image's cloud-init find its metadata.

They are bind-mounted read-only, so any image that has cloud-init boots here as it would on EC2.
"""

CLOUD_CONFIG_PATH = "/etc/cloud/cloud.cfg.d/99_localec2.cfg"
DATASOURCE_DIR = "/usr/lib/python3/dist-packages/localec2_datasource"

# `datasource_list` must stand on one line: ds-identify reads it with sed.
# The network is made by the service; the host name too, since a container may not set it. An RSA host key would take
# a tenth of the whole boot.
CLOUD_CONFIG = """\
datasource_list: [ Ec2 ]
datasource_pkg_list: [ localec2_datasource ]
datasource: {Ec2: {strict_id: false, timeout: 5, max_wait: 60}}
network: {config: disabled}
preserve_hostname: true
ssh_genkeytypes: [ed25519, ecdsa]
"""

# cloud-init speaks IMDSv2 only where it knows the platform to be EC2, and it looks for that in the DMI tables, which a
# container does not have (cloudinit/sources/DataSourceEc2.py, identify_platform).
DATASOURCE = '''\
"""cloud-init's own Ec2 data source, told that this is EC2."""

from cloudinit import sources
from cloudinit.sources import DataSourceEc2 as ec2

ec2.identify_platform = lambda: ec2.CloudNames.AWS

DATASOURCES = [(ec2.DataSourceEc2, (sources.DEP_FILESYSTEM, sources.DEP_NETWORK))]


def get_datasource_list(depends):
    return sources.list_from_depends(depends, DATASOURCES)
'''
