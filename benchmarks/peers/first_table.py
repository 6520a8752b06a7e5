"""Start a kernel as JupyterLab does, and run the first notebook until a table is on screen.

JupyterLab runs already when a kernel starts, so this loads little beside what a kernel needs. The
lakehouse has no table yet, as on a learner's first day.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_client.manager import start_new_kernel

FIRST = Path(__file__).parents[2] / "notebooks" / "01_bronze.ipynb"


def main() -> None:
    """Stop at the first cell whose output has a table."""
    manager, client = start_new_kernel(cwd=str(FIRST.parent))
    empty = TemporaryDirectory()
    try:
        for cell in json.loads(FIRST.read_text())["cells"]:
            seen: list[str] = []

            def look(message: dict[str, object], seen: list[str] = seen) -> None:
                content = message["content"]
                assert isinstance(content, dict)
                seen.extend(content.get("data", {}))
                assert message["header"]["msg_type"] != "error", content  # type: ignore[index]

            if cell["cell_type"] == "code":
                code = "".join(cell["source"])
                if "parameters" in cell["metadata"].get("tags", []):
                    code += f"\nlakehouse_dir = {empty.name!r}"
                client.execute_interactive(code, output_hook=look, timeout=300)
            if "text/html" in seen:
                return
        raise SystemExit("No cell showed a table.")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        empty.cleanup()


if __name__ == "__main__":
    main()
