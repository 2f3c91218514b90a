"""Fetching published video datasets: only the members that are wanted, resumably, verified."""

from clipmill.download.openvid import Report, Request, download_openvid

__all__ = ["Report", "Request", "download_openvid"]
