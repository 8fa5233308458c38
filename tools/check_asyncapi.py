"""Holds ``docs/asyncapi.yaml`` against the AsyncAPI specification's own JSON Schema.

``make check-asyncapi`` fetches that schema from an npm package at a pinned version.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import yaml
from jsonschema import Draft7Validator

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "asyncapi.yaml"


def main() -> int:
    """Print what is wrong; return 0 if nothing is, 65 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("schema", type=Path, help="the specification's JSON Schema, version 3.0.0")
    parser.add_argument("document", type=Path, nargs="?", default=DOCUMENT)
    options = parser.parse_args()
    schema = json.loads(options.schema.read_text(encoding="utf-8"))
    document = yaml.safe_load(options.document.read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    errors = list(Draft7Validator(schema).iter_errors(document))
    for error in errors:
        sys.stdout.write(f"{error.json_path}: {error.message[:300]}\n")
    if not errors:
        sys.stdout.write(f"{options.document.name} is valid AsyncAPI {document['asyncapi']}.\n")
    return 65 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
