"""Write docs/data_dictionary.md: every table, column and check.

Run it with:  python scripts/generate_dictionary.py
"""

from ecommerce_lakehouse import ExampleLakehouse, get_spark
from ecommerce_lakehouse.dictionary import text
from ecommerce_lakehouse.paths import PROJECT

if __name__ == "__main__":
    path = PROJECT / "docs" / "data_dictionary.md"
    path.write_text(text(ExampleLakehouse(get_spark("dictionary"))), encoding="utf-8")
    print(path.relative_to(PROJECT))
