"""Exports of the timeline: one versioned record, written as Markdown, CSV or JSON."""

from incidents.exports.export import (
    ExportFile,
    ExportFormat,
    export_incident,
    find_format,
    request_export,
)
from incidents.exports.offline import FileProof, prove_file, verify_export

__all__ = [
    "ExportFile",
    "ExportFormat",
    "FileProof",
    "export_incident",
    "find_format",
    "prove_file",
    "request_export",
    "verify_export",
]
