"""Fetching published video datasets: only the members that are wanted, resumably, verified."""

from clipmill.download.openvid import download_openvid
from clipmill.download.request import Report, Request

__all__ = ["Report", "Request", "download_openvid"]
