"""Roost: an HTCondor pool on EC2 for as long as your workflow needs it."""

VERSION = "0.1.0"
