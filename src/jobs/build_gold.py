"""The intermediate and gold tables, from silver.

Run it with:  spark-submit src/jobs/build_gold.py --date 2024-06-30
"""

from ecommerce_lakehouse.jobs import main

if __name__ == "__main__":
    main("The intermediate and gold tables, from silver.", "intermediate", "gold")
