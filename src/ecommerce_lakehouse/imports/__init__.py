"""Other shops' exports: a declared mapping turns them into the four raw files."""

from ecommerce_lakehouse.imports.convert import ImportAccount, import_files
from ecommerce_lakehouse.imports.guess import guess_mapping
from ecommerce_lakehouse.imports.mapping import Mapping, read_mapping, ready_mappings

__all__ = [
    "ImportAccount",
    "Mapping",
    "guess_mapping",
    "import_files",
    "read_mapping",
    "ready_mappings",
]
