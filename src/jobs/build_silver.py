"""The silver tables, from bronze.

Run it with:  spark-submit src/jobs/build_silver.py --date 2024-06-30
"""

from ecommerce_lakehouse.jobs import main

if __name__ == "__main__":
    main("The silver tables, from bronze.", "silver")
