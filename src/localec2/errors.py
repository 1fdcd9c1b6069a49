"""pure: every error that an EC2 client meets, with EC2's code and words.

Codes and words are those of the API reference, "Error codes for the Amazon EC2 API". Raise by calling a kind with its
facts: `raise INSTANCE_NOT_FOUND(id=instance_id)`.
"""

from dataclasses import dataclass


class Ec2Error(Exception):
    """What the API answers instead of a result."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Kind:
    code: str
    words: str
    status: int = 400

    def __call__(self, **facts: object) -> Ec2Error:
        return Ec2Error(self.code, self.words.format(**facts), self.status)


DRY_RUN = Kind("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
INVALID_ACTION = Kind("InvalidAction", "The action {action} is not valid for this web service.")
INTERNAL_ERROR = Kind("InternalError", "An internal error has occurred", 500)
WRONG_REGION = Kind("AuthFailure", "Credential should be scoped to a valid region: this is {region}, not {asked}.", 401)

# Parameters
MISSING_PARAMETER = Kind("MissingParameter", "The request must contain the parameter {name}")
INVALID_VALUE = Kind("InvalidParameterValue", "Value ({value}) for parameter {name} is invalid. {why}")
INVALID_COMBINATION = Kind("InvalidParameterCombination", "{why}")
INVALID_FILTER = Kind("InvalidParameterValue", "The filter '{name}' is invalid")
INVALID_NEXT_TOKEN = Kind("InvalidNextToken", "The token '{token}' is invalid.")
INVALID_TYPE = Kind("InvalidParameterValue", "Invalid value '{name}' for InstanceType.")
INVALID_ZONE = Kind("InvalidParameterValue", "Invalid availability zone: [{zone}]")
INVALID_PROFILE = Kind(
    "InvalidParameterValue",
    "Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
)
USER_DATA_TOO_LONG = Kind("InvalidParameterValue", "User data is limited to 16384 bytes")
USER_DATA_NOT_BASE64 = Kind("InvalidParameterValue", "Invalid BASE64 encoding of user data.")

# Instances
INSTANCE_MALFORMED = Kind("InvalidInstanceID.Malformed", 'Invalid id: "{id}"')
INSTANCE_NOT_FOUND = Kind("InvalidInstanceID.NotFound", "The instance ID '{id}' does not exist")
INSTANCES_NOT_FOUND = Kind("InvalidInstanceID.NotFound", "The instance IDs '{ids}' do not exist")
CANNOT_START = Kind("IncorrectInstanceState", "The instance '{id}' is not in a state from which it can be started.")
CANNOT_STOP = Kind("IncorrectInstanceState", "This instance '{id}' is not in a state from which it can be stopped.")
CANNOT_REBOOT = Kind("IncorrectInstanceState", "This instance '{id}' is not in a state from which it can be rebooted.")
CANNOT_IMAGE = Kind("IncorrectState", "The instance '{id}' is not in the 'running' or 'stopped' state.")
NOT_STOPPED = Kind("IncorrectInstanceState", "The instance '{id}' is not in the 'stopped' state.")
IS_TERMINATED = Kind("IncorrectInstanceState", "The instance '{id}' is not in a valid state for this operation.")
SPOT_CANNOT_STOP = Kind(
    "UnsupportedOperation",
    "You can't stop the Spot Instance '{id}' because it is associated with a one-time Spot Instance request. "
    "You can only stop Spot Instances associated with persistent Spot Instance requests.",
)
PROTECTED = Kind(
    "OperationNotPermitted",
    "The instance '{id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
)
TOKEN_MISMATCH = Kind(
    "IdempotentParameterMismatch",
    "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
)
TOKEN_TERMINATED = Kind(
    "IdempotentInstanceTerminated",
    "The instance(s) '{ids}' launched by the request with this client token have been terminated.",
)
NO_CAPACITY = Kind(
    "InsufficientInstanceCapacity",
    "We currently do not have sufficient {type} capacity in the Availability Zone you requested ({zone}). "
    "Our system will be working on provisioning additional capacity.",
    500,
)

# What an instance refers to
KEY_NOT_FOUND = Kind("InvalidKeyPair.NotFound", "The key pair '{name}' does not exist")
GROUP_NOT_FOUND = Kind("InvalidGroup.NotFound", "The security group '{id}' does not exist")
GROUP_IN_USE = Kind("DependencyViolation", "resource {id} has a dependent object")
SUBNET_NOT_FOUND = Kind("InvalidSubnetID.NotFound", "The subnet ID '{id}' does not exist")
SUBNET_FULL = Kind(
    "InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '{id}' to satisfy the request."
)
ADDRESS_IN_USE = Kind("InvalidIPAddress.InUse", "Address {address} is in use.")
NO_ADDRESS_LEFT = Kind(
    "InsufficientAddressCapacity", "Not enough available addresses to satisfy your minimum request.", 500
)
ONE_INTERFACE = Kind("AttachmentLimitExceeded", "Interface count {count} exceeds the limit for {type}")
INTERFACE_NOT_FOUND = Kind("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '{id}' does not exist")
NO_DEFAULT_SUBNET = Kind("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")

# Images, snapshots
IMAGE_MALFORMED = Kind("InvalidAMIID.Malformed", 'Invalid id: "{id}" (expecting "ami-...")')
IMAGE_NOT_FOUND = Kind("InvalidAMIID.NotFound", "The image id '[{id}]' does not exist")
IMAGE_UNAVAILABLE = Kind("InvalidAMIID.Unavailable", "The image ID '{id}' is not available")
IMAGE_NAME_TAKEN = Kind("InvalidAMIName.Duplicate", "AMI name {name} is already in use by AMI {id}")
SNAPSHOT_NOT_FOUND = Kind("InvalidSnapshot.NotFound", "The snapshot '{id}' does not exist.")
SNAPSHOT_IN_USE = Kind("InvalidSnapshot.InUse", "The snapshot {id} is currently in use by {image}")
SNAPSHOT_NOT_COMPLETED = Kind("IncorrectState", "The snapshot '{id}' is {state}, not completed")

# Spot and fleets
UNSUPPORTED = Kind("UnsupportedOperation", "{why}")
SPOT_NOT_FOUND = Kind("InvalidSpotInstanceRequestID.NotFound", "The spot instance request ID '{id}' does not exist")

# Tags
TAG_RESERVED = Kind("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
