"""EC2 on this machine: an EC2-compatible endpoint whose instances really boot.

A product of its own: it imports nothing of roost and serves any EC2 client (AWS CLI, boto3, Ansible, HTCondor).
"""
