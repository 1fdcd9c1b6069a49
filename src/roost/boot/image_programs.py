"""pure: what a baked image carries of Roost's, as files: it needs nothing else to understand user data of any habit.

No step has to be run on the image: the unit is wanted by a drop-in of the target. HTCondor must not start by itself
(`DISABLED_UNITS`); the boot program starts it.
"""

from importlib import resources

from roost.boot.settings import PROGRAMS
from roost.boot.user_data import SHIPPED, SHIPPED_TO_SHARE

# A directory of its own: Roost's user data brings programs too, perhaps of another version.
ROOT = f"{PROGRAMS}/image"
DISABLED_UNITS = ("condor.service",)
_UNIT = "roost-boot.service"
ONLY_ON_IMAGES = ("dialects.py", "node/image_boot.py", "node/cluster.py")

# After the stage of cloud-init that runs Roost's own user data; before HTCondor. The unit that carries that stage had
# another name before cloud-init 24.3. `watch` goes on when the boot has ended.
_SERVICE = f"""\
[Unit]
Description=Make this instance what its user data asks for
Wants=network-online.target
After=network-online.target cloud-init.service cloud-init-network.service
Before=condor.service

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=PYTHONPATH={ROOT}
ExecStart=/usr/bin/python3 -m roost.boot.node.image_boot
"""
_WANTED = f"""\
[Unit]
Wants={_UNIT}
"""


def files() -> dict[str, str]:
    """Path on the image -> text. None needs to be executable: python3 runs them."""
    boot = resources.files("roost.boot")
    programs = {
        f"{ROOT}/roost/boot/{name}": boot.joinpath(*name.split("/")).read_text()
        for name in sorted({*SHIPPED, *SHIPPED_TO_SHARE["gluster"], *SHIPPED_TO_SHARE["nfs"], *ONLY_ON_IMAGES})
    }
    return {
        **programs,
        f"/etc/systemd/system/{_UNIT}": _SERVICE,
        "/etc/systemd/system/multi-user.target.d/roost.conf": _WANTED,
    }
