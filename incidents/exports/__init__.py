"""Exports of the timeline: one versioned record, written as Markdown, CSV or JSON."""

from incidents.exports.export import (
    ExportFile,
    ExportFormat,
    export_incident,
    find_format,
    request_export,
)
from incidents.exports.json_format import verify_export

__all__ = [
    "ExportFile",
    "ExportFormat",
    "export_incident",
    "find_format",
    "request_export",
    "verify_export",
]
