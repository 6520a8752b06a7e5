"""Charts and tables as pages for people without Python."""

from ecommerce_lakehouse.report.folder import write_report
from ecommerce_lakehouse.report.gallery import Exhibit, read_gallery

__all__ = ["Exhibit", "read_gallery", "write_report"]
