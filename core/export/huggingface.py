"""The hub's documented layout of an image data set: `data/<part>/` with `metadata.parquet`, and YAML before the card.

huggingface.co/docs/datasets/image_dataset (ImageFolder with metadata) and /docs/hub/datasets-cards: the column `file_name`
becomes `image` (so our own number of a picture stays out), `label` is a number whose names stand in `dataset_info`, in the card and in the Parquet file alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.export import rows
from core.model import UNKNOWN_LICENCE

if TYPE_CHECKING:
    import pyarrow

    from core.export.chosen import Picture

SPLITS = {"val": "validation"}  # what the hub calls it
LICENCES = {  # our name -> its identifier on the hub (docs/hub/repositories-licenses)
    "CC0 1.0": "cc0-1.0", "CC BY 2.0": "cc-by-2.0", "CC BY 2.5": "cc-by-2.5", "CC BY 3.0": "cc-by-3.0", "CC BY 4.0": "cc-by-4.0",
    "CC BY-SA 3.0": "cc-by-sa-3.0", "CC BY-SA 4.0": "cc-by-sa-4.0", "CC BY-NC 2.0": "cc-by-nc-2.0", "CC BY-NC 3.0": "cc-by-nc-3.0",
    "CC BY-NC 4.0": "cc-by-nc-4.0", "CC BY-ND 4.0": "cc-by-nd-4.0", "CC BY-NC-ND 3.0": "cc-by-nc-nd-3.0",
    "CC BY-NC-ND 4.0": "cc-by-nc-nd-4.0", "CC BY-NC-SA 2.0": "cc-by-nc-sa-2.0", "CC BY-NC-SA 3.0": "cc-by-nc-sa-3.0",
    "CC BY-NC-SA 4.0": "cc-by-nc-sa-4.0", UNKNOWN_LICENCE: "unknown",
}  # fmt: skip
SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
COLUMNS = ("file_name", "label", *(name for name in rows.COLUMNS if name not in ("image", "file", "label", "part")))


def row(picture: Picture, file: str, label: int) -> dict[str, Any]:
    """COLUMNS -> values of one picture; `label` is the place of its class among the classes."""
    return {**rows.row(picture, file), "file_name": file, "label": label}


def schema(classes: Sequence[str]) -> pyarrow.Schema:
    """COLUMNS with their types, and with the features as `datasets` reads them out of a Parquet file."""
    import pyarrow as pa

    kinds = {field.name: field.type for field in rows.schema()} | {"file_name": pa.string(), "label": pa.int64()}
    features = {name: _stored(str(kinds[name])) for name in COLUMNS} | {
        "label": {"names": list(classes), "_type": "ClassLabel"}
    }
    told = json.dumps({"info": {"features": features}})
    return pa.schema([(name, kinds[name]) for name in COLUMNS], {"huggingface": told})


def _stored(kind: str) -> dict[str, str]:
    return {"dtype": {"double": "float64"}.get(kind, kind), "_type": "Value"}


def front(name: str, classes: Sequence[str], parts: Mapping[str, int], licences: Sequence[str]) -> str:
    """The YAML that stands before the card; `parts`: part -> pictures. Text is quoted as JSON, which YAML reads."""
    known = LICENCES.get(licences[0], "other") if len(licences) == 1 else "other"
    size = next((word for most, word in SIZES if sum(parts.values()) < most), "n>10M")
    lines = [
        "---", f"pretty_name: {json.dumps(name)}", f"license: {known}", "task_categories:", "- image-classification",
        "size_categories:", f"- {json.dumps(size)}", "configs:", "- config_name: default", "  data_files:",
    ]  # fmt: skip
    for part in parts:
        lines += [f"  - split: {SPLITS.get(part, part)}", f'    path: "data/{part}/**"']
    lines += ["dataset_info:", "  features:", "  - name: image", "    dtype: image"]
    kinds = {field: _stored(str(kind)) for field, kind in ((f.name, f.type) for f in rows.schema())}
    for column in COLUMNS[1:]:
        lines.append(f"  - name: {column}")
        if column == "label":
            lines += ["    dtype:", "      class_label:", "        names:"]
            lines += [f"          '{number}': {json.dumps(label)}" for number, label in enumerate(classes)]
        else:
            lines.append(f"    dtype: {kinds[column]['dtype']}")
    lines += ["  splits:", *(f"  - name: {SPLITS.get(part, part)}\n    num_examples: {n}" for part, n in parts.items())]
    return "\n".join([*lines, "---", ""])
