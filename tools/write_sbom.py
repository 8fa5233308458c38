"""Write a bill of materials of what runs in a box: packages with versions and licences, and models.

cyclonedx-bom has listed an environment that holds the product and what it needs, nothing for tests
or training. The models are added with hashes and licences from their manifests, and the result is
held against the CycloneDX schema.

usage: tools/write_sbom.py ENVIRONMENT.json OUT.json    (or: make sbom)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = "edge-affect"


def models() -> list[dict[str, Any]]:
    """Return the models as components."""
    parts = []
    for path in sorted((ROOT / "models_tflite").glob("*.toml")):
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        parts.append(
            {
                "bom-ref": f"model:{said['name']}",
                "type": "machine-learning-model",
                "name": said["name"],
                "version": str(said["version"]),
                "hashes": [{"alg": "SHA-256", "content": said["sha256"]}],
                "licenses": [{"license": {"id": said["weights_licence"]}}],
                "properties": [{"name": "edge-affect:file", "value": said["file"]}],
            }
        )
    return parts


def main() -> None:
    """Read, leave out, add, check and write."""
    bom = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    product = next(part for part in bom["components"] if part["name"] == PRODUCT)
    # Where it lies on this machine is nobody's business.
    product.pop("externalReferences", None)
    product["type"] = "application"
    own = models()
    bom["metadata"]["component"] = product
    bom["components"] = [part for part in bom["components"] if part is not product] + own
    refs = [part["bom-ref"] for part in own]
    for entry in bom["dependencies"]:
        if entry["ref"] == product["bom-ref"]:
            entry["dependsOn"] = sorted([*entry.get("dependsOn", []), *refs])
    bom["dependencies"] += [{"ref": ref} for ref in refs]
    text = json.dumps(bom, indent=2, sort_keys=True) + "\n"
    version = SchemaVersion.from_version(bom["specVersion"])
    problem = JsonStrictValidator(version).validate_str(text)
    if problem is not None:
        sys.exit(f"The bill does not keep the CycloneDX {bom['specVersion']} schema: {problem}")
    without = [part["name"] for part in bom["components"] if not part.get("licenses")]
    Path(sys.argv[2]).write_text(text, encoding="utf-8")
    print(
        f"{sys.argv[2]}: CycloneDX {bom['specVersion']}, {len(bom['components']) - len(own)} "
        f"packages, {len(own)} models; no licence stated by: {', '.join(without) or 'none'}"
    )


if __name__ == "__main__":
    main()
