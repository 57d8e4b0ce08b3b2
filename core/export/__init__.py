"""Out of Winnow: tables for a spreadsheet, the data set in the forms that others read, the models with a script to ask them.

tables.py        CSV that a spreadsheet may open; read back unchanged
names.py         folders named after classes, on any file system
place.py         the folder of an export: whose it is, and what may be written there
chosen.py        which pictures go with it, and how many do not, and why
rows.py          what is known of each picture, as CSV and as Parquet
layouts.py       the forms of a data set: ImageFolder, CSV, Parquet, COCO, Hugging Face
coco.py          COCO's annotations, a file for each part
dataset.py       pictures copied into a form, with their credits, card and certificate
card.py          what a data set is, in words
model.py         safetensors, ONNX and TorchScript of each run, and what binds them together
same.py          that they say what the app says, measured on real pictures
script.py        becomes predict.py: asks the exported models with onnxruntime, numpy and Pillow alone
model_card.py    what the models are, in words
zipped.py        a folder as one file to download, never held in memory
"""

from __future__ import annotations

from core.export.tables import cell, finding_rows, read_csv, uncell, write_csv

__all__ = ["cell", "finding_rows", "read_csv", "uncell", "write_csv"]
