"""Hearthlight: a workstation for the people who look after communities around mental health."""

__version__ = "0.1.0"
